"""The packages of the Regent and of the controller form layers: the tables of architecture.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
ROW = re.compile(
    r"^\| `(?P<room>(?:regent|controller)/[\w]+)` \| .+ \| (?P<imports>[^|]*) \|$", re.MULTILINE
)
HOUSES = ("regent", "controller")
Arrows = dict[str, frozenset[str]]


def drawn(house: str) -> Arrows:
    """The arrows of the table."""
    return {
        row["room"].split("/")[1]: frozenset(re.findall(r"\w+", row["imports"]))
        for row in ROW.finditer(PAGE.read_text("utf-8"))
        if row["room"].startswith(f"{house}/")
    }


def built(house: str) -> Arrows:
    """The arrows of the imports. A module beside the packages is a room of its own."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / house).rglob("*.py")):
        room = path.relative_to(ROOT / house).parts[0].removesuffix(".py")
        if room != "__init__":
            found.setdefault(room, set()).update(set(rooms_of(path, house)) - {room})
    return {room: frozenset(arrows) for room, arrows in found.items()}


def rooms_of(path: Path, house: str) -> Iterator[str]:
    """The rooms of the house that a module imports from."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            top, _, rest = node.module.partition(".")
            if top == house:
                yield from [rest.split(".")[0]] if rest else (alias.name for alias in node.names)


@pytest.mark.parametrize("house", HOUSES)
def test_the_packages_import_what_the_table_says_and_nothing_else(house: str) -> None:
    assert len(drawn(house)) > 10
    assert built(house) == drawn(house)


@pytest.mark.parametrize("house", HOUSES)
def test_no_arrow_leads_back(house: str) -> None:
    """graphlib.CycleError names the way round."""
    assert list(TopologicalSorter(built(house)).static_order())


def test_every_room_that_the_page_names_is_there() -> None:
    named = set(
        re.findall(r"(?:controller|regent|shared|sql)/[\w/]+\.\w+", PAGE.read_text("utf-8"))
    )
    assert len(named) > 40
    assert [one for one in sorted(named) if not (ROOT / one).exists()] == []
