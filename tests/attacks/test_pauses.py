"""Who may pause a role, and what a pause must never hold back (rule 26, ADR 45)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from shared.utc import utc
from tests.declared import REFERENCE
from tests.integration.facts.once import applied, outcome
from tests.integration.test_home import open_home
from tests.integration.test_pauses import call, pause
from tests.postgres.database import Database

pytestmark = [pytest.mark.rule("26"), pytest.mark.found("E207")]
MAY = "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'summer-intern-2'"
INTERN = "User/summer-intern-2: {roles: [mydb-viewer]}"


@pytest.mark.versions(18)
async def test_only_members_of_the_owner_role_may_pause(database: Database) -> None:
    """Even where somebody lets others connect: the functions are for its members alone."""
    await (await open_home(database.server)).close()
    await database.execute("CREATE ROLE mallory LOGIN PASSWORD 'x'")
    await database.execute("GRANT CONNECT ON DATABASE postgregent TO mallory")
    theirs = await database.server.connect("postgregent", "mallory", "x")
    try:
        for asked in ("pause('mallory', '1 hour', 'x')", "resume('mallory')"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await theirs.execute(f"SELECT postgregent.{asked}")
    finally:
        await theirs.close()


@pytest.mark.versions(18)
async def test_twin_a_member_may_and_is_recorded_as_the_session_user(database: Database) -> None:
    await (await open_home(database.server)).close()
    await database.execute("CREATE ROLE oncall LOGIN PASSWORD 'x'")
    await database.execute("GRANT postgregent_owner TO oncall", "postgres")
    theirs = await database.server.connect("postgregent", "oncall", "x")
    try:
        await theirs.execute("SET ROLE postgregent_owner")
        await theirs.execute("SELECT postgregent.pause('oncall', '7 days', 'x')")
        row = await theirs.fetchrow("SELECT * FROM postgregent.pauses")
    finally:
        await theirs.close()
    assert row is not None
    assert (row["role"], row["paused_by"], row["reason"]) == ("oncall", "oncall", "x")
    assert row["until"] - row["paused_at"] == timedelta(days=7)


@pytest.mark.found("E237")
@pytest.mark.versions(18)
async def test_twin_seven_days_are_as_long_where_the_clocks_change_meanwhile(
    database: Database,
) -> None:
    await (await open_home(database.server)).close()
    theirs = await database.server.connect("postgregent")
    try:
        day = (datetime.now(UTC) + timedelta(days=3)).timetuple().tm_yday
        # A zone that puts its clocks forward in three days.
        await theirs.execute(f"SET timezone = 'AAA0BBB,J{min(day, 365)},J{(day + 99) % 365 + 1}'")
        for asked in ("7 days", "168 hours"):
            await theirs.execute(f"SELECT postgregent.pause('my-admin', '{asked}', 'x')")
            row = await theirs.fetchrow("SELECT until - paused_at AS long FROM postgregent.pauses")
            assert row is not None
            assert row["long"] == timedelta(days=7)
    finally:
        await theirs.close()


@pytest.mark.found("E237")
@pytest.mark.versions(18)
async def test_what_cannot_be_paused_is_said_and_nothing_is_paused(database: Database) -> None:
    await (await open_home(database.server)).close()
    for asked, said in (
        ("'nobody-here', '1 hour', 'x'", "There is no role nobody-here"),
        ("NULL, '1 hour', 'x'", "There is no role NULL"),
        ("'my-admin', '7 days 1 second', 'x'", "A pause of 7 days 00:00:01 is not possible"),
        ("'my-admin', '0', 'x'", "A pause of 00:00:00"),
        ("'my-admin', '-1 day', 'x'", "A pause of -1 days"),
        ("'my-admin', NULL, 'x'", "A pause of NULL"),
        ("'my-admin', '1000 months -29993 days', 'x'", "A pause of 83 years"),
        ("'my-admin', '3000000 months -89999993 days', 'x'", "A pause of 250000 years"),
        ("'my-admin', '-1000 months 30007 days', 'x'", "A pause of -83 years"),
        ("'my-admin', '1 day -24 hours', 'x'", "A pause of 1 day -24:00:00"),
        ("'my-admin', '1 day -25 hours', 'x'", "A pause of 1 day -25:00:00"),
        ("'my-admin', '6 days 25 hours', 'x'", "A pause of 6 days 25:00:00"),
        ("'my-admin', '1 hour', ' '", "needs a reason"),
        ("'my-admin', '1 hour', NULL", "needs a reason"),
        ("'my-admin', '1 hour', E'x\\ny'", "needs a reason"),
        ("'my-admin', '1 hour', repeat('x', 201)", "needs a reason"),
    ):
        with pytest.raises(asyncpg.PostgresError, match=said):
            await call(database, f"pause({asked})")
    assert await call(database, "resume('my-admin')") is False


@pytest.mark.versions(18)
@pytest.mark.parametrize(
    "ended",
    [
        "User/summer-intern-2: {roles: [mydb-viewer], enabled: false}",
        "User/summer-intern-2: {roles: [mydb-viewer], validUntil: '2026-01-01T00:00:00Z'}",
        "",
    ],
)
async def test_the_end_of_an_access_is_never_held(database: Database, ended: str) -> None:
    """Whoever pauses the role of a leaver keeps neither LOGIN nor what he was given by hand."""
    await applied(database, REFERENCE)
    await pause(database, "summer-intern-2")
    await database.execute('GRANT DELETE ON schema1.flights TO "summer-intern-2"')
    await applied(database, REFERENCE.replace(INTERN, ended), revision=2)
    look = await database.connect()
    assert not await look.fetchval(MAY)
    if ended:
        report = await applied(database, REFERENCE.replace(INTERN, ended), revision=3)
        assert any("It holds nothing" in n for n in outcome(report, "User/summer-intern-2").notes)
        assert not await look.fetchval(
            "SELECT has_table_privilege('summer-intern-2', 'schema1.flights', 'DELETE')"
        )
    else:
        left = "SELECT count(*) FROM pg_roles WHERE rolname = 'summer-intern-2'"
        assert await look.fetchval(left) == 0


@pytest.mark.versions(18)
async def test_twin_nothing_else_of_it_is_done(database: Database) -> None:
    """It loses what Git takes, keeps what somebody gave it, and gets nothing."""
    await applied(database, REFERENCE)
    await pause(database, "summer-intern-2")
    await database.execute('GRANT DELETE ON schema1.flights TO "summer-intern-2"')
    other = REFERENCE.replace(INTERN, "User/summer-intern-2: {roles: [flights-admin]}")
    report = await applied(database, other, revision=2)
    assert outcome(report, "User/summer-intern-2").reason == "Paused"
    look = await database.connect()
    assert await look.fetchval(MAY)
    for group in ("mydb-viewer", "flights-admin"):
        asked = "SELECT pg_has_role('summer-intern-2', $1::name, 'MEMBER')"
        assert not await look.fetchval(asked, group)
    asked = "SELECT has_table_privilege('summer-intern-2', 'schema1.flights', 'DELETE')"
    assert await look.fetchval(asked)


@pytest.mark.parametrize("paused", ["summer-intern-2", "mydb-viewer"])
async def test_access_for_a_time_ends_in_time_though_either_role_is_paused(
    database: Database, paused: str
) -> None:
    """Its sessions end, too: one in SET ROLE would keep it."""
    one = "{role: mydb-viewer, reason: x, until: '%s'}"
    access = f"User/summer-intern-2: {{database: mydb, access: [{one}]}}"
    later = utc(datetime.now(UTC) + timedelta(hours=1))
    await applied(database, REFERENCE.replace(INTERN, access % later))
    await pause(database, paused)
    await database.execute("ALTER ROLE \"summer-intern-2\" PASSWORD 'x'")
    theirs = await database.connect("summer-intern-2", "x")
    past = REFERENCE.replace(INTERN, access % "2026-01-01T00:00:00Z")
    await applied(database, past, revision=2)
    look = await database.connect()
    assert not await look.fetchval("SELECT pg_has_role('summer-intern-2', 'mydb-viewer', 'MEMBER')")
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await theirs.execute("SELECT 1")


@pytest.mark.versions(18)
async def test_a_role_that_is_deleted_leaves_its_paused_members(database: Database) -> None:
    """The end of a group is an end of its members' access by it."""
    await applied(database, REFERENCE)
    await pause(database, "summer-intern-2")
    lines = REFERENCE.splitlines()
    without = "\n".join(line for line in lines if not line.startswith("Role/mydb-viewer"))
    await applied(database, without, revision=2, deleted=("Role/default/mydb-viewer",))
    look = await database.connect()
    assert not await look.fetchval(
        "SELECT EXISTS (SELECT FROM pg_auth_members AS m JOIN pg_roles AS r ON r.oid = m.member"
        " WHERE r.rolname = 'summer-intern-2')"
    )


