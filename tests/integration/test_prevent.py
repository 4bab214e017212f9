"""`enforcement: Prevent` refuses what a pass would take back, and nothing else (rule 25)."""

from __future__ import annotations

import asyncpg
import pytest

from regent.detect.install import remove
from regent.prevent.prevention import IS_CHANGED
from shared.resources import RegentSpec
from tests.declared import REFERENCE, state
from tests.integration.facts.once import demote
from tests.integration.test_install_safety import dumped
from tests.integration.test_pauses import call, pause
from tests.postgres.database import Database
from tests.preventing import preventing, refusal

pytestmark = [pytest.mark.rule("25"), pytest.mark.found("E300")]

DECLARED = f"""
{REFERENCE}
Permission/notes: {{database: mydb, schemas: [public], tables: [notes], columns: [note],
                    actions: [UPDATE]}}
Permission/counting: {{database: mydb, schemas: [schema1], routines: [flight_count],
                       actions: [EXECUTE]}}
Role/clerk: {{database: mydb, permissions: [notes, counting]}}
"""
JUDGE_IS_THERE = """
SELECT EXISTS (SELECT FROM pg_event_trigger WHERE evtname = 'postgregent_prevent')
    OR to_regclass('postgregent.declared') IS NOT NULL
    OR to_regproc('postgregent.refuse_change') IS NOT NULL
"""
REFUSED = {
    'GRANT DELETE ON schema1.flights TO "mydb-viewer"': (
        'DELETE on table schema1.flights may not be granted to "mydb-viewer": no Permission gives'
        " it to Role default/mydb-viewer"
    ),
    'REVOKE SELECT ON schema1.flights FROM "mydb-viewer"': (
        'SELECT on table schema1.flights may not be taken from "mydb-viewer": Permission'
        " default/read-schemas-1-and-2 gives it to Role default/mydb-viewer"
    ),
    'GRANT SELECT ON schema1.flights TO "mydb-viewer" WITH GRANT OPTION': (
        'the grant option of SELECT on table schema1.flights may not be granted to "mydb-viewer"'
    ),
    'GRANT UPDATE (origin) ON schema1.flights TO "mydb-viewer"': (
        "UPDATE on column origin of table schema1.flights may not be granted"
    ),
    "REVOKE UPDATE (note) ON public.notes FROM clerk": (
        "UPDATE on column note of table public.notes may not be taken from clerk: Permission"
        " default/notes gives it to Role default/clerk"
    ),
    'GRANT EXECUTE ON FUNCTION schema1.flight_count() TO "mydb-viewer"': (
        "EXECUTE on function schema1.flight_count() may not be granted"
    ),
    "REVOKE EXECUTE ON FUNCTION schema1.flight_count() FROM clerk": (
        "Permission default/counting gives it"
    ),
    'GRANT CREATE ON SCHEMA schema1 TO "mydb-viewer"': "CREATE on schema schema1",
    'REVOKE USAGE ON SCHEMA schema1 FROM "mydb-viewer"': "one of its Permissions gives it",
    'GRANT UPDATE ON SEQUENCE schema1.ticket_numbers TO "mydb-viewer"': "UPDATE on sequence",
    'GRANT DELETE ON ALL TABLES IN SCHEMA schema2 TO "mydb-viewer"': "DELETE on table",
    'DO $$ BEGIN GRANT DELETE ON schema1.flights TO "mydb-viewer"; END $$': "DELETE on table",
    """DO $$ BEGIN
        BEGIN GRANT DELETE ON schema1.flights TO "mydb-viewer"; END;
        EXECUTE 'SELECT 1';
    EXCEPTION WHEN division_by_zero THEN NULL; END $$""": "DELETE on table",
    'CREATE SCHEMA extra GRANT DELETE ON schema1.flights TO "mydb-viewer"': "DELETE on table",
}
"""Statements of the owner of everything, and what the refusal says of them."""
PASSES = """
GRANT SELECT ON schema1.flights TO stranger;
REVOKE SELECT ON schema1.flights FROM stranger;
GRANT UPDATE (origin) ON schema1.flights TO stranger;
GRANT SELECT ON schema1.flights TO "mydb-viewer";
ALTER TABLE schema1.flights ADD COLUMN gate text;
GRANT UPDATE (gate) ON schema1.flights TO stranger;
CREATE TABLE schema1.gates (gate text);
GRANT INSERT ON schema1.gates TO "mydb-viewer";
ALTER TABLE schema2.crews RENAME COLUMN captain TO commander;
GRANT SELECT ON schema2.crews TO stranger;
ALTER TABLE public.notes RENAME COLUMN note TO remark;
GRANT SELECT (remark) ON public.notes TO stranger;
CREATE SCHEMA extra GRANT SELECT ON schema1.flights TO stranger;
DROP TABLE schema1.gates;
"""
"""What goes on beside it, in one transaction and each alone."""


