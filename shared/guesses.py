"""Which known word was probably meant, where anybody may write thousands that are wrong. Pure.

Words are compared in milliseconds, and a status shows a few: so what is known is made ready once,
each word is asked once, and after many only case and separators are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

from shared.problems import Words

MOST_COMPARED_WORDS = 100


class Guesses:
    """Of one moment: what is known under a name does not change."""

    def __init__(self, most: int = MOST_COMPARED_WORDS) -> None:
        self._left = most
        self._words: dict[Hashable, Words] = {}
        self._found: dict[tuple[Hashable, str], str | None] = {}

    def nearest(self, word: str, among: Hashable, known: Callable[[], Iterable[str]]) -> str | None:
        """The one of these that was meant; `known` is asked once for each name of `among`."""
        asked = (among, word)
        if asked not in self._found:
            words = self._words.get(among)
            if words is None:
                words = self._words[among] = Words(known())
            found = words.same(word)
            if not found and self._left > 0:
                self._left -= 1
                found = words.near(word)
            self._found[asked] = found
        return self._found[asked]
