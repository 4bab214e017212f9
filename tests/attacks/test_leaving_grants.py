"""What a leaver gave others stays theirs, on everything that has an ACL (rule 27)."""

from __future__ import annotations

import pytest

from regent.changes import DropRole
from sql import load
from tests.integration.test_apply import Bench, bench, create
from tests.postgres.database import Database

__all__ = ["bench"]

NOT_GRANTS = {"pg_default_acl", "pg_init_privs"}
"""Default privileges are of the objects that their role makes, and go with it; the other one is
what extensions came with."""
GIVEN = (
    "USAGE ON SCHEMA schema1",
    "SELECT ON TABLE schema1.flights",
    "SELECT (flight_id) ON TABLE schema1.flights",
    "CONNECT ON DATABASE mydb",
    "EXECUTE ON FUNCTION schema1.f()",
    "USAGE ON TYPE schema1.mood",
    "USAGE ON LANGUAGE plpgsql",
    "USAGE ON FOREIGN DATA WRAPPER w",
    "USAGE ON FOREIGN SERVER s",
    "SELECT ON LARGE OBJECT 4711",
)
ON_PARAMETERS = ("SET ON PARAMETER log_min_messages", "ALTER SYSTEM ON PARAMETER my.own")
HELD = """
SELECT count(*) FROM (
    SELECT relacl AS acl FROM pg_class UNION ALL SELECT attacl FROM pg_attribute
    UNION ALL SELECT nspacl FROM pg_namespace UNION ALL SELECT datacl FROM pg_database
    UNION ALL SELECT proacl FROM pg_proc UNION ALL SELECT typacl FROM pg_type
    UNION ALL SELECT lanacl FROM pg_language UNION ALL SELECT fdwacl FROM pg_foreign_data_wrapper
    UNION ALL SELECT srvacl FROM pg_foreign_server
    UNION ALL SELECT lomacl FROM pg_largeobject_metadata {more}
) AS x, aclexplode(x.acl) AS i WHERE i.grantee = 'bystander'::regrole
"""


@pytest.mark.found("E69")
@pytest.mark.every_version
async def test_what_a_leaver_gave_on_any_kind_of_object_outlives_it(bench: Bench) -> None:
    """Parameters were forgotten: what others may set ended with whoever had let them."""
    await bench.apply(create("evil"))
    await bench.database.execute(
        "CREATE ROLE bystander; CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER"
        " w; CREATE TYPE schema1.mood AS ENUM ('ok'); SELECT lo_create(4711); CREATE FUNCTION"
        " schema1.f() RETURNS int LANGUAGE sql AS 'SELECT 1'"
    )
    has_parameters = bench.database.server.version >= 15
    given = [*GIVEN, *(ON_PARAMETERS if has_parameters else ())]
    for one in given:
        await bench.look.execute(
            f"GRANT {one} TO evil WITH GRANT OPTION; SET ROLE evil; GRANT {one} TO bystander;"
            "RESET ROLE"
        )
    more = "UNION ALL SELECT paracl FROM pg_parameter_acl" if has_parameters else ""
    held = HELD.format(more=more)
    assert await bench.look.fetchval(held) == len(given)
    [result] = await bench.apply(DropRole("evil"))
    assert result.done, result
    assert await bench.look.fetchval(held) == len(given)
    assert not await bench.look.fetchval("SELECT FROM pg_roles WHERE rolname = 'evil'")


@pytest.mark.found("E69")
@pytest.mark.every_version
async def test_every_catalog_with_an_acl_is_asked_for_what_a_leaver_gave(
    database: Database,
) -> None:
    look = await database.connect()
    catalogs = await look.fetchval(
        "SELECT array_agg(DISTINCT c.relname::text) FROM pg_attribute AS a"
        " JOIN pg_class AS c ON c.oid = a.attrelid WHERE a.atttypid = 'aclitem[]'::regtype"
        " AND c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r'"
    )
    asked = load("leaving/grants_made") + load("leaving/grants_made_on_parameters")
    assert {one for one in catalogs if f"pg_catalog.{one} " not in asked} == NOT_GRANTS