def spec_of(**regent: object) -> RegentSpec:
    """A Regent's own resource."""
    return state("", regent={"enforcement": "Prevent", **regent}).regent.spec


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_what_nobody_declares_is_refused_with_the_resource_to_change(
    database: Database,
) -> None:
    owner = await database.connect(database.owner)
    async with preventing(database, DECLARED):
        said = {statement: await refusal(owner, statement) for statement in REFUSED}
        for statement, words in REFUSED.items():
            assert words in said[statement], statement
        async with owner.transaction():
            await owner.execute("CREATE TABLE schema1.before_it (); SAVEPOINT a")
            with pytest.raises(asyncpg.InsufficientPrivilegeError) as found:
                await owner.execute('GRANT DELETE ON schema1.flights TO "mydb-viewer"')
            assert "Commit the change to Git" in (found.value.hint or "")
            await owner.execute("ROLLBACK TO a; GRANT SELECT ON schema1.before_it TO PUBLIC")


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_other_work_goes_on(database: Database) -> None:
    await database.execute("CREATE ROLE stranger")
    owner = await database.connect(database.owner)
    async with preventing(database, DECLARED):
        rolled_back = owner.transaction()
        await rolled_back.start()
        await owner.execute(PASSES)
        await rolled_back.rollback()
        for statement in PASSES.split(";")[:-1]:
            await owner.execute(statement)


@pytest.mark.found("E377")
async def test_nobody_is_refused_for_what_a_pass_has_just_done(database: Database) -> None:
    """Until the judges are told of it; then what nobody declares is refused there again."""
    await database.execute("CREATE ROLE stranger")
    await database.execute("CREATE TABLE schema1.plain (a int)", database.owner)
    audited = REFERENCE.replace('tables: ["*"]', "tables: ['audit_*', flights]")
    async with preventing(database, audited) as one:
        owner = await database.connect(database.owner)
        await owner.execute("ALTER TABLE schema1.plain RENAME TO audit_a")
        await one.stand.passes.full()
        assert await refusal(owner, "GRANT SELECT ON schema1.audit_a TO stranger") == ""
        await one.look_again()
        assert await refusal(owner, 'GRANT DELETE ON schema1.audit_a TO "mydb-viewer"')
        await owner.execute("ALTER TABLE schema1.audit_a RENAME TO plain")
        await one.stand.passes.full()
        assert await refusal(owner, "REVOKE SELECT ON schema1.plain FROM stranger") == ""


@pytest.mark.found("E377")
async def test_what_a_pass_has_corrected_is_refused_on(database: Database) -> None:
    """It is as the judges were told: nothing needs to be told anew."""
    drift = 'GRANT DELETE ON schema1.flights TO "mydb-viewer"'
    async with preventing(database) as one:
        owner = await database.connect(database.owner)
        for by_the_admin in (drift, f"{drift} WITH GRANT OPTION"):
            await database.execute(by_the_admin)
            await one.stand.passes.full()
            assert await refusal(owner, drift)


