"""What a lease says: what its User says, and never what would outlast it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from controller.leases.lease import (
    COPIED,
    SUFFIX_LENGTH,
    end_of,
    new_lease,
    new_suffix,
    spec_of,
    too_long,
)
from controller.observe.reader import Reader
from shared.keys import ResourceKey
from shared.resources import User, UserSpec
from tests.unit.leases.made import ASKER, KEY, NOW, template, user

OWN = {
    "user_name": "it is a role of its own",
    "valid_until": "it ends",
    "credentials": "its own Secret keeps its own password",
    "reassign_owned_to": "what it made stays with its User",
}
NEVER = {
    "adopt": "no role that is there becomes a lease",
    "renamed_from": "the same",
    "owns": "what is owned outlasts it",
    "deletion_policy": "Retain would keep the role, LOGIN too",
    "enabled": "a User that is disabled has no leases",
    "password_secret_ref": "never beside credentials",
}
FULL: dict[str, Any] = {
    "database": "mydb",
    "permissions": ["read"],
    "memberOf": [{"role": "readers", "admin": True}],
    "attributes": {"createdb": True},
    "parameters": {"work_mem": "64MB"},
    "databaseParameters": {"mydb": {"search_path": "a"}},
    "connectionLimit": 3,
    "access": [{"role": "admin", "until": "2026-12-31T00:00:00Z", "reason": "why"}],
    "regentSelector": {"matchLabels": {"a": "b"}},
    "owns": {"schemas": [{"name": "s"}]},
    "adopt": True,
    "renamedFrom": "before",
    "deletionPolicy": "Retain",
}


def test_every_field_of_a_user_is_either_copied_or_there_is_a_reason() -> None:
    """A new one is in no lease before somebody has thought of it."""
    assert {*COPIED} | OWN.keys() | NEVER.keys() == {*UserSpec.model_fields}
    assert not {*COPIED} & (OWN.keys() | NEVER.keys())


@pytest.mark.rule("19a")
def test_a_lease_says_what_its_user_says_and_nothing_that_outlasts_it() -> None:
    until = NOW + timedelta(hours=1)
    body = new_lease(template(user(**FULL)), "x7k2m9qa", ASKER, until)
    for field in ("adopt", "renamedFrom", "owns", "deletionPolicy", "passwordSecretRef"):
        assert field not in body["spec"]
    own = {"userName", "validUntil", "credentials", "reassignOwnedTo"}
    copied = {field: value for field, value in body["spec"].items() if field not in own}
    left_out = ("owns", "adopt", "renamedFrom", "deletionPolicy")
    assert copied == {"roles": ["viewer"]} | {
        field: value for field, value in FULL.items() if field not in left_out
    }
    assert body["metadata"]["name"] == "orders-x7k2m9qa"
    assert body["spec"]["userName"] == "orders-x7k2m9qa"
    assert body["spec"]["credentials"] == {"secretName": "login-x7k2m9qa"}
    assert body["spec"]["reassignOwnedTo"] == "orders"
    (owner,) = body["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("User", "uid-orders")


def test_what_is_written_is_what_is_read() -> None:
    """Else a lease would be amended for ever."""
    of = template(user(**FULL))
    body = new_lease(of, "x7k2m9qa", ASKER, end_of(of, NOW, None))
    body["metadata"] |= {"namespace": "default", "uid": "u", "resourceVersion": "1"}
    key = ResourceKey("User", "default", "orders-x7k2m9qa")
    read = Reader().read([("User", body)]).resources[key].resource
    assert isinstance(read, User)
    assert read.spec == spec_of(of, key.name, end_of(of, NOW, None), body["spec"])


@pytest.mark.parametrize(
    ("spec", "wished_hours", "hours"),
    [
        ({}, 1, 1),
        ({}, 48, 24),
        ({"credentials": {"maxTTL": "2h"}}, 3, 2),
        ({"validUntil": "2026-11-28T07:30:00.75Z"}, 1, 0.5),
    ],
    ids=["as it is wished", "a day at most", "its maxTTL at most", "never after its User"],
)
def test_a_lease_ends_with_the_first_of_its_bounds(
    spec: dict[str, Any], wished_hours: float, hours: float
) -> None:
    of = template(user(**spec))
    wished = NOW + timedelta(hours=wished_hours)
    assert end_of(of, NOW, wished) == NOW + timedelta(hours=hours)


def test_a_name_that_postgresql_would_cut_is_refused_with_the_way_out() -> None:
    longest = "r" * (63 - SUFFIX_LENGTH - 1)
    assert too_long(template(user(userName=longest))) == ""
    assert "at most 54 bytes" in too_long(template(user(userName=f"{longest}r")))
    secret = {"secretName": "s" * 245}
    assert "spec.credentials.secretName" in too_long(template(user(credentials=secret)))


def test_suffixes_are_names_to_kubernetes_and_to_postgresql() -> None:
    found = {new_suffix() for _ in range(200)}
    assert len(found) == 200
    assert all(len(one) == SUFFIX_LENGTH and one.isascii() and one.isalnum() for one in found)
    assert all(one == one.lower() for one in found)
    assert KEY.name == "orders"
