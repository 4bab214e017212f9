"""What roles are and hold on a server, as text: equal before and after means nothing changed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import asyncpg

_HELD = Path(__file__).with_name("held.sql").read_text("utf-8")


async def held(connection: asyncpg.Connection, roles: Iterable[str]) -> frozenset[str]:
    """Everything of these roles that the catalog of this database says, and our detector in it."""
    return frozenset(row["thing"] for row in await connection.fetch(_HELD, list(roles)))