USER = "User/flights-admin: {roles: [flights-admin]}"
LOGIN = "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'flights-admin'"


@pytest.mark.found("E270")
@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
@pytest.mark.parametrize(
    "spec", ["{roles: [mydb-viewer]}", "{roles: [flights-admin], userName: fa2, enabled: false}"]
)
async def test_who_leaves_the_role_of_its_name_is_out(database: Database, spec: str) -> None:
    await applied(database, REFERENCE)
    look = await database.connect()
    await pause(database, "flights-admin")
    assert await look.fetchval(LOGIN)
    await applied(database, REFERENCE.replace(USER, f"User/flights-admin: {spec}"), revision=2)
    assert not await look.fetchval(LOGIN)


@pytest.mark.found("E271")
@pytest.mark.versions(18)
@pytest.mark.parametrize("renamed", ["summer-intern-2", "mydb-viewer"])
async def test_a_role_renamed_by_hand_keeps_no_access_past_its_end(
    database: Database, renamed: str
) -> None:
    one = "{role: mydb-viewer, reason: x, until: '%s'}"
    access = f"User/summer-intern-2: {{database: mydb, access: [{one}]}}"
    later = utc(datetime.now(UTC) + timedelta(hours=1))
    await applied(database, REFERENCE.replace(INTERN, access % later))
    await pause(database, renamed)
    await database.execute(f'ALTER ROLE "{renamed}" RENAME TO moved')
    gone = REFERENCE.replace(INTERN, "User/summer-intern-2: {database: mydb}")
    await applied(database, gone, revision=2)
    look = await database.connect()
    asked = "SELECT pg_has_role('summer-intern-2', 'mydb-viewer', 'MEMBER')"
    assert not await look.fetchval(asked)


