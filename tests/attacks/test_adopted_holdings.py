"""What a role owns or holds that no pass takes away: its adopter would get it (rule 10)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import asyncpg
import pytest

from regent.changes import AdoptRole
from regent.one_shot import apply_once, plan_once
from tests.attacks.test_adoption import may_log_in, passwords
from tests.declared import state
from tests.integration.facts.once import all_ready, applied, outcome
from tests.integration.test_names_not_utf8 import BAD, ascii_database, run
from tests.postgres.canary import Canary
from tests.postgres.database import Database
from tests.settings import settings_for

SECRET = "passwordSecretRef: {name: s, key: k}"
JOB = f"User/job: {{database: mydb, adopt: true, {SECRET}}}\n"
OWNER = f"User/app_owner: {{database: mydb, adopt: true, {SECRET}}}\n"
KEEPER = "User/keeper: {database: mydb}\n"
STRICT = {
    "schemas": ["app_*"], "actions": ["SELECT"], "attributes": [], "memberOf": [], "parameters": [],
}  # fmt: skip
POWERS = """
CREATE ROLE job LOGIN;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO job;
SELECT lo_from_bytea(777, 'topsecret');
GRANT SELECT ON LARGE OBJECT 777 TO job;
CREATE SCHEMA ops;
GRANT USAGE ON SCHEMA ops TO PUBLIC;
CREATE FUNCTION ops.run(q text) RETURNS void SECURITY DEFINER LANGUAGE plpgsql
    AS $$ BEGIN EXECUTE q; END $$;
