"""Facts of roles, each reproduced on a server, and what a pass makes of it."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from cli.declared import Request, declare
from regent.home.check import HomeDatabaseUnsafe
from regent.home.locks import _keys
from regent.one_shot import apply_once
from shared import scram
from tests.daemons import running
from tests.declared import state
from tests.eventually import eventually
from tests.integration.facts.once import all_ready, applied, demote, is_settled, outcome, refused
from tests.postgres.database import Database, flights
from tests.postgres.server import PostgresServer
from tests.settings import settings_for

FLIGHTS = Path(__file__).parents[3] / "examples" / "flights"
READER = """
Permission/read: {database: mydb, schemas: [schema1], tables: [flights], actions: [SELECT]}
Role/reader: {database: mydb, permissions: [read]}
"""
PILOT = READER + "User/pilot: {roles: [reader], passwordSecretRef: {name: s, key: pilot}}\n"
PASSWORDS = {"User/pilot": {"verifier": scram.build("the pilot's").value}}


async def _is_over(session: asyncpg.Connection) -> bool:
    """Whether the session is dead, asked over itself."""
    try:
        await session.fetchval("SELECT 1")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
        return True  # the last is what asyncpg says when the server's farewell is being read
    return False


@pytest.mark.fact("PG-ROLE-1")
@pytest.mark.rule("7", "10")
async def test_a_mark_is_seen_from_every_database_and_a_comment_is_left_to_people(
    database: Database,
) -> None:
    """A Regent of another database does not take the role that the first one made."""
    await applied(database, READER)
    await database.execute("COMMENT ON ROLE reader IS 'ask Ann'")
    await database.execute("CREATE DATABASE second")
    assert await is_settled(database, READER)
    other = settings_for(database, name="other").model_copy(update={"databases": ("second",)})
    declared = state("Role/reader: {database: second, attributes: {inherit: false}}")
    named = declared.regent.model_copy(
        update={
            "name": "other",
            "spec": declared.regent.spec.model_copy(update={"database_name": "second"}),
        }
    )
    report = await apply_once(other, declared.model_copy(update={"regent": named}))
    assert outcome(report, "Role/reader").state == "Stalled"
    assert report.results == ()
    look = await database.connect()
    assert await look.fetchval("SELECT rolinherit FROM pg_roles WHERE rolname = 'reader'")
    assert (
        await look.fetchval(
            "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = 'reader'"
        )
        == "ask Ann"
    )


@pytest.mark.fact("PG-ROLE-2")
@pytest.mark.rule("27")
async def test_a_role_with_things_in_two_databases_is_dropped_once_they_are_handed_on(
    database: Database,
) -> None:
    both = settings_for(database).model_copy(update={"databases": ("mydb", "second")})
    regent = {"additionalDatabases": ["second"], "allow": {"reassignOwnedTo": ["app_owner"]}}
    leaver = "Role/leaver: {database: mydb, reassignOwnedTo: app_owner}"
    await database.execute("CREATE DATABASE second OWNER app_owner", "postgres")
    await apply_once(both, state(leaver, regent=regent))
    making = "CREATE TABLE public.mine (i int); ALTER TABLE public.mine OWNER TO leaver"
    second = await database.server.connect("second")
    look = await database.connect()
    for connection in (look, second):
        await connection.execute(making)
    await look.execute("GRANT SELECT ON schema1.flights TO leaver")
    assert await refused(look, "DROP ROLE leaver") == "2BP01"
    report = await apply_once(both, state("{}", regent=regent, revision=2))
    assert [r.message for r in report.results if not r.done] == []
    assert not await look.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = 'leaver'")
    for connection in (look, second):
        assert (
            await connection.fetchval("SELECT tableowner FROM pg_tables WHERE tablename = 'mine'")
            == "app_owner"
        )
    await second.close()


@pytest.mark.fact("PG-ROLE-3")
@pytest.mark.rule("24")
@pytest.mark.parametrize("end", ["enabled: false", "validUntil: 2020-01-01T00:00:00Z"])
async def test_a_session_that_outlives_its_login_is_ended_when_access_ends(
    database: Database, end: str
) -> None:
    assert all_ready(await applied(database, PILOT, passwords=PASSWORDS))
    session = await database.connect("pilot", "the pilot's")
    look = await database.connect()
    await look.execute(
        "ALTER ROLE pilot NOLOGIN VALID UNTIL '2001-01-01'; REVOKE reader FROM pilot"
    )
    assert not await _is_over(session)
    ended = PILOT.replace("{roles: [reader], pass", f"{{roles: [reader], {end}, pass")
    await applied(database, ended, 2, passwords=PASSWORDS)
    assert await _is_over(session)


@pytest.mark.fact("PG-ROLE-6")
async def test_no_expiry_is_infinity(database: Database) -> None:
    until = PILOT.replace("{roles: [reader]", "{roles: [reader], validUntil: 2099-01-01T00:00:00Z")
    look = await database.connect()
    assert await refused(look, 'ALTER ROLE "app_owner" VALID UNTIL NULL') == "42601"
    read = "SELECT rolvaliduntil::text FROM pg_roles WHERE rolname = 'pilot'"
    await applied(database, until, passwords=PASSWORDS)
    assert (await look.fetchval(read)).startswith("2099")
    await applied(database, PILOT, 2, passwords=PASSWORDS)
    assert await look.fetchval(read) == "infinity"
    assert await is_settled(database, PILOT, 2, passwords=PASSWORDS)


@pytest.mark.fact("PG-ROLE-9")
async def test_the_server_takes_a_malformed_verifier_for_a_clear_password(
    database: Database,
) -> None:
    """So it is taken apart before it is sent; see the tests of the canary for a push."""
    malformed = "SCRAM-SHA-256$4096:not-whole"
    await database.execute(f"CREATE ROLE careless LOGIN PASSWORD '{malformed}'")
    await (await database.server.connect("postgres", "careless", malformed)).close()
    with pytest.raises(scram.VerifierMalformed):
        scram.parse(malformed)


@pytest.mark.fact("PG-ROLE-10")
@pytest.mark.rule("9")
@pytest.mark.every_version
async def test_the_admin_over_what_it_made_is_no_drift(database: Database) -> None:
    """An admin with CREATEROLE makes roles; from 16 it then holds ADMIN over them."""
    await demote(database)
    assert all_ready(await applied(database, "Role/plain: {database: mydb}"))
    look = await database.connect()
    held = await look.fetchval(
        "SELECT count(*) FROM pg_auth_members WHERE admin_option"
        " AND roleid = 'plain'::regrole AND member = '\"my-admin\"'::regrole"
    )
    assert held == (1 if database.server.version >= 16 else 0)
    assert await is_settled(database, "Role/plain: {database: mydb}")


@pytest.mark.fact("PG-ROLE-11")
@pytest.mark.rule("12")
@pytest.mark.versions(14, 15, 16, 18)
async def test_a_built_in_group_is_given_only_when_it_is_allowed(database: Database) -> None:
    """Before 16 the server itself would let any CREATEROLE do it."""
    await demote(database)
    group = "pg_execute_server_program"
    look = await database.connect()
    await look.execute("CREATE ROLE other")
    said = await refused(look, f"GRANT {group} TO other")
    assert said == ("" if database.server.version < 16 else "42501")
    wish = f"Role/runner: {{database: mydb, memberOf: [{{role: {group}}}]}}"
    report = await applied(database, wish)
    assert outcome(report, "Role/runner").reason == "NotAllowed"
    assert not await look.fetchval(
        f"SELECT count(*) FROM pg_auth_members WHERE roleid = '{group}'::regrole"
        " AND member::regrole::text = 'runner'"
    )


@pytest.mark.fact("PG-ROLE-12")
@pytest.mark.rule("9")
@pytest.mark.found("E214")
@pytest.mark.parametrize("name", ["rds_superuser", "azure_pg_admin", "neon_superuser"])
@pytest.mark.versions(18)
async def test_a_providers_role_is_never_managed(database: Database, name: str) -> None:
    await database.execute(f"CREATE ROLE {name} CREATEDB")
    wish = f"Role/mine: {{database: mydb, roleName: {name}, adopt: true}}"
    report = await applied(database, wish)
    assert outcome(report, "Role/mine").state == "Stalled"
    assert report.results == ()
    look = await database.connect()
    assert await look.fetchval(f"SELECT rolcreatedb FROM pg_roles WHERE rolname = '{name}'")


@pytest.mark.fact("PG-ROLE-13")
@pytest.mark.rule("14")
@pytest.mark.every_version
async def test_the_options_of_a_membership_are_those_that_the_server_has(
    database: Database,
) -> None:
    crew = """