@pytest.mark.found("E378")
@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16)
async def test_a_migration_may_drop_a_column_and_grant_at_once(database: Database) -> None:
    async with preventing(database, DECLARED):
        owner = await database.connect(database.owner)
        await owner.execute("BEGIN; ALTER TABLE public.notes DROP COLUMN note")
        assert await refusal(owner, "GRANT SELECT ON public.notes TO PUBLIC") == ""
        await owner.execute("ALTER TABLE public.notes ADD COLUMN note text")
        assert await refusal(owner, "GRANT UPDATE (note) ON public.notes TO clerk; COMMIT") == ""


@pytest.mark.found("E301")
@pytest.mark.versions(18)
async def test_the_script_of_an_extension_may_grant_what_it_likes(database: Database) -> None:
    """Only that: what somebody grants after it in the same transaction is judged."""
    folder = database.server.folder / "extension"
    folder.mkdir(exist_ok=True)
    (folder / "generous.control").write_text("default_version = '1'\ntrusted = true\n")
    (folder / "generous--1.sql").write_text(f"{GRANT};")
    await database.execute(
        f"ALTER DATABASE mydb SET extension_control_path = '$system:{folder.parent}'"
    )
    owner = await database.connect(database.owner)
    async with preventing(database):
        await owner.execute("CREATE EXTENSION generous SCHEMA public")
        assert await owner.fetchval(
            "SELECT has_table_privilege('mydb-viewer', 'schema1.flights', 'DELETE')"
        )
        assert await refusal(owner, GRANT.replace("flights", "airports"))


GRANT = 'GRANT DELETE ON schema1.flights TO "mydb-viewer"'
UNDO = 'REVOKE DELETE ON schema1.flights FROM "mydb-viewer"'


@pytest.mark.found("E301")
@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_what_is_restored_or_new_is_no_business_of_the_judge(database: Database) -> None:
    """A dump of its own schemas goes back in one transaction, privileges and all."""
    owner = await database.connect(database.owner)
    async with preventing(database, DECLARED):
        whole = script_of(dumped(database, database.owner))
        part = script_of(dumped(database, database.owner, "--schema=schema1", "--schema=schema2"))
        admin = await database.connect()
        await admin.execute("CREATE DATABASE restored OWNER app_owner")
        restored = await database.server.connect("restored")
        await restored.execute(whole)
        await restored.close()
        restored = await database.server.connect("restored", database.owner)
        try:
            assert await refusal(restored, GRANT) == ""
        finally:
            await restored.close()
        await owner.execute("DROP SCHEMA schema1, schema2 CASCADE")
        assert 'TO "mydb-viewer"' in part
        await owner.execute(part)
        assert await refusal(owner, GRANT) == ""
        await owner.execute("CREATE EXTENSION hstore SCHEMA public; DROP EXTENSION hstore")


def script_of(dump: str) -> str:
    """A plain dump as one string of statements, which is one transaction."""
    return "\n".join(line for line in dump.splitlines() if not line.startswith("\\"))


@pytest.mark.found("E301")
@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_a_regent_that_is_gone_suspended_or_corrects_refuses_nothing(
    database: Database,
) -> None:
    owner = await database.connect(database.owner)
    admin = await database.connect()
    async with preventing(database) as regent:
        assert await refusal(owner, GRANT)
        await regent.prevention.stand_down(spec_of(suspend=True), None)
        assert await refusal(owner, GRANT) == ""
        await admin.execute(UNDO)
        await regent.look_again()
        assert await refusal(owner, GRANT)
        await regent.look_again(spec_of(enforcement="Correct"))
        assert await refusal(owner, GRANT) == ""
        await admin.execute(UNDO)
        assert not await admin.fetchval(JUDGE_IS_THERE)
        await regent.look_again()
        assert await refusal(owner, GRANT)
    assert await refusal(owner, GRANT) == ""
    assert await remove(admin) == ""


@pytest.mark.found("E301")
async def test_a_role_that_is_paused_is_as_people_make_it(database: Database) -> None:
    owner = await database.connect(database.owner)
    async with preventing(database) as regent:
        await pause(database)
        await regent.look_again()
        assert await refusal(owner, GRANT) == ""
        other = await refusal(owner, 'GRANT TRUNCATE ON schema1.flights TO "flights-admin"')
        assert "Role default/flights-admin" in other
        await call(database, "resume($1)", "mydb-viewer")
        await regent.look_again()
        assert await refusal(owner, GRANT)


