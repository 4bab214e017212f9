"""Lines for a person, written at once. A name in them is only a name, whatever it holds.

A role or a table may be called `[bold]`, or hold an escape sequence that a terminal would obey:
what is not printable is shown escaped, and nothing is read as markup.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style

from shared.printable import printable

Piece = tuple[str, str]
"""A text and its style; empty for none."""
PLAIN = ""


@dataclass(slots=True)
class Sheet:
    """Lines, each of pieces."""

    lines: list[tuple[Piece, ...]] = field(default_factory=list)

    def add(self, text: str = "", style: str = PLAIN) -> None:
        """One line in one style."""
        self.lines.append(((text, style),))

    def add_pieces(self, *pieces: Piece) -> None:
        """One line in several styles."""
        self.lines.append(pieces)

    def extend(self, other: Sheet) -> None:
        """The lines of another one."""
        self.lines.extend(other.lines)

    def write(self, console: Console) -> None:
        """All lines, in one go: a renderer that works line by line takes longer than the work."""
        write = _coloured if console.is_terminal and not console.no_color else _plain
        console.file.write("".join(f"{write(line)}\n" for line in self.lines))
        console.file.flush()


def _plain(line: Iterable[Piece]) -> str:
    return "".join(printable(text) for text, _ in line)


def _coloured(line: Iterable[Piece]) -> str:
    return "".join(
        Style.parse(style).render(printable(text), color_system=ColorSystem.STANDARD)
        if style
        else printable(text)
        for text, style in line
    )
