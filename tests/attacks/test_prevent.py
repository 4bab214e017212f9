"""The judge of `enforcement: Prevent` has the admin's rights in everybody's DDL (ADR 50)."""

from __future__ import annotations

import asyncpg
import pytest

from regent.detect.install import remove
from tests.integration.facts.once import refused
from tests.postgres.database import Database
from tests.preventing import preventing, refusal

pytestmark = [pytest.mark.rule("25"), pytest.mark.found("E302")]
GRANT = 'GRANT DELETE ON schema1.flights TO "mydb-viewer"'
ELSEWHERE = 'GRANT DELETE ON schema1.airports TO "mydb-viewer"'
WRITES = [
    *(
        statement.format(table=table)
        for table in ("guard", "declared", "declared_edge", "declared_role")
        for statement in (
            "DELETE FROM postgregent.{table}",
            "TRUNCATE postgregent.{table}",
            "DROP TABLE postgregent.{table}",
            "LOCK TABLE postgregent.{table} IN ROW EXCLUSIVE MODE",
            "LOCK TABLE postgregent.{table} IN ACCESS EXCLUSIVE MODE",
            "ALTER TABLE postgregent.{table} ADD CHECK (false)",
            "CREATE TRIGGER t BEFORE INSERT ON postgregent.{table} EXECUTE FUNCTION run()",
            "CREATE RULE r AS ON SELECT TO postgregent.{table} DO INSTEAD SELECT run()",
            "CREATE TABLE x (edges bigint) INHERITS (postgregent.{table})",
        )
    ),
    "UPDATE postgregent.guard SET lock_key = 1",
    "SELECT nextval('postgregent.not_judged')",
    "SELECT setval('postgregent.not_judged', 1)",
    "SELECT setval('postgregent.judged_until', 9223372036854775807)",
    (
        "CREATE OR REPLACE FUNCTION postgregent.refuse_change() RETURNS event_trigger"
        " LANGUAGE plpgsql AS 'BEGIN END'"
    ),
    "ALTER FUNCTION postgregent.refuse_change() SET search_path = public",
    "ALTER FUNCTION postgregent.refuse_change() OWNER TO app_owner",
    "DROP FUNCTION postgregent.refuse_change() CASCADE",
    "DROP EVENT TRIGGER postgregent_prevent",
    "ALTER EVENT TRIGGER postgregent_prevent DISABLE",
    "CREATE TABLE postgregent.mine ()",
    "SET session_replication_role = replica",
    "SET track_counts = off",
]
"""What the owner of the database tries, with the schema's USAGE that a dump needs."""
SHADOWS = """
CREATE TABLE public.ran (what text);
CREATE FUNCTION public.run() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO public.ran VALUES ('trigger'); RETURN NULL; END $$;
CREATE FUNCTION public.shadow(oid, oid) RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO public.ran VALUES ('operator'); RETURN true; END $$;
CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = public.shadow);
CREATE OPERATOR public.<> (LEFTARG = oid, RIGHTARG = oid, FUNCTION = public.shadow);
CREATE FUNCTION public.age(xid) RETURNS integer LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO public.ran VALUES ('function'); RETURN 0; END $$;
CREATE FUNCTION public.unnest(oid[]) RETURNS SETOF oid LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO public.ran VALUES ('unnest'); END $$;
CREATE FUNCTION public.format(text, VARIADIC text[]) RETURNS text LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO public.ran VALUES ('format'); RETURN ''; END $$;
CREATE TEMP TABLE pg_class (oid oid, relowner oid, relacl aclitem[]);
CREATE TEMP TABLE pg_roles (oid oid, rolname name, rolsuper boolean);
INSERT INTO pg_roles SELECT r.oid, r.rolname, true FROM pg_catalog.pg_roles AS r;
CREATE TEMP TABLE guard (home name);
SET search_path = pg_temp, public, pg_catalog;
"""
SETTINGS = [
    "plpgsql.extra_errors = 'all'",
    "plpgsql.variable_conflict = 'use_variable'",
    "transform_null_equals = on",
    "enable_hashjoin = off; SET enable_mergejoin = off; SET enable_nestloop = off",
    "default_transaction_isolation = 'serializable'",
    "default_transaction_isolation = 'repeatable read'",
    "standard_conforming_strings = off",
    "quote_all_identifiers = on",
    "role = app_owner",
    "application_name = 'postgregent work'",
    "lock_timeout = 1",
    "search_path = ''",
]


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_the_databases_owner_changes_nothing_of_the_judge(database: Database) -> None:
    """And its code runs nothing of his, whatever he shadows."""
    owner = await database.connect(database.owner)
    async with preventing(database):
        await owner.execute(SHADOWS)
        for statement in WRITES:
            assert await refused(owner, statement), statement
        assert "schema1.flights" in await refusal(owner, GRANT)
        assert await owner.fetchval("SELECT count(*) FROM public.ran") == 0
        # Twin: he can dump it, which locks and reads every table.
        await owner.execute("BEGIN; LOCK TABLE postgregent.declared IN ACCESS SHARE MODE; COMMIT")


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_no_setting_of_a_user_is_a_way_around(database: Database) -> None:
    async with preventing(database):
        for setting in SETTINGS:
            owner = await database.connect(database.owner)
            await owner.execute(f"SET {setting}")
            assert await refusal(owner, GRANT), setting
            await owner.close()


