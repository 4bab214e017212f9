"""Who may hold a finalizer, and what is said of a Regent that leaves."""

from __future__ import annotations

from typing import Any

import pytest

from controller.lifecycle.finalizers import Release
from controller.lifecycle.holding import giving
from controller.lifecycle.last_words import regent_words
from controller.lifecycle.uninstalled import (
    LEFT_INSTALLED,
    NOTHING_INSTALLED,
    UNINSTALLED,
    asking,
    asks_for_uninstall,
    settled,
    what_became,
)
from controller.observe.doubts import Doubts
from controller.observe.reader import Reader
from controller.regents.outcome import NotReached
from shared.http import DetectorBody, StatusBody
from shared.keys import ResourceKey
from shared.resources import UNINSTALL_ANNOTATION
from tests.unit.cluster.objects import REGENT_SPEC, raw

pytestmark = pytest.mark.rule("28")
REGENT = ResourceKey("Regent", "default", "my-regent")
ROLE = ResourceKey("Role", "default", "mydb-viewer")
ROLE_SPEC = {"database": "mydb", "permissions": []}


def gives(*regents: dict[str, Any], off: bool = False, why: str = "") -> bool:
    found = [("Regent", one) for one in regents]
    role = ("Role", raw("Role", "mydb-viewer", ROLE_SPEC))
    declared = Reader().read([*found, role], Doubts({"default": why}))  # type: ignore[list-item]
    return giving(declared, frozenset({REGENT} if off else ()))(ROLE)


def test_a_role_is_given_where_a_regent_is_that_was_not_taken_off() -> None:
    regent = raw("Regent", "my-regent", REGENT_SPEC)
    assert gives(regent)
    assert not gives(regent, off=True)
    assert not gives()


def test_what_cannot_be_read_or_is_not_known_whole_may_give() -> None:
    """An invalid Regent goes on with what it accepted; an unsynced namespace may have one."""
    assert gives(raw("Regent", "my-regent", {"adminUser": 3}))
    assert gives(why="regents: 403")


def test_a_regent_of_another_namespace_gives_where_it_allows_it() -> None:
    elsewhere = raw("Regent", "other", REGENT_SPEC, namespace="elsewhere")
    assert not gives(elsewhere)
    allowing = {**REGENT_SPEC, "allowedNamespaces": [{"names": ["default"]}]}
    assert gives(raw("Regent", "other", allowing, namespace="elsewhere"))


def test_what_a_regent_has_of_a_namespace_that_is_shut_out_is_held_until_it_was_told() -> None:
    elsewhere = raw("Regent", "other", REGENT_SPEC, namespace="elsewhere")
    role = raw("Role", "mydb-viewer", ROLE_SPEC)
    declared = Reader().read([("Regent", elsewhere), ("Role", role)])
    assert giving(declared, frozenset(), lambda key: key == ROLE)(ROLE)
    assert not giving(declared, frozenset())(ROLE)


def test_only_true_asks_and_a_deletion_comes_first() -> None:
    def annotated(value: str, **more: Any) -> dict[str, Any]:
        return raw("Regent", "a", {}, annotations={UNINSTALL_ANNOTATION: value}, **more)

    assert asks_for_uninstall(annotated("true"))
    assert not asks_for_uninstall(annotated("false"))
    assert not asks_for_uninstall(raw("Regent", "a", {}))
    assert not asks_for_uninstall(annotated("true", deletionTimestamp="2026-01-01T00:00:00Z"))
    assert asking(raw("Regent", "a", {}))["metadata"]["uid"] == "uid-a"


@pytest.mark.found("C26")
@pytest.mark.parametrize(
    ("status", "reason", "became"),
    [
        ({}, Release.ENDED, UNINSTALLED),
        ({}, Release.UNREACHABLE, NOTHING_INSTALLED),
        ({}, Release.TIMED_OUT, NOTHING_INSTALLED),
        ({"acceptedRevision": 1}, Release.UNREACHABLE, LEFT_INSTALLED),
        ({"detector": {"mode": "Triggers"}}, Release.TIMED_OUT, LEFT_INSTALLED),
        ({}, None, NOTHING_INSTALLED),
        ({"acceptedRevision": 1}, None, LEFT_INSTALLED),
        ({"conditions": [{"type": "Ready", "status": "False", "reason": "Uninstalled"}],
          "acceptedRevision": 1}, None, UNINSTALLED),
        ({"conditions": [{"type": "Ready", "status": "False", "reason": "LeftInstalled"}]},
         None, LEFT_INSTALLED),
    ],
)  # fmt: skip
def test_a_status_that_was_written_is_believed_by_the_next_controller(
    status: dict[str, Any], reason: Release | None, became: NotReached
) -> None:
    """Otherwise what does not run, and has accepted something, has left something."""
    found = {**raw("Regent", "a", {}), "status": status}
    assert what_became(found, reason) == became


@pytest.mark.found("C26")
def test_what_it_said_before_its_status_was_written_counts() -> None:
    """It had the lock, or it would not have accepted anything."""
    found, detector = raw("Regent", "a", {}), DetectorBody(mode="None", healthy=False)
    never = StatusBody(sequence=1, detector=detector)
    once = StatusBody(sequence=1, detector=detector, accepted_revision=1)
    assert what_became(found, Release.UNREACHABLE, never) == NOTHING_INSTALLED
    assert what_became(found, Release.UNREACHABLE, once) == LEFT_INSTALLED


def test_a_regent_that_runs_is_not_settled() -> None:
    ready = {"conditions": [{"type": "Ready", "status": "True", "reason": "Running"}]}
    assert settled({**raw("Regent", "a", {}), "status": ready}) is None


@pytest.mark.parametrize(
    ("reason", "is_braked", "roles", "word", "phrase"),
    [
        (Release.ENDED, True, 3, "BrakePulled", "3 roles stay as they are"),
        (Release.ENDED, True, 1, "BrakePulled", "1 role stays as it is"),
        (Release.ENDED, False, 2, "RolesLeft", "2 roles stay as they are"),
        (Release.UNREACHABLE, False, 3, "LeftInstalled", "3 roles stay as they are"),
        (Release.TIMED_OUT, False, 0, "LeftInstalled", "uninstall --dsn"),
    ],
)
def test_the_last_words_of_a_regent_count_the_roles_and_name_the_way_out(
    reason: Release, is_braked: bool, roles: int, word: str, phrase: str
) -> None:
    words = regent_words(reason, is_braked=is_braked, roles=roles)
    assert words is not None
    assert words[0] == word
    assert phrase in words[1]
    assert ("by hand" in words[1]) == (roles > 0)
    assert "with LOGIN" not in words[1], "some of them never had it"


def test_a_regent_that_leaves_nothing_has_no_last_words() -> None:
    assert regent_words(Release.ENDED, is_braked=False, roles=0) is None
