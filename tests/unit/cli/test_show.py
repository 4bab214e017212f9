"""What a plan looks like, as text and as data."""

from __future__ import annotations

import io

from rich.console import Console

from cli.show import (
    brake_data,
    changes_data,
    counts,
    heading,
    print_brake,
    print_changes,
    print_done,
    print_outcomes,
    print_summary,
    results_data,
    would_be,
)
from regent.applying.result import ChangeResult
from regent.changes import (
    AlterRole,
    Change,
    CreateRole,
    Effect,
    GrantMembership,
    RevokeMembership,
    SetPassword,
)
from regent.desired import Attributes
from shared.http import BrakeBody, LossBody
from shared.keys import ResourceKey
from shared.outcomes import Outcome
from shared.state import Verifier

VIEWER = ResourceKey("Role", "default", "viewer")
VIEWING_USER = ResourceKey("User", "default", "viewer")
CONNECT = ResourceKey("Permission", "default", "connect")
VERIFIER = Verifier("SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy")

CREATE = CreateRole("viewer", VIEWER, Attributes(), causes=(VIEWER,))
PASSWORD = SetPassword("viewer", VERIFIER, causes=(VIEWING_USER,))
OLD_PASSWORD = SetPassword("older", VERIFIER, causes=(VIEWING_USER,))
LOSE = RevokeMembership("admins", "viewer", "postgres", causes=(VIEWER,))
JOIN = GrantMembership("admins", "viewer", causes=(CONNECT, VIEWER, VIEWING_USER))


def printed(console: Console) -> str:
    """What went to it."""
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def paper() -> Console:
    """A console that is no terminal."""
    return Console(file=io.StringIO(), soft_wrap=True)


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
    console = paper()
    changes: list[Change] = [CREATE, OLD_PASSWORD, LOSE]
    print_changes(console, changes, major=18)
    print_summary(console, changes)
    lines = printed(console).splitlines()
    assert "  + create role viewer" in lines
    assert "  ~ set the password of older" in lines
    assert any(line.startswith("  - ") for line in lines)
    assert lines[-1] == "Plan: 1 to add, 1 to change, 1 to take away"
    assert "\x1b" not in printed(console)


def test_statements_are_shown_without_verifiers() -> None:
    """As text and as data."""
    console = paper()
    print_changes(console, [PASSWORD], major=18, sql=True)
    data = changes_data([PASSWORD], major=18, sql=True)
    assert "ALTER ROLE" in printed(console)
    assert "ALTER ROLE" in data[0]["statements"][0]
    assert VERIFIER.value not in printed(console) + repr(data)


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
    console = paper()
    print_done(console, results, 0.0123)
    assert printed(console).strip() == (
        "Done: 1 added, 0 changed, 0 taken away in 12 ms; 1 refused"
    )


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
    console = paper()
    print_outcomes(console, [outcome("b", "NoRegent"), outcome("a", matches=3)])
    header, first, second = printed(console).strip().splitlines()
    assert header.split() == ["RESOURCE", "READY", "REASON", "MESSAGE"]
    assert first.startswith("Role/default/a  True")
    assert first.endswith("(3 matched)")
    assert second.split()[1:3] == ["False", "NoRegent"]


def test_a_plan_does_not_repeat_that_it_writes_nothing() -> None:
    """`Observing` is no outcome of what is declared."""
    assert would_be([outcome("a", "Observing"), outcome("b", "NoRegent")]) == (
        outcome("b", "NoRegent"),
    )


def test_the_brake_tells_the_digest_and_how_to_release_it() -> None:
    """And how many losses are not listed."""
    loss = LossBody(role="viewer", kind="TABLE", privilege="SELECT", detail="schema1.a")
    brake = BrakeBody(pulled=True, digest="abc123", loss_count=3, losses=(loss,))
    console = paper()
    print_brake(console, brake, "apply --release abc123")
    assert "withholds 3 losses" in printed(console)
    assert "viewer: TABLE SELECT (schema1.a)" in printed(console)
    assert "and 2 more" in printed(console)
    assert "apply --release abc123" in printed(console)
    data = brake_data(brake)
    assert data is not None
    assert (data["digest"], data["lossCount"]) == ("abc123", 3)
    assert brake_data(None) is None


def test_an_end_comes_with_its_effect() -> None:
    """CLOSE and later take away."""
    assert counts([AlterRole("viewer", Effect.CLOSE, login=False)])["take away"] == 1
