"""What a plan looks like, as text and as data."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

from cli.apply import last_of_each
from cli.one_role import UnknownRoleError, of_the_role, require_known
from cli.pages import Page, Wanted, add_outcomes
from cli.printing import json_text
from cli.progress import Progress
from cli.sheet import Sheet
from cli.show import (
    Subject,
    brake_data,
    changes_data,
    counts,
    heading,
    results_data,
    would_be,
)
from cli.terminal import Terminal
from cli.validate import said_once
from regent.apply.result import ChangeResult
from regent.changes import (
    AlterRole,
    Change,
    CreateRole,
    Effect,
    GrantMembership,
    GrantPrivileges,
    ObjectRef,
    Plan,
    RevokeMembership,
    SetPassword,
)
from regent.desired import Attributes
from regent.one_shot import OnceReport
from regent.remembered import Loss
from shared.http import BrakeBody
from shared.keys import ResourceKey
from shared.outcomes import Outcome
from shared.privileges import ObjectKind
from shared.problems import Problem, Severity
from shared.state import Trouble, Verifier

VIEWER = ResourceKey("Role", "default", "viewer")
VIEWING_USER = ResourceKey("User", "default", "viewer")
CONNECT = ResourceKey("Permission", "default", "connect")
VERIFIER = Verifier("SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy")

CREATE = CreateRole("viewer", VIEWER, Attributes(), causes=(VIEWER,))
PASSWORD = SetPassword("viewer", VERIFIER, causes=(VIEWING_USER,))
OLD_PASSWORD = SetPassword("older", VERIFIER, causes=(VIEWING_USER,))
LOSE = RevokeMembership("admins", "viewer", "postgres", causes=(VIEWER,))
JOIN = GrantMembership("admins", "viewer", causes=(CONNECT, VIEWER, VIEWING_USER))


def text_of(sheet: Sheet) -> str:
    """As it is written where there is no terminal."""
    file = io.StringIO()
    sheet.write(Console(file=file))
    return file.getvalue()


def report(*changes: Change, **more: Any) -> OnceReport:
    """A plan of these."""
    given = {"results": (), "brake": None, "takeover": None, "notes": (), "outcomes": ()}
    made = {"plan": Plan(changes), "to_do": changes, "seconds": 0.0123, "major": 18}
    return OnceReport(**{**made, **given, **more})


def page(one: OnceReport, **more: Any) -> str:
    """A page of it."""
    given = {
        "changes": one.plan.changes,
        "outcomes": one.outcomes,
        "noted": one.outcomes,
        "release": "apply --release abc123",
    }
    subject = Subject(ResourceKey("Regent", "default", "my-regent"), "db:5432/mydb")
    return text_of(Page(subject, one, **{**given, **more}).sheet())


def test_what_is_done_to_a_new_role_is_adding() -> None:
    """A fresh server has nothing to change."""
    assert counts([CREATE, PASSWORD]) == {"add": 2, "change": 0, "take away": 0}
    assert counts([CREATE, OLD_PASSWORD, LOSE]) == {"add": 1, "change": 1, "take away": 1}


def test_a_role_and_a_user_of_one_name_are_one_heading() -> None:
    """Permissions are not, where somebody gets them."""
    assert heading(JOIN) == "Role and User default/viewer"


def test_a_change_that_nobody_declares_says_so() -> None:
    """Such as what is spurious on an unowned role."""
    assert heading(RevokeMembership("a", "b", "c")) == "Declared by no resource"


def test_many_resources_are_counted_rather_than_listed() -> None:
    """A grant to a thousand users has one line of heading."""
    many = tuple(ResourceKey("User", "default", f"u{n}") for n in range(9))
    assert heading(GrantMembership("a", "b", causes=many)).endswith("default/u2 and 6 more")


def test_the_text_has_a_symbol_a_line_and_a_sum() -> None:
    """And no escape sequences off a terminal."""
    said = page(report(CREATE, OLD_PASSWORD, LOSE))
    lines = said.splitlines()
    assert "  + create role viewer" in lines
    assert "  ~ set the password of older" in lines
    assert any(line.startswith("  - ") for line in lines)
    assert lines[-1] == "Plan: 1 to add, 1 to change, 1 to take away"
    assert "\x1b" not in said


def test_statements_are_shown_without_verifiers() -> None:
    """As text and as data."""
    said = page(report(PASSWORD), wanted=Wanted(sql=True))
    data = changes_data([PASSWORD], major=18, sql=True)
    assert "ALTER ROLE" in said
    assert "ALTER ROLE" in data[0]["statements"][0]
    assert VERIFIER.value not in said + repr(data)


def test_the_data_of_a_change_is_as_promised() -> None:
    """The names in the docstring of cli.show."""
    assert changes_data([LOSE], major=18, sql=False) == [
        {
            "action": "take away",
            "effect": "Narrow",
            "what": changes_data([LOSE], major=18, sql=True)[0]["what"],
            "where": "role viewer",
            "resources": ["Role/default/viewer"],
        }
    ]


def test_a_refused_change_says_why_and_what_to_do() -> None:
    """The rest of the plan is told as done."""
    refused = ChangeResult(LOSE, False, "42501", "permission denied", "Give it.")
    results = [ChangeResult(CREATE, True), refused]
    data = results_data(results, major=18, sql=False)
    assert [one["done"] for one in data] == [True, False]
    assert (data[1]["sqlstate"], data[1]["wayOut"]) == ("42501", "Give it.")
    said = page(report(), results=results, changes=[CREATE, LOSE], is_done=True)
    assert said.endswith("Done: 1 added, 0 changed, 0 taken away in 12 ms; 1 refused\n")
    assert "    refused (42501): permission denied\n    → Give it.\n" in said


def outcome(name: str, reason: str = "Applied", **more: object) -> Outcome:
    """Of a Role."""
    state = "Ready" if reason == "Applied" else "Stalled"
    return Outcome.model_validate(
        {
            "resource": f"Role/default/{name}",
            "state": state,
            "reason": reason,
            "message": "Words. " * 30,
            **more,
        }
    )


def test_an_outcome_is_one_line_however_long() -> None:
    """So that grep and wc see what a person sees."""
    sheet = Sheet()
    add_outcomes(sheet, [outcome("b", "NoRegent"), outcome("a", matches=3)])
    header, first, second = text_of(sheet).strip().splitlines()
    assert header.split() == ["RESOURCE", "READY", "REASON", "MESSAGE"]
    assert first.startswith("Role/default/a  True")
    assert first.endswith("(3 matched)")
    assert second.split()[1:3] == ["False", "NoRegent"]


def test_a_plan_does_not_repeat_that_it_writes_nothing() -> None:
    """`Observing` is no outcome of what is declared."""
    both = (outcome("a", "Observing"), outcome("b", "NoRegent"))
    assert would_be(both, None) == (outcome("b", "NoRegent"),)
    standby = Trouble(reason="InRecovery", message="A standby.")
    assert would_be(both, standby) == both, "where nothing may be written, each resource says so"


@pytest.mark.found("D32")
@pytest.mark.found("D33")
def test_the_brake_tells_the_digest_why_and_every_loss() -> None:
    """The body has the first losses, the command has all; who loses the same stands together."""
    losses = tuple(
        Loss(role=f"viewer{n}", kind="TABLE", privilege="SELECT", detail="mydb.schema1.a by owner")
        for n in range(60)
    )
    body = BrakeBody(pulled=True, digest="abc123", loss_count=60)
    one = report(brake=body, withheld=losses, why_withheld="60 of 90 would go")
    said = page(one)
    assert "The brake withholds 60 losses, because 60 of 90 would go:" in said
    assert all(f"viewer{n}" in said for n in range(60))
    assert "viewer9: SELECT on table mydb.schema1.a by owner" in said
    assert "apply --release abc123" in said
    data = brake_data(one, sql=False)
    assert data is not None
    assert (data["digest"], data["lossCount"], len(data["losses"])) == ("abc123", 60, 60)
    assert data["losses"][0]["detail"] == "mydb.schema1.a by owner"
    assert data["waiting"] == []
    assert brake_data(report(), sql=False) is None


@pytest.mark.found("D33")
def test_what_waits_with_the_withheld_losses_is_shown_there_and_nowhere_else() -> None:
    """A password of an adoption, and of a grant to two the one that waits."""
    both = GrantPrivileges(
        "mydb", ObjectKind.TABLE, (ObjectRef(1, "schema1", "a"),), frozenset({"SELECT"}),
        ("free", "held"),
    )  # fmt: skip
    password = SetPassword("held", VERIFIER)
    held = replace(both, grantees=("held",))
    body = BrakeBody(pulled=True, digest="abc123", loss_count=1)
    free = (replace(both, grantees=("free",)),)
    one = report(both, password, brake=body, waiting=(password, held), to_do=free)
    said = page(one, changes=one.to_do)
    above, _, below = said.partition("These wait with it")
    assert "held" not in above
    assert "set the password of held" in below
    assert "Plan: 1 to add, 0 to change, 0 to take away" in said
    data = brake_data(one, sql=False)
    assert data is not None
    assert data["waiting"][0]["what"] == "set the password of held"


@pytest.mark.found("D32")
def test_two_thousand_users_are_a_page_and_no_loss_is_cut() -> None:
    """Sums of what is given; all that is taken away, by person; all of it with --all."""
    created = [CreateRole(f"user{n}", VIEWER, Attributes(), causes=(VIEWER,)) for n in range(2000)]
    joined = [GrantMembership("admins", f"user{n}", causes=(VIEWER,)) for n in range(2000)]
    lost = [RevokeMembership("owners", f"old{n}", "postgres", causes=(VIEWER,)) for n in range(70)]
    one = report(*created, *joined, *lost, outcomes=[outcome(f"u{n}", "Late") for n in range(500)])
    said = page(one)
    assert len(said.splitlines()) < 60
    assert "  + create 2,000 roles: user0, user1, user2 and 1,997 more\n" in said
    assert "  + make 2,000 roles members of admins: user0, user1, user2 and 1,997 more\n" in said
    assert "500: Role/default/u0, Role/default/u1, Role/default/u10 and 497 more." in said
    assert all(f"old{n}" in said for n in range(70))
    assert "--all" in said
    whole = page(one, wanted=Wanted(everything=True))
    assert len(whole.splitlines()) > 4500
    narrowed, _ = of_the_role("user7", one, one.outcomes, {})
    only = page(narrowed, wanted=Wanted(role="user7"))
    assert "create role user7\n" in only
    assert "user8" not in only


@pytest.mark.found("E135")
def test_equal_changes_that_take_away_are_one_line_with_every_name() -> None:
    """A lower limit for hundreds: nobody is cut."""
    lower = [AlterRole(f"u{n}", Effect.CLOSE, connection_limit=5) for n in range(90)]
    said = page(report(*lower))
    names = ", ".join(f"u{n}" for n in range(90))
    assert f"  - alter role {names}: connection limit 5\n" in said
    assert len(said.splitlines()) < 10


@pytest.mark.found("E135")
async def test_an_interruption_says_what_was_applied_and_what_not() -> None:
    """Before a plan there is nothing; the rounds of a pass add up."""
    progress, said = Progress(), io.StringIO()
    assert progress.last_words == "Interrupted before anything was applied."
    progress.heed((), 3)
    progress.heed([ChangeResult(CREATE, done=True), ChangeResult(CREATE, False, "42501")], 3)
    progress.heed((), 2)
    progress.heed([ChangeResult(CREATE, done=True)], 2)
    with pytest.raises(asyncio.CancelledError):
        async with progress.told(said):
            raise asyncio.CancelledError
    assert said.getvalue().startswith("Interrupted: 2 of 4 changes were applied and stay.")


@pytest.mark.found("E134")
def test_one_role_is_all_that_is_shown_and_what_is_not_is_counted() -> None:
    """Changes, outcomes, the brake's losses and the sum."""
    mine, other = outcome("mine", "Late"), outcome("other", "Late")
    withheld = tuple(
        Loss(role=name, kind="TABLE", privilege="SELECT", detail="mydb.s.a by owner")
        for name in ("my-role", "another")
    )
    one = report(
        CreateRole("my-role", VIEWER, Attributes(), causes=(VIEWER,)),
        CreateRole("another", VIEWER, Attributes(), causes=(VIEWER,)),
        outcomes=(mine, other),
        brake=BrakeBody(pulled=True, digest="abc123", loss_count=2),
        withheld=withheld,
    )
    names = {mine.resource: "my-role", other.resource: "another"}
    narrowed, outcomes = of_the_role("my-role", one, one.outcomes, names)
    assert outcomes == (mine,)
    said = page(narrowed, outcomes=outcomes, noted=outcomes, wanted=Wanted(role="my-role"))
    assert "The brake withholds 2 losses; of them 1 shown here:" in said
    assert (
        "note: Only 'my-role' is shown. Of others there are 1 change, 1 resource that is not"
        " ready, 1 withheld loss: leave --role out." in said
    )
    assert "another" not in said
    assert said.endswith("Plan: 1 to add, 0 to change, 0 to take away\n")
    with pytest.raises(UnknownRoleError) as raised:
        require_known("my-rule", ["my-role", "another"])
    assert "Did you mean my-role?" in str(raised.value)


