"""Every privilege of every kind of object, plain and with grant option: given, kept, and taken.

docs/kinds.md is written from what is gone through here. What else differs between kinds (patterns,
new objects, other shapes of drift) is in tests/integration/test_kinds.py and test_breaks.py.
"""

from __future__ import annotations

from collections.abc import Iterable

import asyncpg
import pytest

from docs.kinds import PAGE, page
from regent.kinds import KINDS
from shared.privileges import ACTIONS, ObjectKind, unknown_to
from tests.integration.facts.once import applied, is_settled
from tests.postgres.database import Database
from tests.things import THINGS, Edge, edges_of

OPEN = {
    "brake": {"mode": "Disabled"},
    "allow": {"actions": sorted(ACTIONS), "parameters": ["log_*"]},
}


def test_every_kind_has_an_object() -> None:
    assert THINGS.keys() == KINDS.keys()


def test_the_page_of_kinds_is_that_of_these_edges() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `make docs`"


@pytest.mark.rule("8", "13", "14")
@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_every_privilege_is_given_kept_and_taken(database: Database) -> None:
    """Two ways to break each of them, both corrected; a second plan is empty; nothing stays."""
    look = await database.connect()
    major = database.server.version
    edges = edges_of(major)
    for kind in {one.kind: None for one in edges}:
        await look.execute(THINGS[kind].setup)
    await put_in_force(database, edges, revision=1)
    assert await held(look, edges) == as_declared(edges)

    for one in edges:
        rest = KINDS[one.kind].privileges - unknown_to(major, one.kind) - {one.privilege}
        await look.execute(one.broken(sorted(rest)))
    assert not await held(look, edges) & as_declared(edges)
    await put_in_force(database, edges, revision=2)
    assert await held(look, edges) == as_declared(edges)

    for one in edges:
        await look.execute(one.taken())
    assert await held(look, edges) == set()
    await put_in_force(database, edges, revision=3)
    assert await held(look, edges) == as_declared(edges)

    await applied(database, "", revision=4, regent=OPEN)
    names = [one.role for one in edges]
    assert not await look.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = ANY ($1)", names)


async def put_in_force(database: Database, edges: Iterable[Edge], revision: int) -> None:
    """Apply them; then all are Ready, and nothing is left to plan."""
    text = "\n".join(one.declared for one in edges)
    report = await applied(database, text, revision, regent=OPEN)
    assert not [one for one in report.outcomes if not one.is_ready]
    assert await is_settled(database, text, revision, regent=OPEN)


Held = set[tuple[ObjectKind, str, str, bool]]


def as_declared(edges: Iterable[Edge]) -> Held:
    return {(one.kind, one.role, one.privilege, one.with_option) for one in edges}


async def held(look: asyncpg.Connection, edges: Iterable[Edge]) -> Held:
    """What these roles have on the objects, as the server's own ACLs say."""
    roles = {one.role for one in edges}
    found: Held = set()
    for kind in {one.kind: None for one in edges}:
        rows = await look.fetch(
            "SELECT pg_get_userbyid(x.grantee) AS role, x.privilege_type, x.is_grantable"
            f" FROM ({THINGS[kind].acl}) AS o (acl) CROSS JOIN aclexplode(o.acl) AS x"
        )
        found |= {(kind, *row.values()) for row in rows if row["role"] in roles}
    return found
