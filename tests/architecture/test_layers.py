"""Who may import whom; architecture in one table."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAY_IMPORT = {
    "shared": set[str](),
    "sql": set[str](),
    "regent": {"shared", "sql"},
    "controller": {"shared"},
    "cli": {"shared", "sql", "regent", "controller"},
}
# The pure middle decides; it waits for nothing, reads no clock and knows no driver.
PURE = ("regent/plan", "regent/resolve", "regent/apply/render.py", "controller/core/compile.py")
IMPURE = {"asyncio", "asyncpg", "httpx", "logging", "os", "socket", "structlog", "time"}


def modules(place: str) -> list[Path]:
    path = ROOT / place
    return sorted(path.rglob("*.py")) if path.is_dir() else [path] if path.exists() else []


def imported(path: Path) -> Iterator[str]:
    """The top-level names that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield str(node.module).split(".")[0]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_the_layers_below_it(package: str) -> None:
    assert modules(package), f"{package} is not there"
    forbidden = {*MAY_IMPORT, "tests", "benchmarks", "docs"} - {package} - MAY_IMPORT[package]
    wrong = {str(p): bad for p in modules(package) if (bad := forbidden & set(imported(p)))}
    assert wrong == {}


@pytest.mark.parametrize("place", PURE)
def test_the_pure_middle_imports_nothing_that_acts(place: str) -> None:
    assert modules(place), f"{place} is not there"
    wrong = {str(p): bad for p in modules(place) if (bad := IMPURE & set(imported(p)))}
    assert wrong == {}


def test_the_keeper_runs_without_any_installed_package() -> None:
    """It is started with `python -I -S`, which sees nothing but the standard library."""
    assert set(imported(ROOT / "cli/postgres/keeper.py")) <= sys.stdlib_module_names


def test_help_needs_no_driver_and_no_models() -> None:
    """Completion asks for it at each tab; what a command needs is imported when it runs."""
    asked = "import sys, cli.main; cli.main.app(['--help'], standalone_mode=False)"
    code = f"{asked}; print(*sys.modules, file=sys.stderr)"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    heavy = {"asyncio", "asyncpg", "fastapi", "httpx", "kubernetes_asyncio", "pydantic"}
    assert heavy & set(ended.stderr.decode().split()) == set()


def test_every_package_says_that_it_is_typed() -> None:
    assert [name for name in MAY_IMPORT if not (ROOT / name / "py.typed").exists()] == []
