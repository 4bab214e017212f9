"""Objects of an owned schema: kept with the schema's owner, one after another (ADR 36)."""

from __future__ import annotations

from pathlib import Path

import pytest

from regent.changes import GatherObjects, GrantPrivileges, ObjectRef
from shared.privileges import ObjectKind
from sql import load
from tests.daemons import running
from tests.declared import state
from tests.eventually import eventually
from tests.integration.facts.once import all_ready, applied, demote, is_settled, outcome
from tests.integration.test_apply import Bench, bench, create
from tests.integration.until import cleared
from tests.postgres.database import Database
from tests.settings import settings_for

__all__ = ["bench"]
pytestmark = [
    pytest.mark.every_version,
    pytest.mark.slow_versions(14, 16, 17),
    pytest.mark.rule("23"),
]

TAKES = {"allow": {"ownedSchemas": ["app"], "reassignOwnedTo": ["keeper"]}, "brake": "Disabled"}
ALLOWED = {"ownedSchemas": ["app"], "reassignOwnedTo": ["keeper", "first"]}
OWNS = "Role/keeper: {database: mydb, owns: {schemas: [{name: app, objects: true}]}}"
OF_APP = """
CREATE SCHEMA app AUTHORIZATION app_owner; GRANT USAGE, CREATE ON SCHEMA app TO dev;
SET ROLE dev;
CREATE TABLE app.plain (id serial PRIMARY KEY, what text);
CREATE TABLE app.parts (i int) PARTITION BY RANGE (i);
CREATE TABLE app.part PARTITION OF app.parts FOR VALUES FROM (0) TO (9);
CREATE SEQUENCE app.numbers; CREATE VIEW app.seen AS SELECT id FROM app.plain;
CREATE MATERIALIZED VIEW app.kept AS SELECT 1 AS one;
CREATE TYPE app.mood AS ENUM ('well'); CREATE DOMAIN app.small AS int CHECK (VALUE < 9);
CREATE TYPE app.pair AS (a int, b int); CREATE TYPE app.span AS RANGE (subtype = int);
CREATE FUNCTION app.f(i int) RETURNS int LANGUAGE sql AS 'SELECT i';
CREATE PROCEDURE app.p(i int) LANGUAGE sql AS 'SELECT i';
CREATE AGGREGATE app.total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
RESET ROLE
"""
OWNERS = """
SELECT o.name || ' of ' || o.owner::regrole FROM (
    SELECT relname::text AS name, relowner AS owner, relnamespace AS place FROM pg_class
    UNION ALL SELECT proname, proowner, pronamespace FROM pg_proc WHERE prolang <> 12
    UNION ALL SELECT typname, typowner, typnamespace FROM pg_type
    WHERE typname !~ 'multirange$' -- before 17 it stays where the range was, and cannot be altered
) AS o WHERE o.place = 'app'::regnamespace AND o.owner <> 'keeper'::regrole ORDER BY 1
"""


async def others(database: Database) -> list[str]:
    """What is not the keeper's."""
    look = await database.connect()
    return [row[0] for row in await look.fetch(OWNERS)]


async def test_all_that_stands_in_a_schema_goes_to_its_owner_and_stays_there(
    database: Database,
) -> None:
    """Of every kind; what others have on it they keep."""
    await database.execute(f"CREATE ROLE dev; CREATE ROLE other; {OF_APP}")
    await database.execute(
        "GRANT SELECT ON app.plain TO other; GRANT EXECUTE ON FUNCTION app.f TO other"
    )
    report = await applied(database, OWNS, regent=TAKES)
    assert all_ready(report), report.outcomes
    assert " ".join(await others(database)) == ""
    look = await database.connect()
    assert await look.fetchval("SELECT has_table_privilege('other', 'app.plain', 'SELECT')")
    assert await is_settled(database, OWNS, 2, regent=TAKES)
    await database.execute("ALTER TABLE app.plain OWNER TO dev; ALTER TYPE app.mood OWNER TO dev")
    assert all_ready(await applied(database, OWNS, 2, regent=TAKES))
    assert " ".join(await others(database)) == ""
    assert await is_settled(database, OWNS, 3, regent=TAKES)