@pytest.mark.found("E301", "E386")
@pytest.mark.parametrize(
    "harm",
    [
        "DROP TABLE postgregent.declared",
        "ALTER TABLE postgregent.declared_edge DROP COLUMN privilege",
        "DROP SEQUENCE postgregent.not_judged; DROP TABLE postgregent.guard",
        "TRUNCATE postgregent.guard",
        "ALTER FUNCTION postgregent.refuse_change() OWNER TO app_owner",
        "ALTER TABLE postgregent.declared RENAME TO elsewhere",
        "ALTER EVENT TRIGGER postgregent_prevent DISABLE",
    ],
)
async def test_a_damaged_judge_lets_commands_through_and_is_made_whole(
    database: Database, harm: str
) -> None:
    owner = await database.connect(database.owner)
    admin = await database.connect()
    async with preventing(database) as regent:
        await admin.execute(harm)
        assert await refusal(owner, GRANT) == ""
        ((where, what),) = await regent.look_again()
        assert where == database.name
        assert what
        assert "DELETE" in await refusal(owner, GRANT.replace("flights", "airports"))
        assert regent.prevention.not_acted_on == ()
        assert await regent.look_again() == ()


@pytest.mark.found("E420", "E386")
@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_what_a_judge_was_told_is_told_anew_where_somebody_changed_it(
    database: Database,
) -> None:
    """Whole tables and parts of them; what nobody changed is not written again."""
    owner = await database.connect(database.owner)
    admin = await database.connect()
    writer = "SELECT xmin::text FROM postgregent.guard"
    async with preventing(database) as regent:
        before = await admin.fetchval(writer)
        assert await regent.look_again() == ()
        assert await admin.fetchval(writer) == before
        for harm in (
            "TRUNCATE postgregent.declared",
            "TRUNCATE postgregent.declared_edge, postgregent.declared",
            "TRUNCATE postgregent.declared_role",
            "DELETE FROM postgregent.declared WHERE objid = 'schema1.flights'::regclass",
            "UPDATE postgregent.declared_role SET role = (role::bigint + 1000000)::oid",
        ):
            await admin.execute(harm)
            assert await refusal(owner, GRANT) == "", harm
            assert await regent.look_again() == ((database.name, IS_CHANGED),), harm
            assert "DELETE" in await refusal(owner, GRANT.replace("flights", "airports")), harm
            assert "DELETE" in await refusal(owner, GRANT), harm


@pytest.mark.found("E301")
async def test_a_judge_that_fails_is_said(database: Database) -> None:
    owner = await database.connect(database.owner)
    admin = await database.connect()
    async with preventing(database) as regent:
        async with admin.transaction():
            await admin.execute("LOCK TABLE postgregent.guard IN ACCESS EXCLUSIVE MODE")
            assert await refusal(owner, GRANT) == ""
        await regent.look_again()
        (said,) = regent.prevention.not_acted_on
        assert "spec.enforcement: Prevent in mydb (the judge failed 1 times" in said


@pytest.mark.found("E303")
async def test_an_admin_who_may_not_make_event_triggers_is_told_what_helps(
    database: Database,
) -> None:
    await demote(database)
    async with preventing(database) as regent:
        (said,) = regent.prevention.not_acted_on
        assert "spec.enforcement: Prevent in mydb (The admin may not install event" in said
        assert "Run GRANT CREATE ON DATABASE" in said