@pytest.mark.found("E275")
@pytest.mark.versions(18)
@pytest.mark.parametrize("damage", ["until = 'infinity'", "paused_at = '200000-01-01'"])
async def test_a_damaged_row_is_no_pause_and_stops_nothing(database: Database, damage: str) -> None:
    await applied(database, REFERENCE)
    await pause(database)
    home = await database.server.connect("postgregent")
    await home.execute(f"UPDATE postgregent.pauses SET {damage}")
    await home.close()
    await database.execute('GRANT DELETE ON schema1.flights TO "mydb-viewer"')
    await applied(database, REFERENCE, revision=2)
    look = await database.connect()
    asked = "SELECT has_table_privilege('mydb-viewer', 'schema1.flights', 'DELETE')"
    assert not await look.fetchval(asked)


@pytest.mark.found("E272")
@pytest.mark.versions(18)
async def test_code_as_a_superuser_is_not_kept_by_a_pause(database: Database) -> None:
    """The table becomes a superuser's: REFERENCES and TRIGGER are not given there (ADR 48)."""
    text = """
    Permission/ref: {database: mydb, schemas: [schema1], tables: [flights], actions: [SELECT, REFERENCES, TRIGGER]}
    Role/r: {database: mydb, permissions: [ref]}
    """  # noqa: E501 - one resource a line
    await applied(database, text)
    look = await database.connect()
    asked = "SELECT has_table_privilege('r', 'schema1.flights', $1)"
    assert await look.fetchval(asked, "REFERENCES")
    await pause(database, "r")
    await database.execute('ALTER TABLE schema1.flights OWNER TO "my-admin"')
    await applied(database, text, revision=2)
    assert not await look.fetchval(asked, "REFERENCES")
    assert not await look.fetchval(asked, "TRIGGER")
    assert await look.fetchval(asked, "SELECT")


