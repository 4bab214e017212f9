"""What falls with the grant option of whoever gave it: PUBLIC is seen and told of it (rule 11)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.test_shut_out import BEFORE, CLOSED, MAY, OPEN, regent
from tests.integration.facts.once import applied, demote, is_settled, outcome
from tests.integration.test_pauses import call, pause
from tests.postgres.database import Database

SPEAKER = "Role/everybody: {database: mydb, public: true}\n"
TEXT = f"""
Permission/c: {{database: mydb, actions: [CONNECT]}}
{SPEAKER}User/ann: {{database: mydb, permissions: [c]}}
"""
BY_ANN = """
    GRANT CONNECT ON DATABASE mydb TO ann WITH GRANT OPTION;
    SET ROLE ann; GRANT CONNECT ON DATABASE mydb TO PUBLIC; RESET ROLE;
    REVOKE CONNECT ON DATABASE mydb FROM PUBLIC
"""
GRANTORS = (
    "SELECT array_agg(DISTINCT x.grantor::regrole::text) FROM pg_database AS o,"
    " aclexplode(o.datacl) AS x"
    " WHERE x.grantee = 0 AND x.privilege_type = 'CONNECT' AND o.datname = 'mydb'"
)


@pytest.mark.rule("11")
@pytest.mark.found("E277")
@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
@pytest.mark.parametrize("leaves", [False, True])
async def test_a_stranger_with_a_session_keeps_what_public_has_by_who_loses_the_grant_option(
    database: Database, leaves: bool
) -> None:
    """Seen: the option went with CASCADE, he was shut out, and all was Ready."""
    await applied(database, TEXT.replace(SPEAKER, ""), regent=regent(publicPrivileges={}))
    await database.execute(f"CREATE ROLE stranger LOGIN PASSWORD 'x'; {BY_ANN}")
    theirs = await database.connect("stranger", "x")
    look = await database.connect()
    text = TEXT.replace("User/ann: {database: mydb, permissions: [c]}\n", "") if leaves else TEXT
    report = await applied(database, text, revision=2, regent=regent())
    assert await look.fetchval(MAY, "stranger")
    assert await look.fetchval(GRANTORS) == ["app_owner"]
    said = outcome(report, "Role/everybody")
    assert said.reason == "NotTakenAway"
    assert "'stranger'" in said.message
    await theirs.close()
    report = await applied(database, text, revision=3, regent=regent())
    assert not await look.fetchval(OPEN)
    assert outcome(report, "Role/everybody").is_ready


@pytest.mark.rule("11", "26")
@pytest.mark.found("E277")
async def test_a_paused_user_keeps_what_public_has_by_who_loses_the_grant_option(
    database: Database,
) -> None:
    """What he is to connect by waits for the end of the pause."""
    text = CLOSED % "permissions: [c]" + "User/zoe: {database: mydb, permissions: [c]}\n"
    zoe = "Permission/c: {database: mydb, actions: [CONNECT]}\n" + text.splitlines()[-1] + "\n"
    await applied(database, BEFORE + zoe, regent=regent(publicPrivileges={}))
    await database.execute(f"ALTER ROLE ann LOGIN; {BY_ANN.replace('ann', 'zoe')}")
    await pause(database, "ann")
    report = await applied(database, text, revision=2, regent=regent())
    look = await database.connect()
    assert await look.fetchval(MAY, "ann")
    assert "'ann'" in outcome(report, "Role/everybody").message
    await call(database, "resume('ann')")
    await applied(database, text, revision=3, regent=regent())
    assert (await look.fetchval(MAY, "ann"), await look.fetchval(OPEN)) == (True, False)


@pytest.mark.rule("11", "29")
@pytest.mark.found("E278")
@pytest.mark.parametrize("speaks", [True, False])
async def test_what_public_keeps_as_its_grantor_cannot_be_revoked_from_is_told_to_both(
    database: Database, speaks: bool
) -> None:
    """Seen: only the grantor was told; the Role that speaks for PUBLIC was Ready."""
    await applied(database, TEXT.replace(SPEAKER, ""), regent=regent(publicPrivileges={}))
    await database.execute(BY_ANN)
    await demote(database)
    text = TEXT if speaks else TEXT.replace(SPEAKER, "")
    for revision in (2, 3):
        report = await applied(database, text, revision=revision, regent=regent())
    assert outcome(report, "User/ann").reason == "NotManageable"
    if speaks:
        assert outcome(report, "Role/everybody").reason == "NotManageable"
    else:
        assert any("CONNECT" in said and "ann" in said for said in report.notes)


ON = """
    ALTER FUNCTION schema1.flight_count() OWNER TO app_owner;
    GRANT USAGE ON SCHEMA schema1 TO ann;
    GRANT {what} TO ann WITH GRANT OPTION;
    SET ROLE ann; GRANT {given} TO {to}; RESET ROLE;
    REVOKE {given} FROM PUBLIC
