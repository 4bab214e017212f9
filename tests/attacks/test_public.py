"""Who may say what everybody has, and who tries to give it past us (rules 3, 11)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.facts.once import all_ready, applied, is_settled, outcome
from tests.postgres.database import Database

pytestmark = [pytest.mark.every_version, pytest.mark.slow_versions(14, 16, 17)]

SETUP = """
CREATE ROLE legacy LOGIN; GRANT USAGE ON SCHEMA schema1 TO legacy;
CREATE FUNCTION schema1.pay() RETURNS integer LANGUAGE sql AS 'SELECT 1';
REVOKE EXECUTE ON FUNCTION schema1.pay(), schema1.flight_count() FROM PUBLIC;
CREATE EXTENSION pg_stat_statements SCHEMA schema2
"""
MAY = (
    "SELECT EXISTS (SELECT FROM pg_proc AS o,"
    " aclexplode(coalesce(o.proacl, acldefault('f', o.proowner))) AS x"
    " WHERE x.grantee = 0 AND o.oid = $1::regproc)"
)
PAY, COUNT = "schema1.pay", "schema1.flight_count"
CALL = "{database: mydb, schemas: [schema1], routines: [%s], actions: [EXECUTE]}"
THEIRS = f"""
Permission/team-a/pay: {CALL % "pay"}
Role/team-a/everybody: {{database: mydb, public: true, permissions: [pay]}}
"""
OURS = f"""
Permission/count: {CALL % "flight_count"}
Role/everybody: {{database: mydb, public: true, permissions: [count]}}
"""


def declared(**more: Any) -> dict[str, Any]:
    allow = {"databases": ["*"], "schemas": ["*"], "names": ["*"], "actions": ["EXECUTE", "USAGE"]}
    regent = {
        "publicPrivileges": {"execute": "Declared"},
        "allowedNamespaces": [{"names": ["team-a"], "allow": allow}],
        "brake": {"mode": "Disabled"},
        **more,
    }
    return {"regent": regent, "namespaces": {"team-a": 0}}


@pytest.mark.rule("3", "11")
async def test_an_author_of_another_namespace_opens_nothing_to_everybody(
    database: Database,
) -> None:
    """With all that its entry may list; the twin is of the Regent's own namespace."""
    look = await database.connect()
    await look.execute(SETUP)
    report = await applied(database, THEIRS + OURS, **declared())
    assert outcome(report, "Role/team-a/everybody").reason == "NotAllowed"
    assert outcome(report, "Role/everybody").is_ready
    assert (await look.fetchval(MAY, PAY), await look.fetchval(MAY, COUNT)) == (False, True)
    assert await is_settled(database, THEIRS + OURS, **declared())


@pytest.mark.rule("7", "11")
async def test_a_user_called_public_is_one_user(database: Database) -> None:
    """And who lists the Role of everybody is a member of nothing, whatever has its name."""
    look = await database.connect()
    await look.execute(SETUP + "; CREATE ROLE everybody; GRANT EXECUTE ON FUNCTION"
                       " schema1.pay() TO everybody")  # fmt: skip
    text = (
        OURS
        + f"Permission/pay: {CALL % 'pay'}\n"
        + "User/shout: {database: mydb, userName: PUBLIC, permissions: [pay]}\n"
        + "User/ann: {database: mydb, roles: [everybody]}\n"
    )
    report = await applied(database, text, **declared())
    assert outcome(report, "User/shout").is_ready
    assert outcome(report, "User/ann").reason == "Unsupported"
    assert not await look.fetchval(MAY, PAY)
    may = "SELECT has_function_privilege($1, 'schema1.pay()', 'EXECUTE')"
    assert [await look.fetchval(may, one) for one in ("PUBLIC", "ann")] == [True, False]
    assert await is_settled(database, text, **declared())


@pytest.mark.rule("11")
async def test_what_owners_and_their_grantees_give_to_everybody_is_taken(
    database: Database,
) -> None:
    """By the owner, by whoever has its grant option, and by one who may not use the schema."""
    look = await database.connect()
    await look.execute(SETUP)
    assert all_ready(await applied(database, OURS, **declared()))
    await look.execute(
        "ALTER FUNCTION schema1.pay() OWNER TO app_owner;"
        " GRANT EXECUTE ON FUNCTION schema1.pay() TO legacy WITH GRANT OPTION;"
        " CREATE ROLE outside; GRANT EXECUTE ON FUNCTION schema1.pay() TO outside"
        " WITH GRANT OPTION; GRANT USAGE ON SCHEMA schema1 TO outside;"
        " SET ROLE app_owner; GRANT EXECUTE ON FUNCTION schema1.pay() TO PUBLIC;"
        " SET ROLE legacy; GRANT EXECUTE ON FUNCTION schema1.pay() TO PUBLIC;"
        " SET ROLE outside; GRANT EXECUTE ON FUNCTION schema1.pay() TO PUBLIC;"
        " RESET ROLE; REVOKE USAGE ON SCHEMA schema1 FROM outside"
    )
    assert all_ready(await applied(database, OURS, **declared()))
    assert not await look.fetchval(MAY, PAY)
    assert await look.fetchval(MAY, COUNT)
    assert await is_settled(database, OURS, **declared())
    may = "SELECT has_function_privilege($1, 'schema1.pay()', 'EXECUTE')"
    assert await look.fetchval(may, "legacy")
    assert await look.fetchval(
        "SELECT count(*) > 0 FROM pg_proc AS p, aclexplode(p.proacl) AS x"
        " WHERE p.oid = $1::regproc AND x.grantee = 'outside'::regrole",
        PAY,
    )
    assert await look.fetchval(MAY, "pg_catalog.now")
    assert await look.fetchval(MAY, "schema2.pg_stat_statements_info")


@pytest.mark.rule("11")
@pytest.mark.found("E253")
async def test_an_owner_hides_nothing_in_an_extension_of_his(database: Database) -> None:
    """A trusted one is anybody's who may create in the database; what is really its own stays."""
    look = await database.connect()
    await look.execute(SETUP)
    regent = declared(publicPrivileges={"execute": "Declared", "other": "Declared"})
    await look.execute(
        "ALTER FUNCTION schema1.pay() OWNER TO app_owner;"
        " SET SESSION AUTHORIZATION app_owner; CREATE EXTENSION hstore SCHEMA schema1;"
        " GRANT EXECUTE ON FUNCTION schema1.pay() TO PUBLIC;"
        " GRANT SELECT ON schema1.flights TO PUBLIC;"
        " ALTER EXTENSION hstore ADD FUNCTION schema1.pay();"
        " ALTER EXTENSION hstore ADD TABLE schema1.flights; RESET SESSION AUTHORIZATION"
    )
    assert all_ready(await applied(database, OURS, **regent))
    assert not await look.fetchval(MAY, PAY)
    assert not await look.fetchval(
        "SELECT EXISTS (SELECT FROM pg_class AS c, aclexplode(c.relacl) AS x"
        " WHERE x.grantee = 0 AND c.oid = 'schema1.flights'::regclass)"
    )
    assert await look.fetchval(MAY, "schema1.akeys")
    assert await is_settled(database, OURS, **regent)
