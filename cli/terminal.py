"""The consoles of the command: whatever stands in a name, a terminal shows it and obeys none of it.

Everything for a person passes here or through `cli.sheet`. Strings are no markup unless that is
asked for, and what is not printable is shown escaped. Use `Shown`, not rich's Text: that one leaves
out BEL, BS, CR and others, so a name would look like another one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TextIO, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from cli.guarded import Guarded
from shared.printable import printable_lines


class Terminal(Console):
    """A console that shows control characters instead of sending them."""

    def __init__(
        self,
        file: TextIO,
        *,
        markup: bool = False,
        force_terminal: bool | None = None,
        ends_with_reader: bool = False,
    ) -> None:
        """Lines are never cut or broken: they are also read by grep."""
        super().__init__(
            file=cast(TextIO, Guarded(file, ends_with_reader=ends_with_reader)),
            soft_wrap=True,
            highlight=False,
            markup=markup,
            emoji=False,
            force_terminal=force_terminal,
        )

    def print(self, *objects: Any, **options: Any) -> None:
        """As rich prints, which leaves out some control characters: they are shown first."""
        super().print(*map(_shown, objects), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """As rich renders; its own control segments stay, what is in a text is text."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(printable_lines(segment.text), segment.style)


class Shown(Text):
    """A text of one or more styles, in which control characters are shown."""

    def __init__(self, text: str = "", style: str = "") -> None:
        super().__init__(printable_lines(text), style)

    def append(self, text: Text | str, style: str | Style | None = None) -> Text:
        """As rich appends, what is not printable escaped."""
        return super().append(printable_lines(text) if isinstance(text, str) else text, style)


def _shown(thing: Any) -> Any:
    return printable_lines(thing) if isinstance(thing, str) else thing