KINDS = f"""
{REFERENCE}
Permission/many: {{database: mydb, schemas: [schema1], types: [mood, positive], actions: [USAGE]}}
Permission/run: {{database: mydb, schemas: [schema1], routines: [tidy], actions: [EXECUTE]}}
Permission/speak: {{database: mydb, languages: [plpgsql], extensions: true, actions: [USAGE]}}
Permission/far: {{database: mydb, foreignServers: [far], actions: [USAGE]}}
Permission/large: {{database: mydb, largeObjects: [4711], actions: [SELECT]}}
Role/clerk: {{database: mydb, permissions: [many, run, speak, far, large]}}
"""
OF_ALL_KINDS = {
    "TYPE schema1.mood": "USAGE",
    "DOMAIN schema1.positive": "USAGE",
    "PROCEDURE schema1.tidy()": "EXECUTE",
    "ROUTINE schema1.tidy()": "EXECUTE",
    "LANGUAGE plpgsql": "USAGE",
    "FOREIGN SERVER far": "USAGE",
    "LARGE OBJECT 4711": "SELECT",
}


@pytest.mark.versions(14, 18)
async def test_every_kind_of_object_is_judged(database: Database) -> None:
    await database.execute(
        """
        CREATE TYPE schema1.mood AS ENUM ('calm');
        CREATE DOMAIN schema1.positive AS integer CHECK (VALUE > 0);
        CREATE PROCEDURE schema1.tidy() LANGUAGE sql AS 'SELECT 1';
        SELECT lo_create(4711);
    """,
        database.owner,
    )
    await database.execute("""
        ALTER LANGUAGE plpgsql OWNER TO app_owner;
        CREATE FOREIGN DATA WRAPPER wrapper;
        GRANT USAGE ON FOREIGN DATA WRAPPER wrapper TO app_owner;
        CREATE SERVER far FOREIGN DATA WRAPPER wrapper;
        ALTER SERVER far OWNER TO app_owner;
    """)
    owner = await database.connect(database.owner)
    async with preventing(database, KINDS):
        for named, privilege in OF_ALL_KINDS.items():
            given = await refusal(owner, f'GRANT {privilege} ON {named} TO "mydb-viewer"')
            assert "no Permission gives it to Role default/mydb-viewer" in given, named
            taken = await refusal(owner, f"REVOKE {privilege} ON {named} FROM clerk")
            assert "gives it to Role default/clerk" in taken, named


@pytest.mark.found("E316")
@pytest.mark.versions(18)
async def test_a_judge_that_cannot_be_told_lets_through_until_it_is(database: Database) -> None:
    """Seen: it went on refusing by what was declared once, and the status said it was idle."""
    async with preventing(database) as one:
        owner = await database.connect(database.owner)
        grant = 'GRANT DELETE ON schema1.flights TO "mydb-viewer"'
        back = 'REVOKE DELETE ON schema1.flights FROM "mydb-viewer"'
        assert await refusal(owner, grant)
        one.without["mydb"] = "a lock timeout"
        await one.look_again()
        assert one.prevention.not_acted_on == (
            "spec.enforcement: Prevent in mydb (a lock timeout)",
        )
        assert not await refusal(owner, grant)
        assert not await refusal(owner, back)
        one.without.clear()
        await one.look_again()
        assert [*one.prevention.not_acted_on] == []
        assert await refusal(owner, grant)


@pytest.mark.found("E334")
@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_what_was_judged_is_not_judged_again_and_what_came_since_is(
    database: Database,
) -> None:
    """In one transaction, over savepoints, and where another one is judged in between."""
    owner = await database.connect(database.owner)
    other = await database.connect(database.owner)
    await database.execute("CREATE ROLE stranger")
    until = "SELECT last_value FROM postgregent.judged_until"
    async with preventing(database):
        seen = [await owner.fetchval(until)]
        async with owner.transaction():
            for turn in range(4):
                await owner.execute("GRANT SELECT ON ALL TABLES IN SCHEMA schema1 TO stranger")
                seen.append(await owner.fetchval(until))
                if turn == 2:
                    await other.execute("GRANT SELECT ON schema2.crews TO stranger")
                await owner.execute("SAVEPOINT a; GRANT INSERT ON schema1.flights TO stranger")
                for statement in (GRANT, 'REVOKE SELECT ON schema1.flights FROM "mydb-viewer"'):
                    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="refuses this"):
                        await owner.execute(statement)
                    await owner.execute("ROLLBACK TO a")
        assert len(set(seen)) == len(seen), "each time it has come further"
