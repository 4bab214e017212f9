"""What proves that the API server went back in time, and what does not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from regent.accept.evidence import PAST_LIMIT, signs_of_restore
from regent.remembered import AcceptedState
from shared.state import LAST_MOMENT, DesiredState
from tests.declared import NOON, accepted, state

pytestmark = pytest.mark.rule("28a")
BOTH = """
Role/viewer: {database: mydb}
User/ann: {roles: [viewer]}
"""
ALONE = "Role/viewer: {database: mydb}"
FIRST = {"Role/viewer": ("r1", 4), "User/ann": ("u1", 2)}


def seen(text: str, objects: dict[str, tuple[str, int]], **more: Any) -> DesiredState:
    """A push whose objects have these uids and generations."""
    pushed = state(text, absent_means="Vanished", **more)
    entries = {}
    for key, entry in pushed.resources.items():
        uid, generation = objects[key.replace("/default/", "/")]
        entries[key] = entry.model_copy(update={"uid": uid, "generation": generation})
    return pushed.model_copy(update={"resources": entries})


def after(*pushes: DesiredState) -> AcceptedState:
    """These were accepted, one a minute."""
    last: AcceptedState | None = None
    for minute, pushed in enumerate(pushes):
        last = accepted(pushed, last, NOON + timedelta(minutes=minute))
    assert last is not None
    return last


def signs(previous: AcceptedState, pushed: DesiredState) -> list[str]:
    return [sign.key for sign in signs_of_restore(previous, pushed)]


ANN_LEFT = seen(ALONE, FIRST, deleted=("User/default/ann",))


def test_what_was_deleted_and_has_its_uid_again_was_brought_back() -> None:
    before = after(seen(BOTH, FIRST), ANN_LEFT)
    found = signs_of_restore(before, seen(BOTH, FIRST))
    assert [str(sign) for sign in found] == [
        "User/default/ann was deleted by 2026-06-01 12:01:00 UTC"
    ]


def test_what_was_deleted_and_made_again_is_new_however_old_its_clock_says_it_is() -> None:
    before = after(seen(BOTH, FIRST), ANN_LEFT)
    assert signs(before, seen(BOTH, FIRST | {"User/ann": ("u2", 1)})) == []


def test_what_was_replaced_while_nobody_looked_is_new_and_its_first_form_is_past() -> None:
    """A Permission has no finalizer; `kubectl replace --force` while the controller is down."""
    replaced = seen(BOTH, FIRST | {"Role/viewer": ("r2", 1)})
    assert signs(after(seen(BOTH, FIRST)), replaced) == []
    assert signs(after(seen(BOTH, FIRST), replaced), seen(BOTH, FIRST)) == ["Role/default/viewer"]


def test_a_generation_that_goes_back_proves_it_and_one_that_grows_does_not() -> None:
    before = after(seen(BOTH, FIRST))
    assert signs(before, seen(BOTH, FIRST | {"Role/viewer": ("r1", 3)})) == ["Role/default/viewer"]
    assert signs(before, seen(BOTH, FIRST | {"Role/viewer": ("r1", 5)})) == []


def test_an_older_regent_proves_it_too() -> None:
    """Its `allow` may have been narrowed since."""

    def with_regent(generation: int) -> DesiredState:
        pushed = seen(BOTH, FIRST)
        regent = pushed.regent.model_copy(update={"uid": "g", "generation": generation})
        return pushed.model_copy(update={"regent": regent})

    before = after(with_regent(7))
    assert signs(before, with_regent(6)) == ["Regent/default/my-regent"]
    assert signs(before, with_regent(8)) == []


def test_what_went_to_another_regent_may_come_back_as_it_is() -> None:
    moved = seen(ALONE, FIRST, deleted=("User/default/ann",)).model_copy(
        update={"elsewhere": ("User/default/ann",)}
    )
    assert signs(after(seen(BOTH, FIRST), moved), seen(BOTH, FIRST)) == []


def test_what_vanished_may_come_back_as_it_is() -> None:
    """A restore of the missing object is the way out of Vanished."""
    assert signs(after(seen(BOTH, FIRST), seen(ALONE, FIRST)), seen(BOTH, FIRST)) == []


def test_what_was_let_in_proves_nothing_any_more() -> None:
    back = seen(BOTH, FIRST | {"Role/viewer": ("r1", 2)})
    before = after(seen(BOTH, FIRST), ANN_LEFT)
    assert len(signs(before, back)) == 2
    assert signs(after(seen(BOTH, FIRST), ANN_LEFT, back), back) == []


def test_a_directory_proves_nothing() -> None:
    """A file comes back with a revert in Git; it has no uid."""
    assert signs(after(state(BOTH), state(ALONE)), state(BOTH)) == []


def test_only_so_many_ended_objects_are_remembered_and_the_latest_stay() -> None:
    old = {f"uid{n}": NOON + timedelta(seconds=n) for n in range(PAST_LIMIT)}
    before = after(seen(BOTH, FIRST)).model_copy(update={"past": old})
    left = accepted(ANN_LEFT, before, NOON + timedelta(hours=2))
    assert len(left.past) == PAST_LIMIT
    assert "u1" in left.past
    assert "uid0" not in left.past


@pytest.mark.found("E141")
def test_an_api_server_that_was_seen_to_go_back_proves_it_of_what_has_no_generation() -> None:
    """Once: who let it in is not asked again, and is where it goes back another time.

    Whoever saw it before that is believed to have seen the same.
    """

    def pushed(revision: int, restored: int) -> DesiredState:
        return seen(BOTH, FIRST).model_copy(update={"revision": revision, "restored": restored})

    before = after(pushed(1000, 0))
    assert [str(sign) for sign in signs_of_restore(before, pushed(3000, 2000))] == [
        "the API server was seen to go back at 1970-01-01T00:00:02Z"
    ]
    not_seen_by_all = after(pushed(1000, 0), pushed(2500, 0))
    assert signs(not_seen_by_all, pushed(3000, 2000)) == ["the API server"]
    waiting = before.model_copy(update={"lets_in": "token"})
    let_in = accepted(pushed(3000, 2000), waiting, NOON)
    assert signs(let_in, pushed(3001, 2000)) == []
    assert signs(let_in, pushed(3001, 2001)) == [], "another controller saw it a moment later"
    assert signs(let_in, pushed(3001, 0)) == []
    assert signs(let_in, pushed(5000, 4000)) == ["the API server"]


@pytest.mark.found("E192")
def test_a_clock_that_is_ahead_is_asked_about_once_and_hides_no_later_restore() -> None:
    now = int(NOON.timestamp() * 1000)
    ahead = now + 10**12

    def pushed(revision: int, restored: int) -> DesiredState:
        return seen(BOTH, FIRST).model_copy(update={"revision": revision, "restored": restored})

    waiting = after(pushed(now - 9000, 0)).model_copy(update={"lets_in": "token"})
    assert signs(waiting, pushed(ahead, ahead - 1)) == ["the API server"]
    let_in = accepted(pushed(ahead, ahead - 1), waiting, NOON)
    again = accepted(pushed(ahead + 1, ahead - 1), let_in, NOON)
    assert signs(let_in, pushed(ahead + 1, ahead - 1)) == [], "the same one"
    assert signs(again, pushed(ahead + 2, now + 5000)) == ["the API server"], (
        "seen by a right clock"
    )


@pytest.mark.found("E192")
def test_a_restore_after_the_last_day_that_can_be_written_is_refused() -> None:
    last = state(ALONE).model_copy(update={"restored": LAST_MOMENT})
    assert "9999-12-31" in str(signs_of_restore(after(state(ALONE)), last)[0])
    with pytest.raises(ValidationError, match="restored"):
        DesiredState.model_validate(last.revealed() | {"restored": LAST_MOMENT + 1})
