"""Undeclared roles that would be spared by Disable, or keep it from being undone (rule 11)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cli.apply import NOT_READY, Given, _status
from controller.regents.outcome import regent_outcome
from regent.changes import AlterRole, Effect, RevokeMembership
from regent.contention.tally import TIMES, Tally
from regent.home.moved import HomeDatabaseMoved
from regent.one_shot import apply_once
from regent.report.contended import corrections, with_contended
from regent.uninstall import uninstall
from shared.http import StatusBody
from shared.keys import ResourceKey
from shared.outcomes import Actor, Outcome, State
from tests.daemons import Regent, running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.integration.facts.once import demote
from tests.postgres.database import Database
from tests.settings import settings_for

pytestmark = pytest.mark.rule("11")
MAY_LOG_IN = "SELECT rolcanlogin FROM pg_roles WHERE rolname = $1"
DISABLE = {
    "unmanagedRoles": "Disable",
    "ignoreRoles": ["app_owner"],
    "brake": {"mode": "Disabled"},
    "resyncSeconds": 5,
}


@asynccontextmanager
async def disabling(database: Database, folder: Path) -> AsyncIterator[Regent]:
    """A Regent that disables whoever nobody declares."""
    async with running(settings_for(database), folder) as regent:
        await regent.push(state(REFERENCE, regent=DISABLE))
        await regent.settled(1)
        yield regent


async def may_log_in(database: Database, role: str) -> bool:
    look = await database.server.connect()
    try:
        return bool(await look.fetchval(MAY_LOG_IN, role))
    finally:
        await look.close()


async def put_out(database: Database, role: str) -> None:
    """Wait until it may not log in."""

    async def is_out() -> bool:
        return not await may_log_in(database, role)

    await eventually(is_out)


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_names_of_providers_and_tools_spare_nobody_who_only_took_them(
    database: Database, tmp_path: Path
) -> None:
    """Whoever may create roles may take such a name; what makes it real a superuser gives."""
    await database.execute("CREATE ROLE mallory LOGIN CREATEROLE PASSWORD 'm'")
    mallory = await database.connect("mallory", "m")
    for name in ("rdsadmin", "streaming_replica", "cnpg_pooler_pgbouncer"):
        await mallory.execute(f"CREATE ROLE {name} LOGIN")
    await database.execute(
        "CREATE ROLE replicator LOGIN REPLICATION; CREATE ROLE rewind_user LOGIN"
    )
    async with disabling(database, tmp_path) as regent:
        for name in ("rdsadmin", "streaming_replica", "cnpg_pooler_pgbouncer"):
            await put_out(database, name)
        # The twins: a tool that is really there, and an administrator who is connected.
        assert await may_log_in(database, "rewind_user")
        assert await may_log_in(database, "replicator")
        assert await may_log_in(database, "mallory")
        await mallory.execute("CREATE ROLE _crunchyrepl LOGIN")
        await regent.drifts(1)
        await put_out(database, "_crunchyrepl")
        await mallory.close()
        await regent.ask("POST", "/v1/reconcile")
        await put_out(database, "mallory")


@pytest.mark.versions(16, 18)
async def test_a_subscription_that_its_owner_makes_spares_him_not_while_it_is_not_enabled(
    database: Database, tmp_path: Path
) -> None:
    await database.execute(
        "CREATE ROLE eve LOGIN PASSWORD 'eve'; GRANT pg_create_subscription TO eve;"
        "GRANT CREATE ON DATABASE mydb TO eve"
    )
    eve = await database.connect("eve", "eve")
    await eve.execute(
        "CREATE SUBSCRIPTION spare_me CONNECTION 'host=127.0.0.1 port=1 password=x dbname=x'"
        " PUBLICATION p WITH (connect = false)"
    )
    try:
        async with disabling(database, tmp_path):
            await put_out(database, "eve")
    finally:
        await database.execute(
            "ALTER SUBSCRIPTION spare_me SET (slot_name = NONE); DROP SUBSCRIPTION spare_me"
        )


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_whoever_is_disabled_comes_back_by_no_session_no_friend_and_no_declaration(
    database: Database, tmp_path: Path
) -> None:
    """A friend with CREATEROLE gives LOGIN and a membership; a resource names the role."""
    await database.execute(
        "CREATE ROLE dba LOGIN CREATEROLE PASSWORD 'd'; CREATE ROLE eve LOGIN PASSWORD 'eve'"
    )
    if database.server.version >= 16:
        await database.execute("GRANT eve TO dba WITH ADMIN TRUE")
    friend = await database.connect("dba", "d")
    eve = await database.connect("eve", "eve")
    await eve.execute("NOTIFY postgregent; NOTIFY postgregent_change")
    async with disabling(database, tmp_path) as regent:
        assert not await may_log_in(database, "eve")
        await friend.execute("ALTER ROLE eve LOGIN PASSWORD 'new'")
        await regent.drifts(1)
        await put_out(database, "eve")
        # A User of another team that is refused: it keeps nobody disabled from being so.
        text = f"{REFERENCE}\nUser/eve: {{database: mydb}}"
        await regent.push(state(text, regent=DISABLE, revision=2))
        await regent.settled(2)
        assert not await may_log_in(database, "eve")


@pytest.mark.versions(18)
async def test_another_role_of_the_name_gets_no_login_by_the_undoing(
    database: Database, tmp_path: Path
) -> None:
    """It is the role that gets it back, by whatever name, and not the name."""
    await database.execute("CREATE ROLE eve LOGIN; CREATE ROLE bob LOGIN")
    async with disabling(database, tmp_path) as regent:
        await put_out(database, "eve")
        await database.execute(
            "DROP ROLE eve; CREATE ROLE eve NOLOGIN; ALTER ROLE bob RENAME TO robert"
        )
        await regent.push(state(REFERENCE, regent={"unmanagedRoles": "Ignore"}, revision=2))
        await regent.settled(2)
    assert not await may_log_in(database, "eve")
    assert await may_log_in(database, "robert")


@pytest.mark.found("E230")
@pytest.mark.parametrize("home", ["home_b", "postgregent"])
async def test_nobody_is_disabled_who_may_be_managed_from_another_home_database(
    database: Database, home: str
) -> None:
    """Seen: LOGIN flipped 90 times a minute without end. The twin shares its home: eve is out."""
    await database.execute("CREATE ROLE eve LOGIN")
    theirs = state("User/bob: {database: mydb}", regent={"homeDatabase": home})
    named = theirs.regent.model_copy(update={"name": "theirs"})
    settings = settings_for(database, name="theirs").model_copy(update={"home_database": home})
    await apply_once(settings, theirs.model_copy(update={"regent": named}))
    report = await apply_once(settings_for(database), state(REFERENCE, regent=DISABLE))
    assert await may_log_in(database, "bob")
    is_other = home == "home_b"
    assert await may_log_in(database, "eve") == is_other
    assert any("home_b" in note and "uninstall" in note for note in report.notes) == is_other


@pytest.mark.found("E230", "E325")
@pytest.mark.parametrize(("state", "before"), [("Ready", "Applied"), ("Reconciling", "Paused")])
def test_whoever_is_put_out_again_and_again_is_not_as_declared(state: State, before: str) -> None:
    """The twin: what others undo of a privilege is a note on what is as declared otherwise.

    A pause of another role, which ends by itself, is a note then.
    """
    key = "User/default/bob"
    seen = {key: Outcome(resource=key, generation=1, state=state, reason=before, message="why")}
    let_in, holder = AlterRole("bob", Effect.OPEN, login=True), ResourceKey.parse(key)
    revoked = RevokeMembership("g", "bob", "admin", causes=(holder,))
    tally, actor = Tally(), Actor(certainty="Unknown", why_not="nobody saw it")
    for change, reason in ((revoked, before), (let_in, "Contended")):
        for now in range(TIMES):
            tally.note(corrections(change, actor, (key,)), now)
        (said,) = with_contended(seen, tally.contended(TIMES)).values()
        assert said.reason == reason
        assert said.is_ready == (reason == "Applied")
        assert any("Contended" in note for note in said.notes)
    assert ("why" in said.notes) is (before == "Paused")


@pytest.mark.found("E231")
async def test_another_home_database_does_not_make_a_regent_forget_whom_it_disabled(
    database: Database,
) -> None:
    """Seen: who was disabled had no LOGIN for ever, in no list; the twin moves it as it is told."""
    await database.execute("CREATE ROLE eve LOGIN")
    settings = settings_for(database)
    moved = settings.model_copy(update={"home_database": "elsewhere"})
    await apply_once(settings, state(REFERENCE, regent=DISABLE))
    assert not await may_log_in(database, "eve")
    there = state(REFERENCE, regent={**DISABLE, "homeDatabase": "elsewhere"}, revision=2)
    with pytest.raises(HomeDatabaseMoved, match="uninstall"):
        await apply_once(moved, there)
    back = await apply_once(settings, state(REFERENCE, regent=DISABLE, revision=3))
    assert not any("waits" in note or "elsewhere" in note for note in back.notes)
    await uninstall(settings)
    assert await may_log_in(database, "eve")
    assert (await apply_once(moved, there)).restraint is None


@pytest.mark.found("E233")
@pytest.mark.versions(18)
async def test_whoever_cannot_be_disabled_is_told_with_a_way_out_and_is_no_success(
    database: Database,
) -> None:
    """Seen: exit 0, and Ready. The twin: with the right that it names the next look disables."""
    await demote(database)
    await database.execute("CREATE ROLE lone LOGIN", "postgres")
    declared = state(REFERENCE, regent=DISABLE)
    report = await apply_once(settings_for(database), declared)
    assert await may_log_in(database, "lone")
    assert 'Run GRANT "lone" TO "my-admin" WITH ADMIN TRUE;' in report.not_disabled["lone"]
    assert _status(report, report.outcomes, Given()) == NOT_READY
    seen = StatusBody.model_validate(
        {
            "sequence": 1,
            "looked": True,
            "acceptedRevision": 1,
            "appliedRevision": 1,
            "detector": {"mode": "Triggers", "healthy": True},
            "unmanaged": report.unmanaged,
        }
    )
    said = regent_outcome(ResourceKey("Regent", "default", "my-regent"), 1, seen, None)
    assert (said.state, said.reason) == ("Stalled", "NotManageable")
    assert "lone" in said.message
    await database.execute('GRANT lone TO "my-admin" WITH ADMIN OPTION', "postgres")
    again = await apply_once(settings_for(database), declared)
    assert not await may_log_in(database, "lone")
    assert not again.not_disabled


@pytest.mark.found("E234")
async def test_nobody_is_spared_by_a_renamed_from_that_names_him(database: Database) -> None:
    """The twin: a managed role that is to be renamed goes on, under whatever name."""
    await database.execute("CREATE ROLE evil LOGIN")
    settings = settings_for(database)
    await apply_once(settings, state(REFERENCE + "User/old: {database: mydb}\n", regent=DISABLE))
    await database.execute("ALTER ROLE evil LOGIN")
    more = (
        "User/old: {database: mydb}\nUser/new: {database: mydb, renamedFrom: old}\n"
        "User/x: {database: mydb, renamedFrom: evil}\n"
    )
    report = await apply_once(settings, state(REFERENCE + more, regent=DISABLE, revision=2))
    assert not await may_log_in(database, "evil")
    assert await may_log_in(database, "old")
    assert report.unmanaged is not None
    assert not any(role.name == "old" for role in report.unmanaged.roles)
