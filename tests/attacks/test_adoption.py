"""Whoever adopts a role gets its password: never before what nobody declared is gone (rule 10)."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from regent.apply import sessions
from regent.changes import SetPassword
from regent.one_shot import apply_once, plan_once
from shared import scram
from shared.consent import Consent
from tests.declared import state
from tests.frozen import freeze
from tests.integration.facts.once import all_ready, applied, outcome
from tests.postgres.canary import Canary
from tests.postgres.database import Database
from tests.settings import settings_for

SECRET = "passwordSecretRef: {name: s, key: k}"
ATTACK = f"User/builder: {{database: mydb, adopt: true, {SECRET}}}"
POWERFUL = """
CREATE ROLE builder LOGIN CREATEROLE CREATEDB;
GRANT pg_execute_server_program TO builder;
GRANT SELECT, INSERT, UPDATE, DELETE ON schema1.flights TO builder
"""
POWERS = """
SELECT rolcreaterole AND rolcreatedb
    AND pg_has_role('builder', 'pg_execute_server_program', 'MEMBER')
    AND has_table_privilege('builder', 'schema1.flights', 'SELECT, INSERT, UPDATE, DELETE')
FROM pg_roles WHERE rolname = 'builder'
"""
IS_PROGRAMMER = "SELECT pg_has_role('builder', 'pg_execute_server_program', 'MEMBER')"
MEMBER_OF_DBA = "CREATE ROLE dba SUPERUSER; CREATE ROLE ann LOGIN; GRANT dba TO ann"


def passwords(user: str, password: str) -> dict[str, Any]:
    """What the attacker wrote into the Secret."""
    return {"passwords": {f"User/{user}": {"verifier": scram.build(password).value}}}


async def may_log_in(database: Database, user: str, password: str) -> bool:
    """Whether this password is in force, and LOGIN."""
    try:
        await (await database.connect(user, password)).close()
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError):
        return False
    return True


@asynccontextmanager
async def nobody_leaves(database: Database, group: str, member: str) -> AsyncIterator[None]:
    """Another session holds the row of a membership, so that it cannot be revoked."""
    holder = await database.connect("postgres")
    await holder.execute(f"BEGIN; REVOKE {group} FROM {member}")
    try:
        yield
    finally:
        await holder.execute("ROLLBACK")


@pytest.mark.found("A2", "E137")
@pytest.mark.rule("10", "20")
@pytest.mark.every_version
async def test_the_password_of_a_role_that_may_make_roles_waits_with_what_is_withheld(
    database: Database, canary: Canary
) -> None:
    """Seen on 15: it was set while CREATEROLE stayed, and its author then ran a program."""
    await database.execute(f"{POWERFUL}; ALTER ROLE builder SET work_mem = '1MB'")
    look = await database.connect()
    planned = await plan_once(settings_for(database), state(ATTACK, **passwords("builder", "x")))
    assert any(isinstance(one, SetPassword) for one in planned.waiting)
    assert planned.to_do == (), "neither its sessions nor its settings end before a release"
    for revision in (1, 2):
        more = passwords("builder", canary.password)
        report = await applied(database, ATTACK, revision, **more)
        assert report.brake is not None
        assert outcome(report, "User/builder").reason == "BrakePulled"
        assert report.results == ()
        assert await look.fetchval(POWERS), "what is withheld is not taken"
        assert not await may_log_in(database, "builder", canary.password)


@pytest.mark.found("A2")
@pytest.mark.rule("10", "20")
@pytest.mark.every_version
async def test_a_released_adoption_gives_the_password_of_a_role_that_has_nothing_else(
    database: Database, canary: Canary
) -> None:
    """The twin: whoever may release says the digest, and all of it is done."""
    await database.execute(POWERFUL)
    pushed = state(ATTACK, **passwords("builder", canary.password))
    first = await apply_once(settings_for(database), pushed)
    assert first.brake is not None
    released = await apply_once(
        settings_for(database), pushed, consents=[Consent("Brake", first.brake.digest)]
    )
    assert all_ready(released), released.outcomes
    assert await may_log_in(database, "builder", canary.password)
    look = await database.connect()
    assert not await look.fetchval("SELECT rolcreaterole FROM pg_roles WHERE rolname = 'builder'")
    assert not await look.fetchval(IS_PROGRAMMER)


@pytest.mark.found("A3")
@pytest.mark.rule("10")
@pytest.mark.every_version
async def test_a_member_of_superusers_gets_no_password_before_the_membership_is_gone(
    database: Database, canary: Canary
) -> None:
    """The window is stretched by a session that keeps the membership from being revoked."""
    await database.execute(MEMBER_OF_DBA)
    text = f"User/ann: {{database: mydb, adopt: true, {SECRET}}}"
    more = passwords("ann", canary.password)
    async with nobody_leaves(database, "dba", "ann"):
        report = await applied(database, text, **more)
        assert not outcome(report, "User/ann").is_ready
        assert not await may_log_in(database, "ann", canary.password)
    report = await applied(database, text, 2, **more)
    assert all_ready(report), report.outcomes
    assert await may_log_in(database, "ann", canary.password)
    look = await database.connect()
    assert not await look.fetchval("SELECT pg_has_role('ann', 'dba', 'MEMBER')")


@pytest.mark.found("A3")
@pytest.mark.rule("10")
async def test_nobody_is_put_into_an_adopted_role_before_it_is_clean(
    database: Database, canary: Canary
) -> None:
    """A Role is adopted that is a member of superusers, and a User of the attacker lists it."""
    await database.execute("CREATE ROLE dba SUPERUSER; CREATE ROLE crew; GRANT dba TO crew")
    text = f"Role/crew: {{database: mydb, adopt: true}}\nUser/bob: {{roles: [crew], {SECRET}}}"
    more = passwords("bob", canary.password)
    look = await database.connect()
    async with nobody_leaves(database, "dba", "crew"):
        await applied(database, text, **more)
        assert not await look.fetchval("SELECT pg_has_role('bob', 'dba', 'MEMBER')")
    report = await applied(database, text, 2, **more)
    assert all_ready(report), report.outcomes
    assert await look.fetchval("SELECT pg_has_role('bob', 'crew', 'MEMBER')")
    assert not await look.fetchval("SELECT pg_has_role('bob', 'dba', 'MEMBER')")


@pytest.mark.found("A3")
@pytest.mark.rule("10", "24")
async def test_a_session_that_does_not_end_keeps_the_password_back(
    database: Database, canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in SET ROLE, keeps what was taken, and cannot be interrupted; so the pass is held."""
    monkeypatch.setattr(sessions, "PATIENCE_SECONDS", 0.1)
    await database.execute(MEMBER_OF_DBA + "; ALTER ROLE ann PASSWORD 'the old one'")
    session = await database.connect("ann", "the old one")
    await session.execute("SET ROLE dba")
    pid = session.get_server_pid()
    text = f"User/ann: {{database: mydb, adopt: true, {SECRET}}}"
    more = passwords("ann", canary.password)
    freeze(pid)
    try:
        report = await applied(database, text, **more)
        assert not outcome(report, "User/ann").is_ready
        assert not await may_log_in(database, "ann", canary.password)
    finally:
        os.kill(pid, signal.SIGCONT)
    report = await applied(database, text, 2, **more)
    assert all_ready(report), report.outcomes
    assert await may_log_in(database, "ann", canary.password)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await session.fetchval("SELECT 1")
