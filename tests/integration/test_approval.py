"""What is declared anew waits for a person, and what was approved goes on (rule 20a)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from regent.home.unreadable import HomeStateUnreadable
from regent.one_shot import OnceReport, apply_once, plan_once
from shared import scram
from shared.consent import Consent
from tests.declared import REFERENCE, state
from tests.integration.facts.once import outcome
from tests.postgres.database import Database
from tests.settings import settings_for

MANUAL = {"approval": "Manual"}
ROLES = "SELECT count(*) FROM pg_roles WHERE rolname = ANY($1)"
READS = "SELECT has_table_privilege($1, 'schema1.flights', 'SELECT')"
LOGS_IN = "SELECT rolcanlogin FROM pg_roles WHERE rolname = $1"
NEWCOMER = "User/newcomer: {database: mydb, roles: [mydb-viewer]}\n"


async def applied(
    database: Database, text: str, revision: int = 1, *, approve: str = "", **more: Any
) -> OnceReport:
    """One `apply` of these resources under a Manual Regent."""
    pushed = state(text, revision=revision, regent=MANUAL, **more)
    consents = [Consent("Approval", approve)]
    return await apply_once(settings_for(database), pushed, consents=consents)


def digest_of(report: OnceReport) -> str:
    assert report.approval is not None
    assert report.approval.digest
    return report.approval.digest


@pytest.mark.rule("20a")
@pytest.mark.found("E295")
@pytest.mark.versions(18)
async def test_nothing_is_written_before_the_first_state_is_approved_and_nothing_new_after_it(
    database: Database,
) -> None:
    """A digest is good once, for what it was shown with."""
    look = await database.connect()
    first = await applied(database, REFERENCE)
    assert await look.fetchval(ROLES, ["mydb-viewer"]) == 0
    assert outcome(first, "Role/mydb-viewer").reason == "AwaitingApproval"
    done = await applied(database, REFERENCE, approve=digest_of(first))
    assert done.approval is None
    assert outcome(done, "Role/mydb-viewer").is_ready
    assert await look.fetchval(READS, "mydb-viewer")

    more = await applied(database, REFERENCE + NEWCOMER, 2, approve=digest_of(first))
    assert outcome(more, "User/newcomer").reason == "AwaitingApproval"
    assert outcome(more, "Role/mydb-viewer").is_ready
    assert await look.fetchval(ROLES, ["newcomer"]) == 0
    again = await applied(database, REFERENCE + NEWCOMER, 3, approve=digest_of(more))
    assert outcome(again, "User/newcomer").is_ready
    back = await applied(database, REFERENCE, 4)
    assert back.approval is not None
    assert back.approval.deleted == ("User/default/newcomer",)
    assert await look.fetchval(LOGS_IN, "newcomer")
    once = await applied(database, REFERENCE + NEWCOMER, 5)
    assert once.approval is None, "what is in force is declared again"
    twice = await applied(database, REFERENCE, 6, approve=digest_of(more))
    assert digest_of(twice) == digest_of(back)
    gone = await applied(database, REFERENCE, 7, approve=digest_of(twice))
    assert gone.approval is None
    assert await look.fetchval(ROLES, ["newcomer"]) == 0
    await look.close()


@pytest.mark.rule("20a", "19")
@pytest.mark.found("E296")
@pytest.mark.versions(18)
async def test_while_something_waits_drift_is_corrected_and_an_end_in_time_and_a_password_come(
    database: Database,
) -> None:
    """What waits gives the intern the tables of the admins, and disables these."""
    look = await database.connect()
    secret = "passwordSecretRef: {name: s, key: k}"
    text = REFERENCE + f"User/pilot: {{roles: [mydb-viewer], {secret}}}\n"
    passwords = {"User/pilot": {"verifier": scram.build("one").value}}
    first = await applied(database, text, passwords=passwords)
    await applied(database, text, passwords=passwords, approve=digest_of(first))
    changed = text.replace(
        "User/summer-intern-2: {roles: [mydb-viewer]}",
        ("User/summer-intern-2: {roles: [flights-admin]}"),
    ).replace("User/flights-admin: {", "User/flights-admin: {enabled: false, ")
    await database.execute('GRANT DELETE ON schema1.flights TO "mydb-viewer"')
    await database.execute('REVOKE SELECT ON schema1.flights FROM "mydb-viewer"')
    rotated = {"User/pilot": {"verifier": scram.build("two").value}}
    waiting = await applied(database, changed, 2, passwords=rotated)
    assert outcome(waiting, "User/pilot").is_ready
    assert outcome(waiting, "User/summer-intern-2").reason == "AwaitingApproval"
    assert await look.fetchval(READS, "mydb-viewer")
    assert not await look.fetchval(READS.replace("SELECT'", "DELETE'"), "mydb-viewer")
    assert await look.fetchval(LOGS_IN, "flights-admin"), "enabled: false is a change, and waits"
    pilot = await database.connect("pilot", "two")
    await pilot.close()
    assert waiting.approval is not None
    assert "LOGIN" in waiting.approval.changes[0], "what takes away is shown first"
    done = await applied(database, changed, 3, passwords=rotated, approve=digest_of(waiting))
    assert done.approval is None
    assert not await look.fetchval(LOGS_IN, "flights-admin")
    assert await look.fetchval(READS.replace("SELECT'", "DELETE'"), "summer-intern-2")
    await look.close()


@pytest.mark.rule("20a")
@pytest.mark.found("E402")
@pytest.mark.versions(18)
async def test_apply_tells_the_end_of_an_access_that_is_in_force_and_not_of_one_that_waits(
    database: Database,
) -> None:
    access = "access: [{role: mydb-viewer, until: YEAR-01-01T00:00:00Z, reason: x}]"
    text = f"{REFERENCE}User/oncall: {{database: mydb, {access}}}\n"
    early, late = text.replace("YEAR", "2090"), text.replace("YEAR", "2099")
    first = await applied(database, early)
    await applied(database, early, approve=digest_of(first))
    waiting = await applied(database, late, 2)
    assert "until 2090-01-01" in waiting.notes[0]
    done = await applied(database, late, 3, approve=digest_of(waiting))
    assert "until 2099-01-01" in done.notes[0]


@pytest.mark.rule("20a", "20")
@pytest.mark.found("E297")
@pytest.mark.versions(18)
async def test_an_approval_releases_the_brake_for_just_the_losses_that_it_showed(
    database: Database,
) -> None:
    """Of all logins; a `plan` before shows the same digest and writes nothing."""
    look = await database.connect()
    first = await applied(database, REFERENCE)
    await applied(database, REFERENCE, approve=digest_of(first))
    few = "Role/mydb-viewer: {database: mydb}\n"
    plan = await plan_once(settings_for(database), state(few, revision=2, regent=MANUAL))
    assert await look.fetchval(LOGS_IN, "flights-admin")
    waiting = await applied(database, few, 2)
    assert digest_of(plan) == digest_of(waiting)
    assert waiting.brake is None, "nothing is withheld of what was approved"
    done = await applied(database, few, 3, approve=digest_of(waiting))
    assert done.brake is None
    assert done.approval is None
    assert await look.fetchval(ROLES, ["flights-admin", "summer-intern-2"]) == 0
    await look.close()


@pytest.mark.rule("20a", "25")
@pytest.mark.versions(18)
async def test_a_database_that_is_served_since_and_more_enforcement_wait_and_suspend_does_not(
    database: Database,
) -> None:
    """What the role has there is in nobody's authority before."""
    look = await database.connect()
    observe = state(REFERENCE, regent=MANUAL | {"enforcement": "Observe"})
    settings = settings_for(database)
    first = await apply_once(settings, observe)
    assert first.restraint is not None
    assert first.restraint.reason == "AwaitingApproval"
    only = await apply_once(settings, observe, consents=[Consent("Approval", digest_of(first))])
    assert only.approval is None
    assert only.restraint is not None
    assert only.restraint.reason == "Observing"
    correct = await applied(database, REFERENCE, 2)
    assert correct.approval is not None
    assert correct.approval.change_count > 5
    assert await look.fetchval(ROLES, ["mydb-viewer"]) == 0
    await applied(database, REFERENCE, 3, approve=digest_of(correct))
    assert await look.fetchval(ROLES, ["mydb-viewer"]) == 1

    await database.execute("CREATE DATABASE second", "postgres")
    elsewhere = await database.server.connect("second")
    await elsewhere.execute('CREATE TABLE t (); GRANT SELECT ON t TO "mydb-viewer"')
    both = settings.model_copy(update={"databases": ("mydb", "second")})
    more = state(REFERENCE, revision=4, regent=MANUAL | {"additionalDatabases": ["second"]})
    waiting = await apply_once(both, more)
    stray = "SELECT has_table_privilege('mydb-viewer', 't', 'SELECT')"
    assert waiting.approval is not None
    assert "second" in str(waiting.unapproved)
    assert await elsewhere.fetchval(stray)
    suspended = state(
        REFERENCE,
        revision=5,
        regent=MANUAL | {"additionalDatabases": ["second"], "suspend": True},
    )
    await database.execute('GRANT DELETE ON schema1.flights TO "mydb-viewer"')
    asleep = await apply_once(both, suspended)
    assert digest_of(asleep) == digest_of(waiting)
    assert await look.fetchval(READS.replace("SELECT'", "DELETE'"), "mydb-viewer")
    done = await apply_once(both, more, consents=[Consent("Approval", digest_of(asleep))])
    assert done.approval is None
    assert not await elsewhere.fetchval(stray)
    assert not await look.fetchval(READS.replace("SELECT'", "DELETE'"), "mydb-viewer")
    await elsewhere.close()
    await look.close()


