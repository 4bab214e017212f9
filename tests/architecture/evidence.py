"""Which facts, rules and findings the tests show, found without running them.

`python -m tests.architecture.evidence` prints what no test shows and ends with status 1 then.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LISTS = {
    "fact": ROOT / "docs" / "facts.md",
    "rule": ROOT / "docs" / "rules.md",
    "found": ROOT / "docs" / "findings.md",
}
ENTRY = re.compile(r"^- \*\*(?P<id>[\w-]+)\*\* (?P<text>.+(?:\n  .+)*)$", re.MULTILINE)

FACT = re.compile(r"PG-[A-Z]+-\d+")


@dataclass(frozen=True, slots=True)
class Mark:
    """One use of pytest.mark.fact(…) or pytest.mark.rule(…)."""

    kind: str
    name: str
    place: str


def listed(kind: str) -> dict[str, str]:
    """The ids of one of the lists, with their sentences."""
    return {m["id"]: m["text"] for m in ENTRY.finditer(LISTS[kind].read_text("utf-8"))}


def marks_in(source: str, place: str) -> Iterator[Mark]:
    """Every mark of a test module, on tests, classes, parameters and the module itself.

    `fact(name)`, with a name out of a table of cases, stands for every id in the module: a table
    whose ids are never used would be dead code.
    """
    module = ast.parse(source)
    for node in ast.walk(module):
        match node:
            case ast.Call(
                func=ast.Attribute(
                    value=ast.Attribute(value=ast.Name(id="pytest"), attr="mark"), attr=kind
                )
            ) if kind in LISTS:
                for argument in node.args:
                    if isinstance(argument, ast.Constant):
                        yield Mark(kind, str(argument.value), f"{place}:{node.lineno}")
                    elif kind == "fact":
                        yield from _ids_in(module, place)
                    else:
                        yield Mark(kind, ast.unparse(argument), f"{place}:{node.lineno}")


def _ids_in(module: ast.Module, place: str) -> Iterator[Mark]:
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and FACT.fullmatch(str(node.value)):
            yield Mark("fact", str(node.value), f"{place}:{node.lineno}")


def all_marks() -> list[Mark]:
    """The marks of all test modules."""
    return [
        mark
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for mark in marks_in(path.read_text("utf-8"), str(path.relative_to(ROOT)))
    ]


def unknown() -> list[Mark]:
    """Marks whose id is in no list: misspelt, or a fact that was never written down."""
    return [mark for mark in all_marks() if mark.name not in listed(mark.kind)]


def unshown() -> list[str]:
    """The lines that no test shows."""
    shown = {(mark.kind, mark.name) for mark in all_marks()}
    return [
        f"{kind} {name}: {text}"
        for kind in LISTS
        for name, text in listed(kind).items()
        if (kind, name) not in shown
    ]


def main() -> int:
    """Say what is missing."""
    missing = unshown()
    for line in missing:
        print(line)  # noqa: T201 - a command's answer
    total = sum(len(listed(kind)) for kind in LISTS)
    print(f"{total - len(missing)} of {total} facts, rules and findings are shown by tests")  # noqa: T201
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