@pytest.mark.rule("27")
@pytest.mark.found("E186")
async def test_code_stays_where_it_would_gain_something_and_plain_data_goes(
    database: Database,
) -> None:
    """The attack: a function of anybody who may create in the schema would run as its owner."""
    await database.execute(f"CREATE ROLE dev; {OF_APP}")
    await database.execute(
        "SET ROLE dev; CREATE FUNCTION app.steal() RETURNS text LANGUAGE sql SECURITY DEFINER"
        " AS 'SELECT current_user::text'; CREATE TABLE app.trap (i serial);"
        "CREATE FUNCTION app.run() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER t BEFORE INSERT ON app.trap FOR EACH ROW EXECUTE FUNCTION app.run()"
    )
    unlisted = {**TAKES, "allow": {"ownedSchemas": ["app"]}}
    report = await applied(database, OWNS, regent=unlisted)
    said = outcome(report, "Role/keeper")
    assert (said.state, said.reason) == ("Stalled", "NotManageable")
    assert "spec.allow.reassignOwnedTo" in said.message
    told = [one.message for one in report.results if "app.trap_i_seq" in one.message]
    assert told, "the sequence was called given"
    assert "it follows its table, which stays" in told[0]
    look = await database.connect()
    assert await look.fetchval("SELECT app.steal()") == "dev"
    kept = "SELECT relowner::regrole::text FROM pg_class WHERE oid = $1::regclass"
    assert await look.fetchval(kept, "app.trap") == "dev"
    assert await look.fetchval(kept, "app.plain") == "keeper"
    assert await look.fetchval(kept, "app.plain_id_seq") == "keeper"
    await database.execute("SET ROLE dev; CREATE TABLE app.later (i int)")
    report = await applied(database, OWNS, 2, regent=unlisted)
    assert outcome(report, "Role/keeper").reason == "NotManageable"
    assert await look.fetchval(kept, "app.later") == "keeper"
    assert await look.fetchval(kept, "app.trap") == "dev"


@pytest.mark.found("E305")
async def test_what_stays_with_its_owner_is_no_reason_to_keep_a_right_on_it(
    database: Database,
) -> None:
    """What was left to the next owner goes where it does not become the owner."""
    reads = """
Permission/look: {database: mydb, schemas: [app], tables: ["*"], actions: [SELECT, TRIGGER]}
Role/keeper: {database: mydb, permissions: [look]}
"""
    await database.execute(f"CREATE ROLE dev; {OF_APP}")
    await database.execute(
        "SET ROLE dev; CREATE TABLE app.trap (i int);"
        "CREATE FUNCTION app.run() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER t BEFORE INSERT ON app.trap FOR EACH ROW EXECUTE FUNCTION app.run()"
    )
    assert all_ready(await applied(database, reads))
    unlisted = {**TAKES, "allow": {"ownedSchemas": ["app"]}}
    for revision in (2, 3):
        report = await applied(database, OWNS, revision, regent=unlisted)
        assert outcome(report, "Role/keeper").reason == "NotManageable"
    look = await database.connect()
    may = "SELECT has_table_privilege('keeper', $1, 'SELECT')"
    assert await look.fetchval(may, "app.plain")
    assert not await look.fetchval(may, "app.trap")


@pytest.mark.found("E187")
async def test_what_left_the_schema_after_the_look_stays_with_whoever_has_it(bench: Bench) -> None:
    """It is asked before, and once more while its lock is held."""
    await bench.apply(create("dev"), create("keeper"))
    await bench.look.execute(
        'CREATE SCHEMA "My app" AUTHORIZATION dev; CREATE SCHEMA private AUTHORIZATION dev;'
        'GRANT USAGE, CREATE ON SCHEMA "My app" TO keeper; SET search_path = "My app";'
        "SET ROLE dev; CREATE TABLE gone (i int); CREATE TABLE here (i int);"
        "ALTER TABLE gone SET SCHEMA private; RESET ROLE; RESET search_path"
    )
    table, owner = ObjectKind.TABLE, "SELECT relowner::regrole::text FROM pg_class WHERE oid = $1"
    oids = {
        str(row["relname"]): int(row["oid"])
        for row in await bench.look.fetch(
            "SELECT relname, oid FROM pg_class WHERE relname IN ('gone', 'here')"
        )
    }
    refs = tuple(ObjectRef(oid, "My app", name) for name, oid in oids.items())
    change = GatherObjects(table, "mydb", "My app", "keeper", objects=refs, former="dev")
    [result] = await bench.apply(change)
    assert result.done, result
    assert await bench.look.fetchval(owner, oids["gone"]) == "dev"
    assert await bench.look.fetchval(owner, oids["here"]) == "keeper"
    asked = load("leaving/owner_now")
    catalog = await bench.look.fetchval("SELECT 'pg_class'::regclass::oid")
    assert await bench.look.fetchval(asked, catalog, oids["here"], "My app") == "keeper"
    assert await bench.look.fetchval(asked, catalog, oids["here"], "private") is None


async def test_objects_of_others_are_taken_only_where_the_schema_is_listed(
    database: Database,
) -> None:
    """Who owns a schema may drop what is in it; to read it is more."""
    own = OWNS.replace("app,", "fresh, create: true,")
    assert all_ready(await applied(database, own))
    await database.execute("CREATE ROLE dev; GRANT USAGE, CREATE ON SCHEMA fresh TO dev")
    await database.execute("SET ROLE dev; CREATE TABLE fresh.secret (i int)")
    report = await applied(database, own, 2)
    said = outcome(report, "Role/keeper")
    assert said.reason == "NotAllowed"
    assert "'dev'" in said.message
    look = await database.connect()
    owner = "SELECT relowner::regrole::text FROM pg_class WHERE relname = 'secret'"
    assert await look.fetchval(owner) == "dev"
    listed = {"allow": {"ownedSchemas": ["fresh"]}}
    assert all_ready(await applied(database, own, 3, regent=listed))
    assert await look.fetchval(owner) == "keeper"