"""
EXECUTE = "EXECUTE ON FUNCTION schema1.flight_count()"
SELECT = "SELECT ON schema1.flights"
COLUMN = "SELECT (flight_id) ON schema1.flights"
CONNECT = "CONNECT ON DATABASE mydb"


@pytest.mark.rule("11", "29")
@pytest.mark.found("E278")
@pytest.mark.parametrize(
    ("what", "given", "to"),
    [
        (EXECUTE, EXECUTE, "PUBLIC"),
        (SELECT, COLUMN, "PUBLIC"),
        (SELECT, SELECT, "bob"),
        (SELECT, COLUMN, "bob"),
    ],
)
async def test_who_keeps_what_another_gave_is_not_ready(
    database: Database, what: str, given: str, to: str
) -> None:
    """What bob and PUBLIC have by ann goes with her grant option, which is not ours to take."""
    text = SPEAKER + "User/ann: {database: mydb}\nUser/bob: {database: mydb}\n"
    rights = dict.fromkeys(("execute", "other"), "Declared")
    await applied(database, text, regent=OFF | {"publicPrivileges": rights})
    await database.execute(ON.format(what=what, given=given, to=to))
    await demote(database)
    for revision in (2, 3):
        report = await applied(
            database, text, revision=revision, regent=OFF | {"publicPrivileges": rights}
        )
    keeps = "Role/everybody" if to == "PUBLIC" else "User/bob"
    assert outcome(report, "User/ann").reason == "NotManageable"
    assert outcome(report, keeps).reason == "NotManageable"


OFF: dict[str, Any] = {"brake": {"mode": "Disabled"}}


@pytest.mark.rule("11", "20")
@pytest.mark.found("E323", "E327")
@pytest.mark.parametrize(
    ("what", "given", "lost"),
    [
        (SELECT, SELECT, ("public", "TABLE", "SELECT", "mydb.schema1.flights by ann")),
        (SELECT, COLUMN, ("public", "COLUMN", "SELECT", "mydb.schema1.flights.flight_id by ann")),
        (CONNECT, CONNECT, ("public", "DATABASE", "CONNECT", "mydb.mydb by ann")),
    ],
)
async def test_what_public_loses_with_a_grant_option_counts_for_the_brake(
    database: Database, what: str, given: str, lost: tuple[str, ...]
) -> None:
    """Seen: PUBLIC lost it with CASCADE, as nothing of it was counted. What else ann has goes."""
    text = SPEAKER + "User/ann: {database: mydb}\n"
    pulled = {"brake": {"minimum": 1, "percent": 1}}
    rights = {"other": "Declared", "connect": "Declared"}
    await applied(database, text, regent=pulled | {"publicPrivileges": {}})
    await database.execute(ON.format(what=what, given=given, to="PUBLIC"))
    await database.execute("GRANT INSERT ON schema1.flights TO ann")
    newly = pulled | {"publicPrivileges": rights}
    report = await applied(database, text, revision=2, regent=newly)
    assert lost in report.withheld_atoms
    look = await database.connect()
    asked = "SELECT has_table_privilege('ann', 'schema1.flights', 'INSERT')"
    assert not await look.fetchval(asked)
    assert not any(role == "ann" for role, *_ in report.withheld_atoms), "that is drift"
    assert report.brake is not None
    assert "of PUBLIC: " in report.brake.message
    report = await applied(database, text, revision=2, release=report.brake.digest, regent=newly)
    assert not report.withheld_atoms
    assert await is_settled(database, text, revision=2, regent=newly)