@pytest.mark.found("C28")
def test_a_name_is_only_a_name_on_a_terminal() -> None:
    """Neither an escape sequence nor markup nor another reading direction."""
    evil = "\x1b[2J[bold red]x[/]\u202e\r\nPlan: nothing"
    refused = ChangeResult(CREATE, False, "42501", f"role {evil}", f"Ask {evil}.")
    unread = {evil: f"no {evil}"}
    one = report(outcomes=[outcome("a", "Late", message=evil, notes=(evil,))], unread=unread)
    sheet = io.StringIO()
    said = page(one, results=[refused], changes=[CREATE], is_done=True)
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "\\x1b[2J[bold red]x[/]\\u202e\\r\\nPlan: nothing" in said
    assert not any(line.startswith("Plan: nothing") for line in said.splitlines())
    console = Terminal(sheet, force_terminal=True)
    console.print(Text(f"a{evil}", style="bold"))
    console.print(f"b{evil}")
    shown = sheet.getvalue()
    assert "\x1b[2J" not in shown
    assert "b\\x1b[2J[bold red]x[/]" in shown
    assert "\x9b" not in json_text({"a\x9b": "\u202e"})


def test_an_end_comes_with_its_effect() -> None:
    """CLOSE and later take away."""
    assert counts([AlterRole("viewer", Effect.CLOSE, login=False)])["take away"] == 1


