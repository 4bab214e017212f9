"""While the brake is pulled, what was given since and what ends of itself (rule 20)."""

from __future__ import annotations

import pytest

from tests.declared import REFERENCE
from tests.integration.facts.once import applied
from tests.postgres.database import Database

ROLES = "SELECT count(*) FROM pg_roles WHERE rolname ~ $1"
MEMBER = "SELECT pg_has_role('u', 'mydb-viewer', 'MEMBER')"
LEAVERS = "".join(f"User/a{n}: {{roles: [mydb-viewer]}}\n" for n in range(4))
NEW = "".join(
    f"Role/n{n}: {{database: mydb, permissions: [read-write-flights]}}\n" for n in range(30)
)


@pytest.mark.found("E6")
@pytest.mark.rule("20")
@pytest.mark.versions(18)
async def test_roles_that_were_given_while_the_brake_is_pulled_are_not_dropped_without_it(
    database: Database,
) -> None:
    """Each push by another process. A release takes all of it; put right, nothing is withheld."""
    await applied(database, REFERENCE + LEAVERS)
    pulled = await applied(database, REFERENCE + NEW, revision=2)
    assert pulled.brake is not None
    again = await applied(database, REFERENCE, revision=3)
    connection = await database.connect()
    try:
        assert again.brake is not None
        assert await connection.fetchval(ROLES, "^n[0-9]+$") == 30
        assert await connection.fetchval(ROLES, "^a[0-9]+$") == 4
        right = await applied(database, REFERENCE + LEAVERS + NEW, revision=4)
        assert right.brake is None
        wrong = await applied(database, REFERENCE, revision=5)
        assert wrong.brake is not None
        released = await applied(database, REFERENCE, revision=5, release=wrong.brake.digest)
        assert released.brake is None
        assert await connection.fetchval(ROLES, "^[an][0-9]+$") == 0
    finally:
        await connection.close()


@pytest.mark.found("E7")
@pytest.mark.rule("20", "24")
@pytest.mark.versions(18)
async def test_access_ends_when_it_is_declared_to_though_the_brake_is_pulled(
    database: Database,
) -> None:
    """One push brings the end forward, and takes much elsewhere."""
    access = "User/u: {{database: mydb, access: [{{role: mydb-viewer, until: {}, reason: it}}]}}\n"
    await applied(database, REFERENCE + LEAVERS + access.format("2099-01-01T00:00:00Z"))
    connection = await database.connect()
    try:
        assert await connection.fetchval(MEMBER)
        past = access.format("2020-01-01T00:00:00Z")
        pulled = await applied(database, REFERENCE + past, revision=2)
        assert pulled.brake is not None
        assert not await connection.fetchval(MEMBER)
        assert not any(one.role == "u" for one in pulled.withheld)
        assert await connection.fetchval(ROLES, "^a[0-9]+$") == 4
    finally:
        await connection.close()
