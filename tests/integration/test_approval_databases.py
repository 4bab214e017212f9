"""A database that waits for approval: what happens in it is nobody's business yet (rule 20a)."""

from __future__ import annotations

from functools import partial

import pytest

from regent.detect.wake import Full, LocalEvents
from regent.engine import Engine
from regent.health.board import Board
from regent.health.metrics import Metrics
from regent.home.locks import LockHeld, RegentLock
from regent.one_shot import apply_once
from regent.service import Service
from regent.settings import connector_of
from shared.consent import Consent
from tests.declared import state
from tests.postgres.database import Database
from tests.preventing import refusal
from tests.settings import settings_for

DECLARED = """
Permission/read: {database: mydb, schemas: [schema1], tables: ["*"], actions: [SELECT]}
Role/one: {database: mydb, permissions: [read]}
"""
MANUAL = {"approval": "Manual"}
MAY_READ = "SELECT has_table_privilege('one', 'schema1.t', 'SELECT')"


@pytest.mark.found("E315")
@pytest.mark.rule("20a")
@pytest.mark.versions(18)
async def test_what_happens_in_a_database_that_waits_makes_no_pass_and_no_pass_fail(
    database: Database,
) -> None:
    """Its owner could else keep the Regent of all others in failed passes."""
    await database.execute("CREATE DATABASE second OWNER app_owner")
    settings = settings_for(database).model_copy(update={"databases": ("mydb", "second")})
    board, plain = Board(), connector_of(settings.server)
    service = Service(settings, board, Metrics())
    async with Engine.opened(settings, plain=plain, board=board, metrics=Metrics()) as engine:
        service.attach(engine)

        async def passes() -> None:
            await engine._one_pass(await engine.wake.wait())

        async def approve() -> None:
            assert board.status.approval.waiting
            await service.consent(Consent("Approval", board.status.approval.digest))
            await passes()
            await passes()
            assert not board.status.approval.waiting

        tag = await service.accept(state(DECLARED, regent=MANUAL), if_match=None)
        await passes()
        await approve()
        both = MANUAL | {"additionalDatabases": ["second"]}
        await service.accept(state(DECLARED, regent=both, revision=2), if_match=tag)
        await passes()
        assert board.status.approval.waiting

        latest = engine.latest
        look = await database.connect()
        owner = await database.server.connect("second", "app_owner")
        try:
            await owner.execute("CREATE TABLE t (i int)")
            await engine._one_pass((LocalEvents("second"),))
            await database.execute("CREATE TABLE schema1.t (i int)")
            await engine._one_pass((LocalEvents("mydb"), LocalEvents("second")))
            assert engine.latest is latest, "a full pass was made"
            assert await look.fetchval(MAY_READ)

            await approve()
            latest = engine.latest
            await owner.execute("CREATE TABLE another (i int)")
            await engine._one_pass((LocalEvents("second"),))
            assert engine.latest is latest
        finally:
            await owner.close()


@pytest.mark.rule("20a", "25")
@pytest.mark.found("E318")
@pytest.mark.versions(18)
async def test_what_waits_for_approval_is_not_what_prevent_goes_by(database: Database) -> None:
    """Seen: the look at the push that waits was told to the judges, as if it were in force."""
    settings = settings_for(database)
    board, plain = Board(), connector_of(settings.server)
    service = Service(settings, board, Metrics())
    async with Engine.opened(settings, plain=plain, board=board, metrics=Metrics()) as engine:
        service.attach(engine)

        async def passes() -> None:
            await engine._one_pass(await engine.wake.wait())

        prevents = MANUAL | {"enforcement": "Prevent"}
        tag = await service.accept(state(DECLARED, regent=prevents), if_match=None)
        await passes()
        await service.consent(Consent("Approval", board.status.approval.digest))
        for _ in ("it is heard", "it is carried out", "the detector is there, and the judge"):
            await passes()
        owner = await database.connect(database.owner)
        revoke = "REVOKE SELECT ON schema1.flights FROM one"
        assert await refusal(owner, revoke)
        without = DECLARED.replace(", permissions: [read]", "")
        await service.accept(state(without, regent=prevents, revision=2), if_match=tag)
        await passes()
        assert board.status.approval.waiting
        assert await refusal(owner, revoke), "what was approved is in force"


ELSEWHERE = (
    DECLARED
    + """
Permission/there: {database: second, schemas: [public], tables: [t], actions: [SELECT]}
Role/q: {database: second, permissions: [there]}
User/u: {database: mydb, databaseParameters: {second: {work_mem: 1MB}}}
"""
)


@pytest.mark.rule("20a")
@pytest.mark.found("E331")
@pytest.mark.versions(18)
@pytest.mark.parametrize("is_free", [True, False], ids=["free", "held by another Regent"])
async def test_a_database_that_a_waiting_push_leaves_out_is_served_until_that_is_approved(
    database: Database, is_free: bool
) -> None:
    """The process was told of the declared ones only. What another Regent has it leaves alone."""
    await database.execute("CREATE DATABASE second OWNER app_owner")
    owner = await database.server.connect("second", "app_owner")
    await owner.execute("CREATE TABLE t (i int)")
    one = settings_for(database)
    both = one.model_copy(update={"databases": ("mydb", "second")})
    regent = MANUAL | {"additionalDatabases": ["second"]}
    first = await apply_once(both, state(ELSEWHERE, regent=regent))
    assert first.approval is not None
    consents = [Consent("Approval", first.approval.digest)]
    await apply_once(both, state(ELSEWHERE, revision=2, regent=regent), consents=consents)
    sets = "SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'u'::regrole"
    stray = "SELECT has_table_privilege('q', 't', 'DELETE')"
    look = await database.server.connect("second")
    board, plain = Board(), connector_of(one.server)
    another = partial(
        RegentLock.take, plain, database="postgregent", regent="default/a", served=["second"]
    )
    other = None if is_free else await another()
    service = Service(one, board, Metrics())
    async with Engine.opened(one, plain=plain, board=board, metrics=Metrics()) as engine:
        service.attach(engine)
        board.say(accepted_etag=engine.passes.accepted().push_etag)
        await service.accept(
            state(ELSEWHERE, revision=3, regent=MANUAL), if_match=board.status.accepted_etag
        )
        await owner.execute("GRANT DELETE ON t TO q")
        await engine._one_pass((Full("start"),))
        assert await look.fetchval(sets) == ["work_mem=1MB"]
        assert await look.fetchval(stray) is not is_free
        if is_free:
            with pytest.raises(LockHeld):
                await another()
            await owner.execute("GRANT DELETE ON t TO q")
            await engine._one_pass((LocalEvents("second"),))
            assert not await look.fetchval(stray)
        assert any("work_mem" in one for one in board.status.approval.changes)
        await service.consent(Consent("Approval", board.status.approval.digest))
        if is_free:
            await engine._pass_loop()  # ends, as another life has to let go of the lock
            assert engine.passes.left_behind() == ("second",)
        else:
            await engine._one_pass((Full("approved"),))
    async with Engine.opened(one, plain=plain, board=board, metrics=Metrics()) as engine:
        await engine._one_pass((Full("start"),))
        assert await look.fetchval(sets) is None
        if is_free:
            other = await another()
    if other is not None:
        await other.release()
    await owner.close()
    await look.close()
