"""What is due of a Secret that keeps a password that is made: made, rotated, amended, or left."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretBytes

from controller.credentials.due import (
    ALPHABET,
    BASIC_AUTH,
    MADE_AT,
    Deed,
    change_of,
    due,
    may_wait,
    new_password,
    new_secret,
)
from controller.credentials.kept import is_reserved, trouble_of
from shared.resources import ROTATE_ANNOTATION
from tests.unit.credentials.made import KEY, NAME, NOW, PASSWORD, a_secret, a_state, wanted

DAYS_30 = {"rotateEvery": "30d"}
OWNER = {
    "apiVersion": "putnam120.postgregent/v1alpha1", "kind": "User", "name": "ann", "uid": "uid-ann",
}  # fmt: skip


def asked(word: str) -> dict[str, Any]:
    return {"annotations": {ROTATE_ANNOTATION: word}}


def test_a_password_is_letters_and_digits_as_many_as_are_asked_for_and_never_twice_the_same() -> (
    None
):
    made = {new_password(length) for length in (16, 32, 128)}
    assert {len(one) for one in made} == {16, 32, 128}
    assert all(set(one) <= set(ALPHABET) for one in made)
    assert len({new_password(32) for _ in range(100)}) == 100
    assert (wanted().length, wanted(spec={"length": 64}).length) == (32, 64)


def test_a_secret_says_all_that_a_client_needs_and_goes_with_its_user() -> None:
    body = new_secret(wanted(), PASSWORD, NOW)
    said = {key: base64.b64decode(value).decode() for key, value in body["data"].items()}
    assert said == {
        "username": "ann", "password": PASSWORD, "host": "db.example.org", "port": "6432",
        "dbname": "mydb",
    }  # fmt: skip
    assert body["type"] == BASIC_AUTH
    assert body["metadata"]["ownerReferences"] == [OWNER]
    assert body["metadata"]["annotations"][MADE_AT] == "2026-11-28T07:00:00Z"
    assert PASSWORD not in repr(a_secret())


def test_on_two_servers_it_says_neither_and_of_two_databases_none() -> None:
    assert set(wanted(a_state("one"), a_state("two")).plain) == {"username"}
    more = "Role/other: {database: shop}\n"
    assert "dbname" not in wanted(a_state(more=more), roles=("viewer", "other")).plain


def test_what_is_as_it_shall_be_is_left() -> None:
    assert due(wanted(), a_secret(), NOW + timedelta(days=999), is_sure=True) is None


@pytest.mark.rule("19")
@pytest.mark.parametrize(
    ("metadata", "is_ours"),
    [
        ({}, True),
        ({"ownerReferences": [{**OWNER, "uid": "of-another"}]}, False),
        ({"ownerReferences": [{**OWNER, "kind": "Deployment"}]}, False),
        ({"ownerReferences": [{**OWNER, "apiVersion": "example.org/v1"}]}, False),
        ({"ownerReferences": []}, False),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, False),
    ],
)
def test_a_secret_of_somebody_else_is_neither_changed_nor_believed(
    metadata: dict[str, Any], is_ours: bool
) -> None:
    """Whatever is due of it, and though it is written as ours are."""
    found = a_secret(**metadata)
    one = wanted(spec=DAYS_30, **asked("now"))
    assert (due(one, found, NOW + timedelta(days=31), is_sure=True) is not None) is is_ours
    trouble = trouble_of(KEY, one.uid, NAME, {NAME: found})
    assert (trouble is None) is is_ours
    assert is_ours or (trouble and PASSWORD not in trouble.message)


def test_one_of_an_earlier_user_of_its_name_goes_with_that_one_and_is_waited_for() -> None:
    of_an_earlier = a_secret(ownerReferences=[{**OWNER, "uid": "before"}])
    trouble = trouble_of(KEY, "uid-ann", NAME, {NAME: of_an_earlier})
    assert trouble is not None
    assert trouble.reason == "SecretNotFound"
    of_another = a_secret(ownerReferences=[{**OWNER, "name": "bob", "uid": "bob"}])
    trouble = trouble_of(KEY, "uid-ann", NAME, {NAME: of_another})
    assert trouble is not None
    assert trouble.reason == "SecretTaken"
    assert "secretName" in trouble.message


def test_a_password_is_rotated_when_its_time_is_over_and_not_before() -> None:
    one, found = wanted(spec=DAYS_30), a_secret()
    almost = NOW + timedelta(days=30, seconds=-1)
    assert due(one, found, almost, is_sure=True) is None
    assert due(one, found, almost + timedelta(seconds=1), is_sure=True) is Deed.ROTATE
    unknown = a_secret(annotations={MADE_AT: "yesterday"}, creationTimestamp="2026-11-28T07:00:00Z")
    assert due(one, unknown, almost, is_sure=True) is None, (
        "made when its Secret was, at the latest"
    )


@pytest.mark.found("E421")
def test_a_password_that_a_wrong_clock_dated_is_not_waited_for() -> None:
    one, ahead = wanted(spec=DAYS_30), a_secret(NOW + timedelta(days=3650))
    assert due(one, ahead, NOW, is_sure=True) is Deed.ROTATE
    assert due(one, a_secret(NOW), NOW, is_sure=True) is None
    slightly = a_secret(NOW + timedelta(minutes=1))
    assert due(one, slightly, NOW, is_sure=True) is None, "two controllers, two clocks"
    assert due(wanted(), ahead, NOW, is_sure=True) is None, "nothing is rotated by time"


def test_a_word_rotates_once_and_another_word_once_more() -> None:
    first = wanted(**asked("it leaked"))
    found = a_secret()
    assert due(first, found, NOW, is_sure=True) is Deed.ROTATE
    done = a_secret(one=first)
    assert due(first, done, NOW, is_sure=True) is None
    assert due(wanted(), done, NOW, is_sure=True) is None, "the annotation was taken away"
    assert due(wanted(**asked("again")), done, NOW, is_sure=True) is Deed.ROTATE


@pytest.mark.rule("19")
def test_a_password_that_was_lost_is_made_anew_at_once_and_any_other_rotation_may_wait() -> None:
    lost = replace(a_secret(), values={"password": SecretBytes(b"\n")})
    gone = replace(a_secret(), values={})
    for found in (lost, gone):
        assert due(wanted(), found, NOW, is_sure=True) is Deed.ROTATE
        assert not may_wait(Deed.ROTATE, found, is_first=False)
    assert due(wanted(), None, NOW, is_sure=True) is Deed.MAKE
    assert not may_wait(Deed.MAKE, None, is_first=True)
    assert may_wait(Deed.MAKE, None, is_first=False), "clients go on with what they have read"
    assert may_wait(Deed.ROTATE, a_secret(), is_first=False)


def test_another_server_is_said_and_the_password_stays() -> None:
    one, found = wanted(a_state("new.example.org")), a_secret()
    assert due(one, found, NOW, is_sure=True) is Deed.AMEND
    assert due(one, found, NOW, is_sure=False) is None, "a Regent may be unknown for a moment"
    change = change_of(one, found, None, NOW)
    assert change["metadata"] == {"uid": "uid-login", "resourceVersion": "3"}
    assert "password" not in change["data"]
    assert base64.b64decode(change["data"]["host"]) == b"new.example.org"
    nowhere = change_of(wanted(a_state("one"), a_state("two")), found, "other", NOW)
    assert nowhere["data"]["host"] is None
    assert base64.b64decode(nowhere["data"]["password"]) == b"other"
    assert nowhere["metadata"]["annotations"][MADE_AT] == "2026-11-28T07:00:00Z"


def test_names_of_what_the_controller_makes_for_itself_are_not_given_away() -> None:
    taken = replace(NAME, name="regent-my-regent-0123456789")
    assert is_reserved(taken, "default")
    assert not is_reserved(taken, "elsewhere")
    assert not is_reserved(NAME, "default")