@pytest.mark.rule("20a", "28a")
@pytest.mark.versions(18)
async def test_nothing_can_be_approved_of_another_server(database: Database) -> None:
    first = await applied(database, REFERENCE)
    home = await database.server.connect("postgregent")
    await home.execute("UPDATE postgregent.regents SET system_identifier = '1'")
    await home.close()
    other = await applied(database, REFERENCE, 2, approve=digest_of(first))
    assert other.takeover is not None
    assert other.approval is not None
    assert other.approval.digest == ""
    assert "possible later" in other.approval.message


@pytest.mark.rule("20a")
@pytest.mark.found("E330")
@pytest.mark.versions(18)
@pytest.mark.parametrize("regent", [MANUAL, {"approval": "Automatic"}], ids=["Manual", "Automatic"])
async def test_a_regent_that_forgot_what_was_approved_takes_nothing_for_approved(
    database: Database, regent: dict[str, Any]
) -> None:
    """By the statement that is printed for either column, and by NULL; a push Automatic too."""
    settings = settings_for(database)
    first = await applied(database, REFERENCE)
    await applied(database, REFERENCE, approve=digest_of(first))
    pushed = state(REFERENCE + NEWCOMER, revision=2, regent=regent)
    assert digest_of(await apply_once(settings, pushed))
    look = await database.connect()
    home = await database.server.connect("postgregent")
    kept = await home.fetchrow("SELECT accepted::text, brake::text FROM postgregent.regents")
    assert kept is not None
    restore = "UPDATE postgregent.regents SET accepted = $1::jsonb, brake = $2::jsonb"

    async def printed(column: str) -> str:
        await home.execute(f"""UPDATE postgregent.regents SET {column} = '{{"odd": 1}}'""")
        with pytest.raises(HomeStateUnreadable) as caught:
            await apply_once(settings, pushed)
        [statement] = re.findall("UPDATE .* WHERE regent = '[^']*'", str(caught.value.way_out))
        return str(statement)

    for forget in (
        await printed("brake"),
        await printed("accepted"),
        "UPDATE postgregent.regents SET brake = NULL",
        "UPDATE postgregent.regents SET accepted = NULL",
    ):
        await home.execute(restore, *kept)
        await home.execute(forget)
        waiting = await apply_once(settings, pushed)
        assert digest_of(waiting), forget
        assert await look.fetchval(ROLES, ["newcomer"]) == 0, forget
    await home.execute("UPDATE postgregent.regents SET brake = NULL")
    waiting = await apply_once(settings, pushed)
    done = await apply_once(settings, pushed, consents=[Consent("Approval", digest_of(waiting))])
    assert outcome(done, "User/newcomer").is_ready
    await home.close()
    await look.close()