TIGHT = "User/eve: {database: mydb, connectionLimit: %s, attributes: {inherit: %s}, validUntil: %s}"
LIMITS = "SELECT rolconnlimit, rolinherit, extract(year FROM rolvaliduntil)::int FROM pg_roles"


@pytest.mark.found("E320")
@pytest.mark.versions(18)
async def test_limits_that_git_tightens_are_not_held_and_those_set_by_hand_are(
    database: Database,
) -> None:
    """Ten connections, two by Git; then somebody lets it have fifty."""
    await applied(database, TIGHT % (10, "true", "2040-01-01T00:00:00Z"))
    await pause(database, "eve")
    tight = TIGHT % (2, "false", "2039-01-01T00:00:00Z")
    look = await database.connect()
    asked = f"{LIMITS} WHERE rolname = 'eve'"
    report = await applied(database, tight, revision=2)
    assert tuple(await look.fetchrow(asked) or ()) == (2, False, 2039)
    assert not report.paused[0].held
    await look.execute("ALTER ROLE eve CONNECTION LIMIT 50 INHERIT")
    for pushed in (tight, TIGHT % (1, "false", "2039-01-01T00:00:00Z")):
        report = await applied(database, pushed, revision=3)
        assert tuple(await look.fetchrow(asked) or ()) == (50, True, 2039)
        assert len(report.paused[0].held) == 1


@pytest.mark.found("E320")
@pytest.mark.versions(18)
async def test_an_option_of_a_membership_that_somebody_gave_by_hand_stays_and_git_takes_its_own(
    database: Database,
) -> None:
    text = "Role/g: {database: mydb}\nUser/eve: {database: mydb, memberOf: [{role: g, set: %s}]}"
    await applied(database, text % "false")
    look = await database.connect()
    by = await look.fetchval(
        "SELECT grantor::regrole::text FROM pg_auth_members"
        " WHERE roleid = 'g'::regrole AND member = 'eve'::regrole"
    )
    asked = "SELECT pg_has_role('eve', 'g', 'SET')"
    await pause(database, "eve")
    await look.execute(f"GRANT g TO eve WITH SET TRUE GRANTED BY {by}")
    report = await applied(database, text % "false", revision=2)
    assert await look.fetchval(asked)
    assert len(report.paused[0].held) == 1
    await call(database, "resume('eve')")
    await applied(database, text % "true", revision=3)
    await pause(database, "eve")
    await applied(database, text % "false", revision=4)
    assert not await look.fetchval(asked)


@pytest.mark.found("E321")
@pytest.mark.versions(18)
async def test_what_git_took_goes_though_the_role_was_paused_and_renamed_before_it_could(
    database: Database,
) -> None:
    """Somebody held the table; by its new name the role is another one to whoever goes by names."""
    read = "{database: mydb, schemas: [schema1], actions: [SELECT], tables: [flights]}"
    viewer = "Role/viewer: {database: mydb, %s}"
    await applied(database, f"Permission/r: {read}\n" + viewer % "permissions: [r]")
    theirs = await database.connect()
    await theirs.execute("BEGIN; LOCK TABLE schema1.flights")
    report = await applied(database, viewer % "", revision=2)
    assert outcome(report, "Role/viewer").reason == "Refused"
    await pause(database, "viewer")
    renamed = viewer % "roleName: seen"
    await applied(database, renamed, revision=3)
    await theirs.execute("COMMIT; GRANT DELETE ON schema1.flights TO seen")
    await applied(database, renamed, revision=4)
    asked = "SELECT has_table_privilege('seen', 'schema1.flights', $1)"
    assert not await theirs.fetchval(asked, "SELECT")
    assert await theirs.fetchval(asked, "DELETE"), "twin: what somebody gave by hand"