@pytest.mark.found("E14")
def test_a_plan_counts_what_will_be_done_and_not_what_is_withheld() -> None:
    withheld = (Loss(role="viewer", kind="MEMBERSHIP", privilege="admins", detail="postgres"),)
    body = BrakeBody(pulled=True, digest="abc123", loss_count=1)
    other = RevokeMembership("admins", "guest", "postgres", causes=(VIEWER,))
    one = report(LOSE, other, brake=body, withheld=withheld, to_do=(other,))
    said = page(one, changes=one.to_do)
    assert said.endswith("Plan: 0 to add, 0 to change, 1 to take away\n")
    assert said.count("viewer: ") == 1
    nothing = page(report(LOSE, brake=body, withheld=withheld, to_do=()), changes=())
    assert nothing.endswith("Plan: nothing but what the brake withholds\n")


@pytest.mark.found("E15")
def test_nothing_to_do_is_not_all_where_something_is_not_ready() -> None:
    assert page(report()).endswith("Nothing to do.\n")
    one = report(outcomes=(outcome("a", "NoRegent"), outcome("b", "NoRegent")))
    for is_done in (False, True):
        assert page(one, is_done=is_done).endswith("Nothing to do; 2 resources are not ready.\n")


@pytest.mark.found("E17")
def test_validate_says_a_warning_that_many_share_once() -> None:
    def problem(name: str, severity: Severity) -> Problem:
        return Problem("a.yaml", 1, f"User default/{name}", "spec.x", "y", "is", "do", severity)

    shared = [problem(f"u{n}", "warning") for n in range(2000)]
    wrong = [problem("a", "error"), problem("b", "error")]
    said = said_once((*shared, *wrong))
    assert [len(alike) for _, alike in said] == [2000, 1, 1]


@pytest.mark.found("E78")
def test_nothing_was_done_is_not_all_where_the_brake_withholds() -> None:
    withheld = tuple(Loss(role=f"r{n}", kind="TABLE", privilege="SELECT", detail="t") for n in "ab")
    body = BrakeBody(pulled=True, digest="abc123", loss_count=2)
    given = {"brake": body, "withheld": withheld}
    for outcomes in ((), (outcome("a", "BrakePulled"),)):
        said = page(report(LOSE, **given, outcomes=outcomes), changes=(), is_done=True)
        assert said.endswith("Nothing was done: the brake withholds 2 losses.\n")
    done = ChangeResult(CREATE, True)
    said = page(report(**given, results=(done,)), changes=(), is_done=True, results=(done,))
    assert said.endswith("; 2 withheld by the brake\n")


@pytest.mark.found("E249")
def test_of_several_tries_of_one_change_the_last_is_shown_and_counted() -> None:
    """Seen: "11 refused" of 8 changes, and one session's end counted four times."""
    early, late = (ChangeResult(LOSE, False, state) for state in ("55P03", "42704"))
    done = ChangeResult(CREATE, done=True)
    assert last_of_each([early, done, late, done]) == (late, done)
