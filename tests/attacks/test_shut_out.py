"""PUBLIC's CONNECT stays until who is to have one of his own has it (rule 11)."""

from __future__ import annotations

from typing import Any

import pytest

from shared.state import Trouble
from tests.integration.facts.once import applied, demote, is_settled, outcome
from tests.integration.test_pauses import call, pause
from tests.postgres.database import Database

MAY = "SELECT has_database_privilege($1, 'mydb', 'CONNECT')"
OPEN = (
    "SELECT EXISTS (SELECT FROM pg_database AS o,"
    " aclexplode(coalesce(o.datacl, acldefault('d', o.datdba))) AS x"
    " WHERE x.grantee = 0 AND x.privilege_type = 'CONNECT' AND o.datname = 'mydb')"
)
BEFORE = "User/ann: {database: mydb}\n"
CLOSED = """
Permission/c: {database: mydb, actions: [CONNECT]}
Role/everybody: {database: mydb, public: true}
Role/comers: {database: mydb, permissions: [c]}
User/bob: {database: mydb, roles: [comers]}
User/ann: {database: mydb, %s}
"""


def regent(**more: Any) -> dict[str, Any]:
    return {"brake": {"mode": "Disabled"}, "publicPrivileges": {"connect": "Declared"}, **more}


@pytest.mark.rule("11", "26")
@pytest.mark.found("E252")
@pytest.mark.parametrize("how", ["permissions: [c]", "roles: [comers]"])
async def test_a_paused_user_is_not_shut_out_before_he_has_what_is_declared(
    database: Database, how: str
) -> None:
    """He has no session at that moment; what he is to connect by waits for the end of the pause."""
    text = CLOSED % how
    await applied(database, BEFORE, regent=regent())
    await database.execute("GRANT CONNECT ON DATABASE mydb TO PUBLIC; ALTER ROLE ann LOGIN")
    await pause(database, "ann")
    report = await applied(database, text, revision=2, regent=regent())
    look = await database.connect()
    assert await look.fetchval(MAY, "ann")
    said = outcome(report, "Role/everybody")
    assert said.reason == "NotTakenAway"
    assert "'ann'" in said.message
    await call(database, "resume('ann')")
    report = await applied(database, text, revision=3, regent=regent())
    assert (await look.fetchval(MAY, "ann"), await look.fetchval(OPEN)) == (True, False)
    assert outcome(report, "Role/everybody").is_ready
    assert await is_settled(database, text, revision=3, regent=regent())


@pytest.mark.rule("3", "11")
@pytest.mark.found("E252")
async def test_a_user_whose_name_is_not_listed_any_more_is_not_shut_out(
    database: Database,
) -> None:
    """He keeps what he has, and PUBLIC's CONNECT is what he has."""
    await applied(database, BEFORE, regent=regent(publicPrivileges={}))
    await database.execute("ALTER ROLE ann LOGIN")
    narrow = regent(allow={"names": ["other", "comers", "bob"]})
    report = await applied(database, CLOSED % "permissions: [c]", revision=2, regent=narrow)
    look = await database.connect()
    assert await look.fetchval(MAY, "ann")
    assert outcome(report, "Role/everybody").reason == "NotTakenAway"


@pytest.mark.rule("11", "21")
@pytest.mark.found("E252")
async def test_who_is_to_join_and_is_refused_is_not_shut_out(database: Database) -> None:
    """The admin has no ADMIN over a group that it adopted; the second pass knows that."""
    await database.execute(
        "CREATE ROLE comers; GRANT CONNECT ON DATABASE mydb TO comers;"
        ' ALTER DATABASE mydb OWNER TO "my-admin"'
    )
    await applied(database, BEFORE, regent=regent(publicPrivileges={}))
    await database.execute("ALTER ROLE ann LOGIN")
    await demote(database)
    text = (CLOSED % "roles: [comers]").replace("[c]}", "[c], adopt: true}")
    report = await applied(database, text, revision=2, regent=regent())
    look = await database.connect()
    assert await look.fetchval(MAY, "ann"), report.outcomes


LINE = "Permission/c: {database: mydb, actions: [CONNECT]}\n"
ALLOW = {"actions": ["SELECT"], "names": ["ann"], "databases": ["mydb"]}


@pytest.mark.rule("11", "18")
@pytest.mark.found("E279")
@pytest.mark.parametrize("how", ["permissions: [c]", "roles: [comers]"])
@pytest.mark.parametrize("why", ["missing", "held", "not allowed", "whole"])
async def test_who_lists_what_cannot_be_given_is_not_shut_out(
    database: Database, how: str, why: str
) -> None:
    """He has no session at that moment, and what is broken takes nothing from anybody."""
    await applied(database, BEFORE, regent=regent(publicPrivileges={}))
    await database.execute("ALTER ROLE ann LOGIN")
    text = CLOSED % how
    more: dict[str, Any] = {}
    state: dict[str, Any] = {}
    if why in ("missing", "held"):
        text = text.replace(LINE, "")
    if why == "held":
        state = {"held": {"Permission/default/c": Trouble(reason="Invalid", message="x")}}
    if why == "not allowed":
        more = {"allow": {"actions": ["SELECT"]}}
    report = await applied(database, text, revision=2, regent=regent(**more), **state)
    look = await database.connect()
    assert await look.fetchval(MAY, "ann")
    assert await look.fetchval(OPEN) is (why != "whole")
    said = outcome(report, "Role/everybody")
    assert said.is_ready is (why == "whole")
    assert why == "whole" or "'ann'" in said.message


@pytest.mark.rule("10", "11")
@pytest.mark.found("E279")
async def test_a_user_whose_adoption_is_refused_is_not_shut_out(database: Database) -> None:
    """He goes on with the role that is there; deleted, he is nobody's any more."""
    await database.execute("CREATE ROLE ann LOGIN")
    text = CLOSED % "permissions: [c]"
    report = await applied(database, text, regent=regent())
    look = await database.connect()
    assert outcome(report, "User/ann").reason == "ExistsUnmanaged"
    assert await look.fetchval(MAY, "ann")
    assert "'ann'" in outcome(report, "Role/everybody").message
    gone = "".join(one for one in text.splitlines(keepends=True) if "User/ann" not in one)
    await applied(database, gone, revision=2, regent=regent())
    assert not await look.fetchval(OPEN)


@pytest.mark.rule("11", "12")
@pytest.mark.found("E279")
@pytest.mark.parametrize("what", ["lists a Permission that was deleted", "of another namespace"])
async def test_nobody_holds_a_database_open_by_what_is_not_for_him(
    database: Database, what: str
) -> None:
    """What was seen to be deleted gives nothing, nor what another namespace may not have."""
    speaker = "Role/everybody: {database: mydb, public: true}\n"
    more: dict[str, Any] = {}
    if what == "of another namespace":
        more = {"namespaces": {"other": 0}}
        spec = {"allowedNamespaces": [{"names": ["other"], "allow": ALLOW}]}
        asked = "User/other/ann: {database: mydb, permissions: [c]}\n" + LINE.replace(
            "/c", "/other/c"
        )
        first = asked
    else:
        spec, asked = {}, "User/ann: {database: mydb, permissions: [c]}\n"
        first = asked + LINE
    before = regent(publicPrivileges={}, **spec)
    await applied(database, first, regent=before, **more)
    await database.execute("ALTER ROLE ann LOGIN")
    for revision in (2, 3):
        now = regent(**spec)
        await applied(database, speaker + asked, revision=revision, regent=now, **more)
    assert not await (await database.connect()).fetchval(OPEN)
