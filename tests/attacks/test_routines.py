"""EXECUTE that nobody declared: on functions of the server, and on code that runs as its owner."""

from __future__ import annotations

import pytest

from tests.integration.facts.once import all_ready, applied, is_settled, outcome
from tests.postgres.database import Database

pytestmark = pytest.mark.every_version

ODD = r"""
CREATE TYPE schema2."Mo,od (x" AS ENUM ('calm');
CREATE TYPE schema2."order" AS (a int);
CREATE FUNCTION schema1."Odd, (n*me"(a schema2."Mo,od (x", b schema2."order"[], c numeric(10, 2))
    RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION schema1.twice(a int, OUT b int, c "char") LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION schema1.twice(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE schema1.moves(int, INOUT timestamptz) LANGUAGE sql AS 'SELECT now()';
CREATE FUNCTION schema1.open_to_all() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION schema1.part() RETURNS int LANGUAGE sql AS 'SELECT 1';
REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA schema1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION schema1.open_to_all() TO PUBLIC;
ALTER EXTENSION plpgsql ADD FUNCTION schema1.part();
"""
WANTED = r"""
Permission/p:
  database: mydb
  schemas: [schema1]
  actions: [EXECUTE]
  routines:
  - 'Odd, \(n\*me(schema2."Mo,od (x", schema2.order[], decimal)'
  - twice(int4, "char")
  - MOVES
  - moves(IN int, INOUT timestamp with time zone)
  - par*
Role/r: {database: mydb, permissions: [p]}
"""
MAY = """
SELECT array_agg(p.proname || '/' || p.pronargs ORDER BY p.proname, p.pronargs)
FROM pg_proc AS p CROSS JOIN aclexplode(p.proacl) AS e
WHERE e.grantee = to_regrole($1)
"""


@pytest.mark.rule("8")
async def test_no_execute_on_functions_of_the_server_or_of_their_owner_is_left_to_a_role(
    database: Database,
) -> None:
    """Each of the two made a superuser of it. The twin keeps what is declared."""
    await database.execute(
        "CREATE SCHEMA ops; CREATE FUNCTION ops.run(q text) RETURNS void LANGUAGE plpgsql"
        " SECURITY DEFINER AS 'BEGIN EXECUTE q; END'; GRANT USAGE ON SCHEMA ops TO PUBLIC;"
        " REVOKE EXECUTE ON FUNCTION ops.run FROM PUBLIC; CREATE ROLE job LOGIN; CREATE ROLE twin;"
        " GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text), ops.run TO job, twin"
    )
    wanted = (
        "Permission/p: {database: mydb, schemas: [ops], routines: [run(text)],"
        " actions: [EXECUTE]}\n"
        "Role/job: {database: mydb, adopt: true}\n"
        "Role/twin: {database: mydb, adopt: true, permissions: [p]}"
    )
    off = {"brake": {"mode": "Disabled"}, "allow": {"actions": ["EXECUTE"]}}
    assert all_ready(await applied(database, wanted, regent=off))
    look = await database.connect()
    assert await look.fetchval(MAY, "job") is None
    assert await look.fetchval(MAY, "twin") == ["run/1"]
    assert await is_settled(database, wanted, revision=2, regent=off)


@pytest.mark.rule("13")
async def test_a_signature_reaches_one_routine_whatever_it_is_called_and_takes(
    database: Database,
) -> None:
    """Members of extensions are left, and what PUBLIC holds stays."""
    await database.execute(ODD)
    report = await applied(database, WANTED)
    assert all_ready(report)
    look = await database.connect()
    assert await look.fetchval(MAY, "r") == ["Odd, (n*me/3", "moves/2", "twice/2"]
    assert await look.fetchval(
        "SELECT has_function_privilege('r', 'schema1.open_to_all()', 'EXECUTE')"
    )
    assert any("no routine 'MOVES'" in note for note in outcome(report, "Permission/p").notes)
    assert await is_settled(database, WANTED, revision=2)