REVOKE EXECUTE ON FUNCTION ops.run(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ops.run(text) TO job;
ALTER DEFAULT PRIVILEGES IN SCHEMA ops GRANT EXECUTE ON FUNCTIONS TO job;
CREATE FOREIGN DATA WRAPPER wrapper;
CREATE SERVER far FOREIGN DATA WRAPPER wrapper;
CREATE USER MAPPING FOR job SERVER far OPTIONS (user 'x', password 'y');
GRANT CREATE ON DATABASE postgres TO job
"""
ADOPTED = "SELECT count(*) FROM postgregent.marks WHERE role = 'job'"


def allow(*adopt: str) -> dict[str, Any]:
    """A Regent that allows little, and what it says of adoptions."""
    return {"allow": {**STRICT, **({"adopt": list(adopt)} if adopt else {})}, "brake": "Disabled"}


@pytest.mark.found("E59")
@pytest.mark.rule("10")
@pytest.mark.every_version
async def test_a_role_with_privileges_that_no_reading_sees_is_not_adopted(
    database: Database, canary: Canary
) -> None:
    """Seen on 15 and 18: its adopter became a superuser, and the plan said nothing."""
    await database.execute(POWERS, "my-admin")
    more = passwords("job", canary.password)
    for revision, regent in enumerate((allow(), allow("job*", "*")), start=1):
        report = await applied(database, KEEPER + JOB, revision, regent=regent, **more)
        said = outcome(report, "User/job")
        assert said.reason == "ExistsUnmanaged"
        assert 'REVOKE ALL ON DATABASE "postgres" FROM' in said.message
        assert "spec.allow.adopt" in said.message
    planned = await plan_once(settings_for(database), state(KEEPER + JOB, regent=allow(), **more))
    assert planned.plan.changes == ()
    assert not await may_log_in(database, "job", canary.password)
    home = await database.server.connect("postgregent")
    assert await home.fetchval(ADOPTED) == 0
    await home.close()


@pytest.mark.found("E59", "E60")
@pytest.mark.rule("10", "29")
@pytest.mark.every_version
async def test_what_the_message_says_to_run_lets_the_role_be_adopted(
    database: Database, canary: Canary
) -> None:
    """The twin: what is gone is no reason, and an exact name in `allow.adopt` is meant."""
    await database.execute(POWERS, "my-admin")
    more = passwords("job", canary.password)
    report = await applied(database, KEEPER + JOB, regent=allow("job"), **more)
    said = outcome(report, "User/job")
    assert (said.state, said.reason) == ("Stalled", "NotTakenAway"), said
    assert await may_log_in(database, "job", canary.password)
    await database.execute("DROP OWNED BY job", "my-admin")
    for place in ("postgres", "mydb"):
        connection = await database.server.connect(place)
        await connection.execute("DROP OWNED BY job")
        await connection.close()
    report = await applied(database, KEEPER + JOB, 2, regent=allow("job"), **more)
    assert all_ready(report), report.outcomes
    await database.execute("DROP ROLE job; CREATE ROLE job LOGIN")
    report = await applied(database, KEEPER + JOB, 3, regent=allow(), **more)
    assert all_ready(report), report.outcomes


@pytest.mark.found("E58")
@pytest.mark.rule("10")
@pytest.mark.every_version
async def test_a_role_that_owns_something_is_adopted_by_its_exact_name_only(
    database: Database, canary: Canary
) -> None:
    """Seen on 15 and 18: its adopter read what no Permission could have given."""
    await database.execute(
        "SET ROLE app_owner; CREATE SCHEMA hidden; CREATE TABLE hidden.t AS SELECT 42 AS secret"
    )
    more = passwords("app_owner", canary.password)
    for revision, regent in enumerate((allow(), allow("app_*"), {"brake": "Disabled"}), start=1):
        report = await applied(database, KEEPER + OWNER, revision, regent=regent, **more)
        said = outcome(report, "User/app_owner")
        assert said.reason == "ExistsUnmanaged"
        assert "REASSIGN OWNED" in said.message
        assert not await may_log_in(database, "app_owner", canary.password)
    report = await applied(database, KEEPER + OWNER, 4, regent=allow("app_owner"), **more)
    assert all_ready(report), report.outcomes
    owner = await database.connect("app_owner", canary.password)
    assert await owner.fetchval("SELECT secret FROM hidden.t") == 42


KEPT = """
CREATE FOREIGN DATA WRAPPER wrapper;
CREATE SERVER "far; ALTER ROLE job SUPERUSER" FOREIGN DATA WRAPPER wrapper;
CREATE USER MAPPING FOR job SERVER "far; ALTER ROLE job SUPERUSER" OPTIONS (user 'x', password 'y');
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA schema1 GRANT SELECT ON TABLES TO job;
GRANT CREATE ON DATABASE postgres TO job;
CREATE POLICY seen ON schema1.flights TO job
"""
IGNORED = """
CREATE SCHEMA left_alone;
CREATE FUNCTION left_alone.f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
GRANT EXECUTE ON FUNCTION left_alone.f() TO job
"""


@pytest.mark.found("E60", "E119")
@pytest.mark.rule("8", "29")
@pytest.mark.every_version
async def test_what_a_managed_role_keeps_beyond_its_declaration_is_said(database: Database) -> None:
    """Seen on 15 and 18: it was "As declared."; what is not ours to take is only noted.

    A superuser is told to run this SQL, so nothing in it is what somebody called a server.
    """
    text, ignore = "Role/job: {database: mydb}\n" + KEEPER, {"ignoreSchemas": ["left_alone"]}
    await applied(database, text)
    await database.execute(KEPT + ";" + IGNORED)
    report = await applied(database, text, 2, regent=ignore)
    said = outcome(report, "Role/job")
    assert (said.state, said.reason) == ("Stalled", "NotTakenAway"), said
    statement = 'DROP USER MAPPING FOR "job" SERVER "far; ALTER ROLE job SUPERUSER"'
    assert statement in said.message
    look = await database.connect()
    assert await look.fetchval("SELECT count(*) FROM pg_default_acl") == 0
    assert "left_alone" not in said.message
    assert any("database postgres" in note and "seen on schema1" in note for note in said.notes)
    assert outcome(report, "User/keeper").is_ready
    await database.execute(said.message.partition("Run ")[2])
    report = await applied(database, text, 3, regent=ignore)
    assert all_ready(report), report.outcomes
    assert any("database postgres" in note for note in outcome(report, "Role/job").notes)
    assert not await look.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = 'job'")


PARTS = """
GRANT USAGE ON SCHEMA pg_toast TO job;
GRANT USAGE ON TYPE schema1.wide TO job WITH GRANT OPTION;
DO $$ DECLARE toast regclass := (
    SELECT c.reltoastrelid FROM pg_class AS c WHERE c.oid = 'schema1.wide'::regclass);
BEGIN
    EXECUTE format('GRANT SELECT ON %s TO job', toast);
    EXECUTE format('GRANT SELECT (chunk_data) ON %s TO job', toast);
END $$
"""
HELD_BY_JOB = """
SELECT count(*) FROM pg_shdepend AS d
WHERE d.refobjid = 'job'::regrole AND d.deptype = 'a' AND d.dbid <> 0
"""


@pytest.mark.found("E118")
@pytest.mark.rule("8")
@pytest.mark.every_version
async def test_what_belongs_to_a_table_or_a_range_is_taken_away_like_any_other(
    database: Database,
) -> None:
    """TOAST tables, row types, multiranges: the catalog was read, and these rows of it were not.

    A pattern reaches none of them.
    """
    await database.execute("CREATE TABLE schema1.wide (t text)", "app_owner")
    text = (
        "Permission/types: {database: mydb, schemas: ['*'], types: ['*'], actions: [USAGE]}\n"
        "Permission/tables: {database: mydb, schemas: ['*'], tables: ['*'], actions: [INSERT]}\n"
        "Role/job: {database: mydb, permissions: [types, tables]}\n"
    )
    await applied(database, text + KEEPER)
    look = await database.connect()
    before = await look.fetchval(HELD_BY_JOB)
    await look.execute(PARTS)
    with suppress(asyncpg.PostgresError):  # newer versions refuse it
        await look.execute("GRANT USAGE ON TYPE int4multirange TO job")
    assert await look.fetchval(HELD_BY_JOB) >= before + 4
    report = await applied(database, text + KEEPER, 2)
    assert all_ready(report), report.outcomes
    assert await look.fetchval(HELD_BY_JOB) == before


LEFT_ALONE = """
CREATE ROLE job LOGIN;
CREATE SCHEMA "Private";
CREATE TABLE "Private".t AS SELECT 42 AS secret, 1 AS other;
CREATE FUNCTION "Private".f(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
GRANT USAGE ON SCHEMA "Private" TO job;
GRANT SELECT (secret) ON "Private".t TO job;
GRANT EXECUTE ON FUNCTION "Private".f(integer) TO job;
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA "Private" GRANT SELECT ON TABLES TO job;
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA schema1 GRANT SELECT ON TABLES TO job;
GRANT SELECT ON schema1.flights TO job
"""
TAKEN_BY_HAND = (
    (
        'ALTER DEFAULT PRIVILEGES FOR ROLE "app_owner" IN SCHEMA "Private"'
        ' REVOKE ALL ON TABLES FROM "job"'
    ),
    'REVOKE ALL ON SCHEMA "Private" FROM "job"',
    'REVOKE ALL ("secret") ON TABLE "Private"."t" FROM "job"',
    'REVOKE ALL ON ROUTINE "Private".f(integer) FROM "job"',
)


@pytest.mark.found("E170")
@pytest.mark.rule("9", "10")
@pytest.mark.every_version
async def test_what_a_role_has_in_ignored_schemas_needs_its_exact_name(
    database: Database, canary: Canary
) -> None:
    """Seen on 18: the adopter read the schemas that the Regent's editor had shut out.

    The twin: without it, or by its exact name, it is adopted, and what a pass sees is taken.
    """
    await database.execute(LEFT_ALONE, "my-admin")
    more = passwords("job", canary.password)
    regent = {"ignoreSchemas": ["Priv*"], "brake": "Disabled"}
    report = await applied(database, KEEPER + JOB, regent=regent, **more)
    said = outcome(report, "User/job")
    assert said.reason == "ExistsUnmanaged", said
    assert not await may_log_in(database, "job", canary.password)
    for statement in TAKEN_BY_HAND:
        assert f"{statement};" in said.message
    by_name = {**regent, "allow": {"adopt": ["job"]}}
    planned = await plan_once(settings_for(database), state(KEEPER + JOB, regent=by_name, **more))
    assert any(isinstance(one, AdoptRole) for one in planned.plan.changes), planned.outcomes
    await database.execute("; ".join(TAKEN_BY_HAND), "my-admin")
    report = await applied(database, KEEPER + JOB, 2, regent=regent, **more)
    assert all_ready(report), report.outcomes
    job = await database.connect("job", canary.password)
    assert await job.fetchval("SELECT count(*) FROM pg_catalog.pg_class") > 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await job.fetchval("SELECT count(*) FROM schema1.flights")
    await job.close()


@pytest.mark.found("E170")
@pytest.mark.rule("10")
async def test_what_a_role_has_under_a_name_that_is_not_utf8_needs_its_exact_name(
    database: Database, canary: Canary
) -> None:
    """No pass takes what it cannot name: a group of such a name, and a table."""
    inside = await ascii_database(database)
    await inside.execute("CREATE ROLE job LOGIN")
    for line in (
        "GRANT %I TO job", "CREATE TABLE public.%I (x integer)", "GRANT SELECT ON public.%I TO job",
    ):  # fmt: skip
        await run(inside, f"format('{line}', {BAD})")
    await inside.close()
    settings = settings_for(database)
    settings = settings.model_copy(update={"databases": (*settings.databases, "ascii")})
    more = passwords("job", canary.password)
    report = await apply_once(settings, state(KEEPER + JOB, regent={"brake": "Disabled"}, **more))
    said = outcome(report, "User/job")
    assert said.reason == "ExistsUnmanaged", said
    assert "role (a name that is not UTF-8" in said.message
    assert "table" in said.message.partition("in ascii")[0]
    assert "Run" not in said.message