@pytest.mark.found("E305")
async def test_what_a_former_owner_keeps_is_on_what_was_read_and_on_nothing_else(
    bench: Bench,
) -> None:
    """The attack: whoever owns the object gives its name to another one of the new owner's."""
    await bench.apply(create("dev"), create("keeper"))
    await bench.look.execute(
        "CREATE SCHEMA app; GRANT USAGE, CREATE ON SCHEMA app TO dev, keeper;"
        "SET ROLE dev; CREATE TABLE app.read (i int); RESET ROLE;"
        "SET ROLE keeper; CREATE TABLE app.other (i int); RESET ROLE"
    )
    oid = await bench.look.fetchval("SELECT 'app.read'::regclass::oid")
    refs, table = (ObjectRef(oid, "app", "read"),), ObjectKind.TABLE
    kept = GrantPrivileges("mydb", table, refs, frozenset({"SELECT"}), ("dev",))
    change = GatherObjects(table, "mydb", "app", "keeper", refs, "dev", keeps=(kept,))
    await bench.look.execute("ALTER TABLE app.read RENAME TO mine")
    await bench.look.execute("ALTER TABLE app.other RENAME TO read")
    [result] = await bench.apply(change)
    assert (result.done, result.sqlstate) == (False, "XX000")
    owner = "SELECT relowner::regrole::text FROM pg_class WHERE oid = $1"
    may = "SELECT has_table_privilege('dev', $1::oid, 'SELECT')"
    assert await bench.look.fetchval(owner, oid) == "dev"
    assert not await bench.look.fetchval(
        may, await bench.look.fetchval("SELECT 'app.read'::regclass::oid")
    )
    await bench.look.execute("ALTER TABLE app.read RENAME TO other")
    await bench.look.execute("ALTER TABLE app.mine RENAME TO read")
    [result] = await bench.apply(change)
    assert result.done, result
    assert await bench.look.fetchval(owner, oid) == "keeper"
    assert await bench.look.fetchval(may, oid)


@pytest.mark.rule("21")
@pytest.mark.found("E305")
async def test_an_admin_that_is_no_superuser_moves_objects_with_what_is_kept(
    database: Database,
) -> None:
    """It gives that as the new owner, whose rights it may have without inheriting them."""
    before = OWNS.replace("keeper", "first") + "\nRole/keeper: {database: mydb}"
    look = await database.connect("postgres")
    await database.execute(f"CREATE ROLE dev; {OF_APP}")
    assert all_ready(await applied(database, before, regent={**TAKES, "allow": ALLOWED}))
    await demote(database)
    await look.execute('GRANT app_owner, first, keeper TO "my-admin"')
    await look.execute('GRANT CREATE ON DATABASE mydb TO "my-admin"')
    after = (
        OWNS
        + """
Permission/look: {database: mydb, schemas: [app], tables: ["*"], actions: [SELECT]}
Role/first: {database: mydb, permissions: [look]}
"""
    )
    report = await applied(database, after, 2, regent={**TAKES, "allow": ALLOWED})
    assert all_ready(report), report.outcomes
    assert " ".join(await others(database)) == ""
    assert await look.fetchval("SELECT has_table_privilege('first', 'app.plain', 'SELECT')")


@pytest.mark.rule("30")
@pytest.mark.versions(15, 18)
async def test_a_new_table_of_another_goes_to_the_owner_and_its_maker_is_told(
    database: Database, tmp_path: Path
) -> None:
    """Though the events of tables get targeted passes."""
    look = await database.connect()
    await look.execute("CREATE ROLE dev LOGIN PASSWORD 'told'; CREATE SCHEMA app AUTHORIZATION dev")
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(OWNS, regent=TAKES))
        await regent.settled(1)
        await look.execute("GRANT USAGE, CREATE ON SCHEMA app TO dev")
        await cleared(look)
        theirs = await database.connect("dev", "told")
        await theirs.execute("CREATE TABLE app.made (i int)")

        async def is_gathered() -> bool:
            owner = "SELECT relowner::regrole::text FROM pg_class WHERE relname = 'made'"
            return bool(await look.fetchval(owner) == "keeper")

        await eventually(is_gathered)
        [drift] = await regent.drifts(1)
        assert drift["deed"] == "table app.made: made by dev, or given to it"
        assert drift["correction"] == "given to keeper"
        assert drift["actor"]["sessionUser"] == "dev"
