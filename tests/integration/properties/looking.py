"""What roles hold on a server, as facts to compare; also while a pass waits to go on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from tests.integration.properties.world import NAMES, PUBLIC, STRANGER, Fact, Thing

T = TypeVar("T")
PATIENCE_SECONDS = 120.0
_HERE = Path(__file__).parent
SETUP, _OBJECTS, _ROLES = (
    (_HERE / f"{name}.sql").read_text("utf-8") for name in ("setup", "objects", "roles")
)
_PARAMETERS = """
UNION ALL
SELECT 'PARAMETER', '', p.parname, p.parname, '', 10, p.paracl FROM pg_catalog.pg_parameter_acl AS p
"""
_HELD = """
SELECT o.kind, o.schema, o.name, o.col, pg_catalog.pg_get_userbyid(o.owner)::text AS owner,
       coalesce(r.rolname, 'PUBLIC')::text AS grantee, x.privilege_type AS privilege, x.is_grantable
FROM ({objects}) AS o
LEFT JOIN LATERAL pg_catalog.aclexplode(o.acl) AS x ON true
LEFT JOIN pg_catalog.pg_authid AS r ON r.oid = x.grantee
"""


@dataclass(frozen=True)
class Seen:
    """One moment of a server."""

    things: frozenset[Thing]
    owners: frozenset[tuple[Thing, str]]
    facts: frozenset[Fact]
    """All of it: what owners have by that, strangers and PUBLIC too."""

    def of(self, names: Iterable[str]) -> frozenset[Fact]:
        """What these roles are and hold, less what they have as owners."""
        wanted, owned = frozenset(names), {(t.kind, t.schema, t.name): o for t, o in self.owners}
        return frozenset(
            fact
            for fact in self.facts
            if (
                fact[5] in wanted and owned[fact[1], fact[2], fact[3]] != fact[5]
                if fact[0] in ("acl", "option")
                else not wanted.isdisjoint(fact[1:])
            )
        )


async def see(connection: asyncpg.Connection, major: int) -> Seen:
    """Everything, now."""
    objects = _OBJECTS + (_PARAMETERS if major >= 15 else "")
    things, owners, facts = set(), set(), set()
    for row in await connection.fetch(_HELD.format(objects=objects)):
        kind, schema, name, col, owner, grantee, privilege, is_grantable = row.values()
        thing = Thing(kind, schema, name, col)
        things.add(thing)
        owners.add((thing, owner))
        if privilege is not None:
            facts.add(("acl", kind, schema, name, col, grantee, privilege))
        if is_grantable:
            facts.add(("option", kind, schema, name, col, grantee, privilege))
    named = [*NAMES, STRANGER]
    facts |= {tuple(row["fact"]) for row in await connection.fetch(_ROLES, named)}
    return Seen(frozenset(things), frozenset(owners), frozenset(facts))


class Bystander:
    """A second session, which looks at what has been committed while a pass waits for it."""

    def __init__(self, dsn: str, major: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._major = major
        self._connection = self._do(asyncpg.connect(dsn))
        self.seen: list[Seen] = []

    def look(self) -> None:
        """To be called between two transactions of a pass."""
        self.seen.append(self._do(see(self._connection, self._major)))

    def close(self) -> None:
        self._do(self._connection.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        """Done by the thread, for a caller whose own loop stands still meanwhile."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_SECONDS)


__all__ = ["PUBLIC", "SETUP", "Bystander", "Seen", "see"]
