"""What is stored in the home database and does not read back as what it shall be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from shared.errors import PostgRegentError
from shared.names import quote_literal

SHOWN = 3


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
        mend = f"SET {column} = NULL WHERE regent = {quote_literal(regent)}"
        raise HomeStateUnreadable(
            f"What the home database keeps in postgregent.regents.{column} for "
            f'"{regent}" cannot be read ({where}), so nothing is written.',
            way_out="Run the PostgRegent that wrote it; or let the Regent forget it: as a "
            f"superuser in the home database, UPDATE postgregent.regents {mend}.",
        ) from None
