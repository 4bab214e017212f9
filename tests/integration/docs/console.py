"""The console blocks of the documentation: what is typed there, and what is shown for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SQL = re.compile(r"^```sql\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_VARYING = (
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "TIME"),
    (re.compile(r"\b[\d,]+(\.\d+)? ms\b"), "N ms"),
    (re.compile(r"\bpid \d+"), "pid N"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "DIGEST"),
    (re.compile(r"(?:127\.0\.0\.1|db\.example\.com):\d+"), "HOST:PORT"),
)
GAP = "…"
"""A line of this alone stands for any lines."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command line, and the lines that the page shows after it."""

    command: str
    shown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One console block of a page."""

    page: str
    line: int
    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        """`docs/kubernetes.md: helm install postgregent …`: what the list of unrun blocks has."""
        return f"{self.page}: {' '.join(self.steps[0].command.split()[:2])}"


def blocks() -> Iterator[Block]:
    """Those of README and of every page in docs/."""
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = path.read_text("utf-8")
        for found in _BLOCK.finditer(text):
            line = text[: found.start()].count("\n") + 1
            yield Block(str(path.relative_to(ROOT)), line, tuple(_steps(found[1])))


def sql_of(page: str) -> list[str]:
    """The SQL blocks of a page, in their order."""
    found: list[str] = _SQL.findall((ROOT / page).read_text("utf-8"))
    return found


def _steps(text: str) -> Iterator[Step]:
    parts = re.split(r"^\$ ", text.replace("\\\n", " "), flags=re.MULTILINE)
    assert not parts[0].strip(), "a console block begins with a command"
    for part in parts[1:]:
        command, *shown = part.rstrip("\n").split("\n")
        yield Step(re.sub(r"\s+# .*$", "", command).strip(), tuple(shown))


def alike(shown: tuple[str, ...], said: list[str]) -> str:
    """Empty when what was said is what is shown; else the first line that was not there."""
    lines = [normal(line) for line in said]
    at, may_skip = 0, False
    for line in shown:
        if line.strip() == GAP:
            may_skip = True
            continue
        wanted = normal(line)
        found = next((n for n in range(at, len(lines)) if lines[n] == wanted), None)
        if found is None or (found != at and not may_skip):
            return line
        at, may_skip = found + 1, False
    return "" if may_skip or at == len(lines) else f"(nothing more, but there was) {said[at]}"


def normal(line: str) -> str:
    """Without what differs from one run to the next."""
    for pattern, word in _VARYING:
        line = pattern.sub(word, line)
    return line.rstrip()
