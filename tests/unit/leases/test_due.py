"""When a lease ends, goes, or is made to say what its User says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from controller.kube.kinds import JsonObject
from controller.leases.due import GRACE, Deed, Due, find, merging
from controller.leases.lease import ASKED_BY
from tests.unit.cluster.objects import raw
from tests.unit.leases.made import KEY, LEASE, NOW, declared, lease, user

LATER = NOW + timedelta(hours=2)
OWNER = {"apiVersion": "putnam120.postgregent/v1alpha1", "kind": "User", "name": "orders"}


def due(*users: JsonObject, hours: float = 0, doubts: str = "") -> Due | None:
    """What is due of the one lease among them, so many hours from now."""
    found = find(declared(*users, doubts=doubts), NOW + timedelta(hours=hours)).due
    assert len(found) <= 1
    return found[0] if found else None


def deed(*users: JsonObject, hours: float = 0, doubts: str = "") -> Deed | None:
    """Which."""
    found = due(*users, hours=hours, doubts=doubts)
    return found.deed if found else None


def merged(before: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """What the API server makes of a merge patch."""
    after = dict(before)
    for name, value in patch.items():
        was = before.get(name)
        if isinstance(was, dict) and isinstance(value, dict):
            after[name] = merged(was, value)
        else:
            after[name] = value
    return {name: value for name, value in after.items() if value is not None}


def test_a_lease_that_goes_on_is_left_alone_and_looked_at_when_it_ends() -> None:
    found = find(declared(user(), lease()), NOW)
    assert (found.count, found.due) == (1, ())
    assert found.next_at == NOW + timedelta(hours=1) + GRACE


@pytest.mark.rule("19a")
def test_one_that_has_ended_is_deleted_once_its_regents_have_had_time_for_the_end() -> None:
    assert deed(user(), lease(), hours=1) is None
    assert deed(user(), lease(), hours=1.01) is Deed.DELETE


@pytest.mark.rule("19a")
@pytest.mark.parametrize(
    "of",
    [
        user(enabled=False),
        user(validUntil="2026-11-28T06:00:00Z"),
        user(credentials={"serviceAccounts": ["another"]}),
        user(credentials={"mode": "Static", "serviceAccounts": None}),
        user(metadata={"deletionTimestamp": "2026-11-28T06:59:00Z", "finalizers": ["a"]}),
        user(metadata={"uid": "another"}),
    ],
    ids=["disabled", "expired", "another account", "not Dynamic", "going", "made anew"],
)
def test_one_that_its_user_does_not_give_any_more_ends_in_so_many_words(of: JsonObject) -> None:
    """So that the end waits for no release: a deletion may (rule 20)."""
    found = due(of, lease())
    assert found is not None
    assert found.deed is Deed.END
    assert found.patch["spec"] == {"enabled": False, "validUntil": "2026-11-28T07:00:00Z"}
    assert found.patch["metadata"] == {"uid": "uid-lease", "resourceVersion": "9"}
    assert deed(of, lease(hours=-1)) is Deed.DELETE


def test_one_that_somebody_disabled_ends_and_is_never_given_back() -> None:
    assert deed(user(), lease(spec={"enabled": False})) is Deed.END


@pytest.mark.rule("17")
def test_what_is_not_known_whole_is_no_news_of_any_lease() -> None:
    assert deed(lease(), doubts="users: 403") is None
    assert deed(user(enabled=False), lease(), doubts="users: 403") is None


@pytest.mark.rule("17")
def test_while_its_user_cannot_be_read_it_goes_on_as_it_is_and_ends_in_time() -> None:
    broken = user(memberOf="nonsense")
    assert deed(broken, lease()) is None
    assert deed(broken, lease(spec={"roles": ["another"]})) is None
    assert deed(broken, lease(), hours=1.01) is Deed.DELETE


@pytest.mark.rule("19a")
@pytest.mark.parametrize(
    ("of", "spec", "patch"),
    [
        (user(roles=["viewer"]), {"roles": ["viewer", "admin"]}, {"roles": ["viewer"]}),
        (user(), {"attributes": {"superuser": True}}, {"attributes": None}),
        (user(parameters={"a": "1"}), {"parameters": {"a": "1", "b": "2"}},
         {"parameters": {"b": None}}),
        (user(), {"adopt": True, "owns": {"databases": [{"name": "mydb"}]}},
         {"adopt": None, "owns": None}),
        (user(), {"deletionPolicy": "Retain"}, {"deletionPolicy": None}),
        (user(credentials={"maxTTL": "30m", "defaultTTL": "30m"}), {},
         {"validUntil": "2026-11-28T07:30:00Z"}),
        (user(validUntil="2026-11-28T07:20:00Z"), {}, {"validUntil": "2026-11-28T07:20:00Z"}),
        (user(), {"validUntil": None}, {"validUntil": "2026-11-29T07:00:00Z"}),
        (user(), {"validUntil": "2030-01-01T00:00:00Z"}, {"validUntil": "2026-11-29T07:00:00Z"}),
    ],
    ids=["a role", "attributes", "a parameter", "adopt and owns", "Retain", "maxTTL",
         "its User ends", "no end", "an end beyond"],
)  # fmt: skip
def test_one_that_says_something_else_than_its_user_is_amended(
    of: JsonObject, spec: dict[str, Any], patch: dict[str, Any]
) -> None:
    found = due(of, lease(spec=spec))
    assert found is not None
    assert (found.deed, found.patch["spec"]) == (Deed.AMEND, patch)
    after = lease(spec=spec)
    after["spec"] = merged(after["spec"], patch)
    assert due(of, after) is None


def test_a_user_that_somebody_hung_onto_another_is_a_lease_of_that_one_and_ends() -> None:
    """Nobody has asked for it; with the word of who did, it is what its User is."""
    by_hand = raw("User", LEASE.name, {"roles": ["admin"], "adopt": True},
                  ownerReferences=[{**OWNER, "uid": "uid-orders"}],
                  creationTimestamp="2026-11-28T06:59:00Z")  # fmt: skip
    assert deed(user(), by_hand) is Deed.END
    by_hand["metadata"]["annotations"] = {ASKED_BY: "system:serviceaccount:default:api"}
    found = due(user(), by_hand)
    assert found is not None
    assert found.patch["spec"] == {
        "roles": ["viewer"], "adopt": None, "reassignOwnedTo": "orders",
        "userName": LEASE.name, "validUntil": "2026-11-29T06:59:00Z",
        "credentials": {"secretName": "login-aaaaaaaa"},
    }  # fmt: skip


@pytest.mark.parametrize(
    "owner",
    [
        {**OWNER, "uid": "uid-static"},
        {**OWNER, "uid": "uid-gone"},
        {**OWNER, "kind": "ConfigMap", "apiVersion": "v1", "uid": "uid-orders"},
        {**OWNER, "apiVersion": "example.org/v1", "uid": "uid-orders"},
    ],
    ids=["a static User's", "of nobody that there is", "another kind", "another group"],
)
def test_what_belongs_to_no_dynamic_user_is_left_alone(owner: dict[str, str]) -> None:
    static = raw("User", "static", {"roles": ["a"], "credentials": {"secretName": "s"}})
    other = raw("User", "other", {"roles": ["admin"]}, ownerReferences=[owner])
    found = find(declared(user(), static, other), NOW)
    assert (found.count, found.due) == (0, ())


def test_a_user_of_another_namespace_has_no_leases_here() -> None:
    elsewhere = user(metadata={"namespace": "elsewhere"})
    assert deed(elsewhere, lease()) is Deed.END
    assert KEY.namespace == "default"


def test_one_that_is_being_deleted_is_counted_and_left_to_its_end() -> None:
    going = lease(deletionTimestamp="2026-11-28T06:59:00Z", finalizers=["a"])
    found = find(declared(user(enabled=False), going), LATER)
    assert (found.count, found.due, found.next_at) == (1, (), None)


def test_merging_says_what_a_merge_patch_has_to() -> None:
    before = {"a": 1, "b": {"c": 1, "d": 2}, "e": [1], "f": {"g": 1}}
    after = {"a": 2, "b": {"c": 1}, "e": [1], "f": 3}
    assert merging(before, after) == {"a": 2, "b": {"d": None}, "f": 3}
