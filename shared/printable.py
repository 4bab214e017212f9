"""Text that a terminal or a log may show as it is, whoever chose the names in it.

Names in PostgreSQL may hold line breaks, escape sequences and marks that turn the reading direction
round. What is not printable is shown as Python would write it, so a line stays one line.
"""

from __future__ import annotations


def printable(text: str) -> str:
    r"""The text with everything that is not printable escaped, such as `\x1b`."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def printable_lines(text: str) -> str:
    """The same for a text of several lines: line breaks stay."""
    return "\n".join(map(printable, text.split("\n")))


def _escaped(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode()
