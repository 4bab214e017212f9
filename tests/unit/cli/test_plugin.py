"""`kubectl postgregent`: the same command, under the name that was typed."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPT = "from cli.__main__ import main; main()"


def installed(folder: Path, name: str) -> Path:
    """As pip installs it."""
    script = folder / name
    script.write_text(f"#!{sys.executable}\n{SCRIPT}\n")
    script.chmod(0o755)
    return script


def called(script: Path, *words: str) -> str:
    ended = subprocess.run(
        [script, *words], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, check=False
    )
    return (ended.stdout + ended.stderr).decode()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("postgregent", "Usage: postgregent "),
        ("kubectl-postgregent", "Usage: kubectl postgregent "),
    ],
)
def test_help_and_errors_show_what_was_typed(tmp_path: Path, name: str, shown: str) -> None:
    script = installed(tmp_path, name)
    assert shown in called(script, "--help")
    assert f"{shown}status" in called(script, "status", "--help")
    assert shown in called(script, "status", "--no-such-option")


def test_a_plugin_offers_no_completion_that_would_break_a_shell(tmp_path: Path) -> None:
    assert "--install-completion" in called(installed(tmp_path, "postgregent"), "--help")
    plugin = installed(tmp_path, "kubectl-postgregent")
    assert "--install-completion" not in called(plugin, "--help")
    assert "No such option" in called(plugin, "--install-completion")


def test_kubectl_finds_it_by_the_name_of_its_script() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    assert scripts["kubectl-postgregent"] == scripts["postgregent"]
