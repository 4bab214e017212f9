"""GitHub would take the workflows: actionlint knows its syntax, contexts and popular actions."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.kubernetes_harness.programs import ACTIONLINT, are_built, programs
from tests.kubernetes_harness.unavailable import ClusterUnavailable
from tests.unit.release.workflows import FILES, ROOT

BUILD_SECONDS = 600
pytestmark = pytest.mark.timeout(600 if are_built(ACTIONLINT) else BUILD_SECONDS)


def complaints(*files: Path) -> str:
    """What actionlint says; nothing when all is well."""
    try:
        program = programs(ACTIONLINT) / "actionlint"
    except ClusterUnavailable as reason:
        pytest.skip(f"actionlint is not here: {reason}")
    # Whether a machine has shellcheck or pyflakes must not decide.
    command = [str(program), "-shellcheck=", "-pyflakes=", "-no-color", *map(str, files)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode in {0, 1}, answer.stderr
    return answer.stdout


def test_the_workflows_are_valid() -> None:
    assert complaints(*FILES) == ""


def test_a_mistake_in_one_would_be_seen(tmp_path: Path) -> None:
    wrong = tmp_path / "release.yml"
    text = next(path for path in FILES if path.name == "release.yml").read_text("utf-8")
    wrong.write_text(text.replace("needs.check.outputs.version", "needs.chek.outputs.version"))
    assert 'property "chek" is not defined' in complaints(wrong)
