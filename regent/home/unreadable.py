"""What is stored in the home database and does not read back as what it shall be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import asyncpg
from pydantic import ValidationError

from shared.errors import PostgRegentError
from shared.names import quote_literal

SHOWN = 3
_ONLY_LOOKS = """brake = '{"approval": {"waits": true}}'"""
"""The forgotten row may have said that something waits for approval."""
T = TypeVar("T")


class HomeStateUnreadable(PostgRegentError):
    """A Regent's own row in the home database cannot be read, so nothing is written."""


@contextmanager
def readable(column: str, regent: str) -> Iterator[None]:
    """Raise HomeStateUnreadable for what does not parse. No value is shown: verifiers are there."""
    try:
        yield
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        where = ", ".join(".".join(map(str, one["loc"])) or "its JSON" for one in faults[:SHOWN])
        forgotten = _ONLY_LOOKS if column == "brake" else f"{column} = NULL, {_ONLY_LOOKS}"
        mend = f"SET {forgotten} WHERE regent = {quote_literal(regent)}"
        raise HomeStateUnreadable(
            f"What the home database keeps in postgregent.regents.{column} for "
            f'"{regent}" cannot be read ({where}), so nothing is written.',
            way_out="Run the PostgRegent that wrote it. Or let the Regent forget it: as a "
            f"superuser in the home database, UPDATE postgregent.regents {mend}; it then only "
            "looks until a person approves what it would do.",
        ) from None


class UnreadableRows:
    """Single rows that do not read back: each is left as it is and told, and hides no other.

    A role whose mark is among them is nobody's, as if it had none (rule 10).
    """

    def __init__(self) -> None:
        self._marks: frozenset[str] = frozenset()
        self.drift_ids: frozenset[int] = frozenset()

    @property
    def roles(self) -> frozenset[str]:
        """Those whose mark could not be read when the marks were read last."""
        return self._marks

    def told(self) -> tuple[str, ...]:
        """`postgregent.history 17`, as somebody would look for them."""
        return (
            *(f"postgregent.marks {role}" for role in sorted(self._marks)),
            *(f"postgregent.history {number}" for number in sorted(self.drift_ids)),
        )

    def marks(self, rows: Iterable[asyncpg.Record], read: Callable[[asyncpg.Record], T]) -> list[T]:
        """All marks that can be read; those that cannot are known until they are read again."""
        found, lost = _apart(rows, read, "role")
        self._note(frozenset(map(str, lost)) - self._marks)
        self._marks = frozenset(map(str, lost))
        return found

    def drifts(
        self, rows: Iterable[asyncpg.Record], read: Callable[[asyncpg.Record], T]
    ) -> list[T]:
        """Those of a page of the history that can be read."""
        rows = list(rows)
        found, lost = _apart(rows, read, "id")
        ids = frozenset(int(str(one)) for one in lost)
        self._note(ids - self.drift_ids)
        self.drift_ids = (self.drift_ids - {int(row["id"]) for row in rows}) | ids
        return found

    def _note(self, new: Iterable[object]) -> None:
        # Late: a command hardly ever has such a row, and loads no log otherwise.
        from shared.logging import get_logger  # noqa: PLC0415

        log = get_logger(__name__)
        for one in new:
            log.warning("a row of the home database cannot be read, and is left", row=str(one))


def _apart(
    rows: Iterable[asyncpg.Record], read: Callable[[asyncpg.Record], T], key: str
) -> tuple[list[T], list[object]]:
    found: list[T] = []
    lost: list[object] = []
    for row in rows:
        try:
            found.append(read(row))
        except ValueError:  # of pydantic, too
            lost.append(row[key])
    return found, lost
