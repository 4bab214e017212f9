"""Everything, as a user has it: helm, kubectl, pods, a PostgreSQL that they reach by its name."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.kubernetes.place import Place, new_place
from tests.kubernetes_harness.chart import InstalledChart

# The first test installs, and one that needs the installation alone waits for the others.
pytestmark = pytest.mark.timeout(900)
INTERN = ("summer-intern-2", "demo-only-intern-2-password")
FLIGHTS_ADMIN = ("flights-admin", "demo-only-flights-admin-password")
# One row is one relation of the user's, and what the session's user may do with it at all.
MAY = """
SELECT c.oid::pg_catalog.regclass::pg_catalog.text AS relation, pg_catalog.array_agg(may) AS may
FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    CROSS JOIN pg_catalog.unnest(
        '{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS may
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname IN ('public', 'schema1', 'schema2')
    AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
    AND pg_catalog.has_table_privilege(c.oid, may)
GROUP BY 1
"""
READS = (
    *("schema1.flights", "schema1.airports", "schema1.departures", "schema1.routes"),
    *("schema1.bookings", "schema1.bookings_2025", "schema1.bookings_2026"),
    *("schema2.crews", "schema2.audit_log"),
)


@pytest.fixture
async def place(installed_chart: InstalledChart) -> AsyncIterator[Place]:
    """The reference's manifests, applied and Ready."""
    async with new_place(installed_chart) as place:
        place.apply(*place.manifests())
        place.wait_until_ready()
        yield place


async def refused(connection: asyncpg.Connection, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)


@pytest.mark.rule("13")
@pytest.mark.rule("30")
async def test_users_have_what_is_declared_and_an_intruder_is_told_of(place: Place) -> None:
    """The intern reads two schemas and no more; a GRANT from the side is gone, and shown."""
    intern = await place.database.connect(*INTERN)
    for relation in READS:
        await intern.fetch(f"SELECT * FROM {relation}")
    may = {row["relation"]: row["may"] for row in await intern.fetch(MAY)}
    assert may == {relation: ["SELECT"] for relation in READS}
    await refused(intern, "DELETE FROM schema1.airports")
    await refused(intern, "SELECT * FROM public.notes")
    await refused(intern, "CREATE TABLE schema1.mine (id int)")
    admin = await place.database.connect(*FLIGHTS_ADMIN)
    await admin.execute("INSERT INTO schema1.flights (origin, destination) VALUES ('OPO', 'AMS')")
    await refused(admin, "SELECT * FROM schema1.airports")
    declared = await place.access()
    await place.database.execute(
        'GRANT UPDATE, INSERT ON schema1.airports TO "summer-intern-2"', user="app_owner"
    )
    told: list[str] = []

    def is_told() -> bool:
        told[:] = [place.kubectl("describe", "pgregent", "my-regent")]
        return "DriftCorrected" in told[0]

    await place.until(is_told)
    assert await place.access() == declared
    event = next(line for line in told[0].splitlines() if "DriftCorrected" in line)
    for who_what_when in ("app_owner", "schema1.airports", "summer-intern-2", "INSERT", "revoked"):
        assert who_what_when in event


@pytest.mark.rule("13")
async def test_a_table_that_is_made_later_is_covered(place: Place) -> None:
    """`flights` in any schema, and anything in schema2."""
    await place.database.execute(
        "CREATE SCHEMA schema3; CREATE TABLE schema3.flights (id int);"
        " CREATE TABLE schema2.gates (id int)",
        user="app_owner",
    )
    declared = await place.access()
    assert "SELECT on schema2.gates to" not in declared
    expected = {
        *declared,
        'SELECT on schema2.gates to "mydb-viewer"',
        'USAGE on schema schema3 to "flights-admin"',
        *(f'{action} on schema3.flights to "flights-admin"'
          for action in ("SELECT", "INSERT", "UPDATE", "DELETE")),
    }  # fmt: skip
    await place.until_in_force(expected)


@pytest.mark.rule("19")
async def test_a_changed_secret_reaches_the_database_without_a_restart(place: Place) -> None:
    """Of a selected Secret; the pods are the ones that they were."""
    before = place.regent_pods()
    changed = {"stringData": {"intern-2": "another-password-of-the-intern"}}
    place.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": "mydb-intern-passwords",
                "labels": {"key1": "value1", "key2": "value2"},
            },
            **changed,
        }
    )
    user = INTERN[0]
    while not await place.may_log_in(user, "another-password-of-the-intern"):
        pass
    assert not await place.may_log_in(*INTERN)
    assert place.regent_pods() == before