async def test_the_rights_of_another_are_no_way_around(database: Database) -> None:
    """Code of a superuser's that runs for somebody is what that somebody does."""
    admin = await database.connect()
    await admin.execute(f"""
        CREATE FUNCTION public.strong() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
            BEGIN {GRANT}; END $$;
        CREATE ROLE mallory LOGIN PASSWORD 'x' IN ROLE app_owner
    """)
    mallory = await database.connect("mallory", "x")
    async with preventing(database):
        assert await refusal(mallory, "SELECT public.strong()")
        await mallory.execute("SET ROLE app_owner")
        assert await refusal(mallory, GRANT)
        # Twin: an admin goes through, in whatever role, and is corrected.
        await admin.execute(f"SET ROLE app_owner; {GRANT}")


async def test_a_strangers_lock_keeps_no_judge_alive(database: Database) -> None:
    """He reads which key it is, and takes it as soon as the Regent is gone."""
    await database.execute("CREATE ROLE mallory LOGIN PASSWORD 'x'")
    owner = await database.connect(database.owner)
    async with preventing(database):
        key = await owner.fetchval("SELECT lock_key FROM postgregent.guard")
        assert await refusal(owner, GRANT)
    await database.execute("GRANT CONNECT ON DATABASE postgregent TO mallory")
    theirs = await database.server.connect("postgregent", "mallory", "x")
    try:
        assert await theirs.fetchval("SELECT pg_try_advisory_lock($1)", key)
        assert await refusal(owner, GRANT) == ""
    finally:
        await theirs.close()


async def test_what_one_does_uncommitted_stops_nobody_else(database: Database) -> None:
    """Nor does a view over what the judge was told keep it from being replaced or removed."""
    owner = await database.connect(database.owner)
    admin = await database.connect()
    other = await database.connect(database.owner)
    async with preventing(database) as regent:
        async with admin.transaction():
            await admin.execute(GRANT)
            await other.execute("GRANT SELECT ON schema1.airports TO PUBLIC")
            assert await refusal(other, ELSEWHERE)
        await owner.execute("CREATE VIEW public.on_it AS SELECT * FROM postgregent.declared")
        await admin.execute("DROP FUNCTION postgregent.refuse_change() CASCADE")
        await regent.look_again()
        assert regent.prevention.not_acted_on == ()
        assert await refusal(owner, ELSEWHERE)
    assert "holds what is not ours" in await remove(admin)
    assert await refusal(owner, ELSEWHERE) == ""


async def test_a_renamed_or_new_role_is_not_judged_as_another(database: Database) -> None:
    """Roles are known by oid: whoever gets the name later is nobody that the judge knows."""
    owner = await database.connect(database.owner)
    admin = await database.connect()
    async with preventing(database):
        await admin.execute('ALTER ROLE "mydb-viewer" RENAME TO old; CREATE ROLE "mydb-viewer"')
        assert await refusal(owner, GRANT) == ""
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="Role default/mydb-viewer"):
            await owner.execute("GRANT DELETE ON schema1.airports TO old")