Role/crew: {database: mydb}
User/pilot: {database: mydb, memberOf: [{role: crew, admin: true, inherit: false, set: false}]}
"""
    await applied(database, crew)
    look = await database.connect()
    row = await look.fetchrow(
        "SELECT * FROM pg_auth_members AS m WHERE roleid = 'crew'::regrole"
        " AND member = 'pilot'::regrole"
    )
    assert row is not None
    assert row["admin_option"]
    if database.server.version >= 16:
        assert (row["inherit_option"], row["set_option"]) == (False, False)
    assert await is_settled(database, crew)


@pytest.mark.fact("PG-ROLE-14")
@pytest.mark.rule("8")
@pytest.mark.versions(16, 17, 18)
async def test_a_membership_from_several_grantors_is_taken_from_each(database: Database) -> None:
    await applied(database, PILOT, passwords=PASSWORDS)
    look = await database.connect()
    count = (
        "SELECT count(*) FROM pg_auth_members WHERE roleid = 'reader'::regrole"
        " AND member = 'stranger'::regrole"
    )
    await look.execute(
        "CREATE ROLE one; CREATE ROLE two; CREATE ROLE stranger;"
        "GRANT reader TO one, two WITH ADMIN OPTION; GRANT reader TO stranger;"
        "GRANT reader TO stranger GRANTED BY one; GRANT reader TO stranger GRANTED BY two"
    )
    await look.execute("REVOKE reader FROM stranger GRANTED BY one")
    assert await look.fetchval(count) == 2
    await applied(database, PILOT, passwords=PASSWORDS)
    assert await look.fetchval(count) == 0
    assert await is_settled(database, PILOT, passwords=PASSWORDS)


@pytest.mark.fact("PG-ROLE-15")
@pytest.mark.rule("27")
async def test_what_a_leaving_role_gave_to_others_stays_with_them(database: Database) -> None:
    lender = READER.replace("[SELECT]}", "[SELECT], withGrantOption: true}")
    await applied(database, lender)
    look = await database.connect()
    await look.execute(
        "CREATE ROLE stranger; SET ROLE reader; GRANT SELECT ON schema1.flights TO stranger;"
        " RESET ROLE"
    )
    may = "SELECT has_table_privilege('stranger', 'schema1.flights', 'SELECT')"
    await look.execute("BEGIN; DROP OWNED BY reader CASCADE")
    assert not await look.fetchval(may)
    await look.execute("ROLLBACK")
    await applied(database, "{}", 2)
    assert not await look.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = 'reader'")
    assert await look.fetchval(may)


@pytest.mark.fact("PG-ROLE-16")
@pytest.mark.every_version
async def test_a_membership_whose_role_is_gone_stops_no_pass(database: Database) -> None:
    """Where the server keeps such a row, it names nobody."""
    await applied(database, READER)
    await database.execute("CREATE ROLE ghost")
    dropping, granting = await database.connect(), await database.connect()
    await dropping.execute("BEGIN; DROP ROLE ghost")
    await granting.execute("SET lock_timeout = '2s'")
    grant = asyncio.create_task(refused(granting, "GRANT reader TO ghost"))
    await asyncio.wait({grant}, timeout=0.5)
    await dropping.execute("COMMIT")
    said = await grant
    orphans = await dropping.fetchval(
        "SELECT count(*) FROM pg_auth_members AS m"
        " WHERE NOT EXISTS (SELECT FROM pg_authid AS a WHERE a.oid = m.member)"
    )
    assert orphans == 1 or said, "neither an orphan nor a refusal"
    assert all_ready(await applied(database, READER))
    assert await is_settled(database, READER)
    await dropping.execute(
        "DELETE FROM pg_auth_members AS m"
        " WHERE NOT EXISTS (SELECT FROM pg_authid AS a WHERE a.oid = m.member)"
    )


@pytest.mark.fact("PG-ROLE-17")
@pytest.mark.rule("24", "27")
async def test_a_session_in_set_role_reads_on_until_its_user_is_deleted(
    database: Database,
) -> None:
    another = "User/another: {roles: [reader]}\n"
    await applied(database, PILOT + another, passwords=PASSWORDS)
    session = await database.connect("pilot", "the pilot's")
    await session.execute("SET ROLE reader")
    await database.execute("REVOKE reader FROM pilot")
    assert await refused(session, "SELECT FROM schema1.flights") == ""
    report = await applied(database, READER + another, 2)
    assert report.brake is None
    assert await _is_over(session)


@pytest.mark.fact("PG-ROLE-18")
@pytest.mark.rule("24")
async def test_an_admin_that_may_grant_a_role_ends_its_sessions_without_pg_signal_backend(
    database: Database,
) -> None:
    """It is a member for the signal alone; who may not even that is told the way out, elsewhere."""
    await demote(database)
    user = "User/pilot: {database: mydb, passwordSecretRef: {name: s, key: pilot}}"
    assert all_ready(await applied(database, user, passwords=PASSWORDS))
    session = await database.connect("pilot", "the pilot's")
    ended = user.replace("{database: mydb", "{database: mydb, enabled: false")
    report = await applied(database, ended, 2, passwords=PASSWORDS)
    assert all(result.done for result in report.results)
    assert await _is_over(session)
    look = await database.connect()
    assert not await look.fetchval("SELECT pg_has_role('my-admin', 'pg_signal_backend', 'MEMBER')")


@pytest.mark.fact("PG-ROLE-19")
@pytest.mark.rule("21")
async def test_an_owners_objects_are_reached_by_a_member_of_the_owner(database: Database) -> None:
    await demote(database)
    report = await applied(database, READER)
    assert outcome(report, "Role/reader").reason == "NotManageable"
    bootstrap = await database.server.connect("postgres", "postgres")
    await bootstrap.execute('GRANT app_owner TO "my-admin"')
    await bootstrap.close()
    assert all_ready(await applied(database, READER))
    look = await database.connect()
    assert await look.fetchval("SELECT has_table_privilege('reader', 'schema1.flights', 'SELECT')")


@pytest.mark.fact("PG-ROLE-21")
@pytest.mark.rule("8")
async def test_a_role_that_is_set_at_login_without_the_membership_does_nothing(
    database: Database,
) -> None:
    """Only a warning at login; the setting is spurious and is taken back."""
    await applied(database, PILOT, passwords=PASSWORDS)
    look = await database.connect()
    await look.execute("CREATE ROLE boss; ALTER ROLE pilot SET role = 'boss'")
    session = await database.connect("pilot", "the pilot's")
    assert await session.fetchval("SELECT current_user") == "pilot"
    await applied(database, PILOT, passwords=PASSWORDS)
    assert not await look.fetchval(
        "SELECT count(*) FROM pg_db_role_setting WHERE setrole = 'pilot'::regrole"
    )


@pytest.mark.fact("PG-WATCH-6")
@pytest.mark.rule("6")
async def test_a_strangers_advisory_lock_stops_no_pass(database: Database, tmp_path: Path) -> None:
    """Who takes every key that is left stops nobody, and nobody new believes the place."""
    settings = settings_for(database)
    async with running(settings, tmp_path) as regent:
        await regent.push(state(READER))
        await regent.settled(1)
        await database.execute(
            "CREATE ROLE stranger LOGIN PASSWORD 'x';"
            " GRANT CONNECT ON DATABASE postgregent TO stranger"
        )
        stranger = await database.server.connect("postgregent", "stranger", "x")
        taken = [
            await stranger.fetchval("SELECT pg_try_advisory_lock($1)", key)
            for key in _keys("database mydb")
        ]
        assert any(taken)
        admin = await database.connect()
        await admin.execute("REVOKE SELECT ON schema1.flights FROM reader")

        async def it_is_given_back() -> bool:
            may: bool = await admin.fetchval(
                "SELECT has_table_privilege('reader', 'schema1.flights', 'SELECT')"
            )
            return may

        await eventually(it_is_given_back)
        with pytest.raises(HomeDatabaseUnsafe, match="stranger"):
            await applied(database, READER)
        await stranger.close()


@pytest.mark.fact("PG-ROLE-20")
@pytest.mark.rule("19")
@pytest.mark.versions(18)
async def test_one_password_has_a_salt_for_every_role_and_server(
    database: Database, launch_server: Callable[..., PostgresServer], tmp_path: Path
) -> None:
    """And keeps it: the same password is never written again."""
    directory = tmp_path / "manifests"
    shutil.copytree(FLIGHTS, directory, ignore=shutil.ignore_patterns("*.sql", "*.md"))
    secrets = directory / "secrets.yaml"
    secrets.write_text(re.sub(r"demo-only-[\w-]+", "the-same", secrets.read_text()))
    salts: list[str] = []
    async with flights(launch_server()) as elsewhere:
        for one in (database, elsewhere):
            request = Request(directory, dsn=one.dsn())
            declared = await declare(request)
            assert not [r for r in (await apply_once(declared.settings, declared.state)).results
                        if not r.done]  # fmt: skip
            look = await one.connect()
            for user in ("summer-intern-2", "flights-admin"):
                await (await one.connect(user, "the-same")).close()
                verifier = await look.fetchval(
                    "SELECT rolpassword FROM pg_authid WHERE rolname = $1", user
                )
                salts.append(verifier.split("$")[1])
            again = await declare(request)
            assert (await apply_once(again.settings, again.state)).results == ()
    assert len(set(salts)) == 4, "two verifiers share a salt"
