"""Which news of an object make the controller look again."""

from __future__ import annotations

from typing import Any

import pytest

from controller.kube.cache import Seen
from controller.observe.caches import begins_deletion, is_mere_status
from tests.unit.cluster.objects import raw, secret

SPEC = {"database": "mydb"}
BEFORE = raw("Role", "viewer", SPEC, generation=2)
GOING = raw("Role", "viewer", SPEC, generation=3, deletionTimestamp="2026-01-01T00:00:00Z")


@pytest.mark.rule("29")
def test_a_status_alone_is_no_reason_to_look_again() -> None:
    after = {**raw("Role", "viewer", SPEC, generation=2, resourceVersion="9"), "status": {"a": 1}}
    assert is_mere_status(Seen(("default", "viewer"), BEFORE, after))


@pytest.mark.parametrize(
    "after",
    [
        raw("Role", "viewer", SPEC, generation=3),
        raw("Role", "viewer", SPEC, generation=2, deletionTimestamp="2026-01-01T00:00:00Z"),
        raw("Role", "viewer", SPEC, generation=2, finalizers=[]),
        raw("Role", "viewer", {"database": "other"}, generation=2),
        None,
    ],
    ids=["another generation", "its deletion", "finalizers", "a restored etcd", "gone"],
)
def test_all_else_is(after: dict[str, Any] | None) -> None:
    assert not is_mere_status(Seen(("default", "viewer"), BEFORE, after))


def test_a_secret_has_no_status() -> None:
    found = secret("passwords", a="b")
    assert not is_mere_status(Seen(("default", "passwords"), found, found))


@pytest.mark.rule("20")
@pytest.mark.parametrize(
    ("before", "after", "begins"),
    [
        (BEFORE, GOING, True),
        (BEFORE, None, True),
        (None, GOING, True),
        (GOING, GOING, False),
        (GOING, None, False),
        (None, BEFORE, False),
        (BEFORE, BEFORE, False),
    ],
    ids=["held", "not held", "listed so", "told again", "let go", "new", "there"],
)
def test_a_deletion_begins_once(
    before: dict[str, Any] | None, after: dict[str, Any] | None, begins: bool
) -> None:
    assert begins_deletion(Seen(("default", "viewer"), before, after)) is begins