@pytest.mark.found("E379")
async def test_what_git_took_goes_though_what_it_is_on_was_renamed_before_it_could(
    database: Database,
) -> None:
    """Somebody held the table; then he renamed it, its schema, its column and its owner."""
    here = "database: mydb, schemas: [schema1]"
    text = (
        f"Permission/r: {{{here}, actions: [SELECT], tables: [flights]}}\n"
        f"Permission/u: {{{here}, actions: [UPDATE], tables: [flights], columns: [flight_id]}}\n"
        "Role/viewer: {database: mydb, permissions: [%s]}"
    )
    await applied(database, text % "r, u")
    theirs = await database.connect()
    await theirs.execute("BEGIN; LOCK TABLE schema1.flights")
    report = await applied(database, text % "", revision=2)
    assert outcome(report, "Role/viewer").reason == "Refused"
    await pause(database, "viewer")
    await theirs.execute(
        "COMMIT; ALTER TABLE schema1.flights RENAME COLUMN flight_id TO number;"
        " ALTER TABLE schema1.flights RENAME TO trips; ALTER SCHEMA schema1 RENAME TO moved;"
        " ALTER ROLE app_owner RENAME TO owner_of_apps; GRANT DELETE ON moved.trips TO viewer"
    )
    await applied(database, text % "", revision=3)
    asked = "SELECT has_table_privilege('viewer', 'moved.trips', $1)"
    assert not await theirs.fetchval(asked, "SELECT")
    column = "SELECT has_column_privilege('viewer', 'moved.trips', 'number', 'UPDATE')"
    assert not await theirs.fetchval(column)
    assert await theirs.fetchval(asked, "DELETE"), "twin: what somebody gave by hand"


@pytest.mark.found("E322")
@pytest.mark.versions(18)
async def test_a_group_whose_name_ends_like_an_option_is_no_other_group(
    database: Database,
) -> None:
    """Seen: a pause of `x` held in silence who had joined `x ADMIN`, and one of that did not."""
    text = "Role/x: {database: mydb}\nRole/y: {database: mydb, roleName: x ADMIN}\n"
    text += "User/eve: {database: mydb}"
    await applied(database, text)
    look = await database.connect()
    for paused, stays in (("x", False), ("x ADMIN", True)):
        await pause(database, paused)
        await look.execute('GRANT "x ADMIN" TO eve')
        await applied(database, text, revision=2)
        assert await look.fetchval("SELECT pg_has_role('eve', 'x ADMIN', 'MEMBER')") is stays
        await call(database, f"resume('{paused}')")


@pytest.mark.found("E380", "E381")
@pytest.mark.versions(18)
async def test_who_is_a_member_by_whom_loses_admin_stays_one_by_the_brake_or_a_declaration(
    database: Database,
) -> None:
    """One is paused and declared still; from ten others a push takes it at once."""
    poor = [f"poor{n}" for n in range(10)]
    text = "Role/team: {database: mydb}\nUser/lender: {database: mydb, memberOf: [{role: team}]}\n"
    text += "User/eve: {database: mydb, roles: [team]}\n"
    user = "User/%s: {database: mydb, memberOf: [%s]}\n"
    await applied(database, text + "".join(user % (one, "{role: team}") for one in poor))
    look = await database.connect()
    names = "SELECT member::regrole::text FROM pg_auth_members WHERE roleid = 'team'::regrole"
    await look.execute("GRANT team TO lender WITH ADMIN TRUE")
    for one in ("eve", *poor):
        await look.execute(f"GRANT team TO {one} GRANTED BY lender")
        await look.execute(f"REVOKE team FROM {one}")
    await pause(database, "eve")
    report = await applied(database, text + "".join(user % (one, "") for one in poor), revision=2)
    assert report.brake is not None
    assert {one.role for one in report.brake.losses} == set(poor)
    assert {row[0] for row in await look.fetch(names)} == {"lender", "eve", *poor}
    assert not await look.fetch(f"{names} AND admin_option AND member = 'lender'::regrole")
