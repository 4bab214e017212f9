"""From objects of a cluster to what is declared; what is remembered and told of it."""

from __future__ import annotations

import random
from typing import Any

import pytest

from controller.core.secrets import SecretName
from controller.lifecycle.departures import COMPRESSED, DeparturesFull, read, written
from controller.observe.reader import Reader, read_secrets
from controller.status.reporter import event_of
from shared.keys import ResourceKey
from shared.resources import APPROVE_ANNOTATION, RELEASE_ANNOTATION, TAKEOVER_ANNOTATION, Role
from tests.unit.cluster.objects import raw, secret

REGENT = ResourceKey("Regent", "default", "my-regent")
ROLE = ResourceKey("Role", "default", "viewer")


@pytest.mark.rule("18")
def test_a_resource_that_cannot_be_used_is_still_there() -> None:
    found = Reader().read(
        [
            ("Role", raw("Role", "viewer", {"database": "mydb"})),
            ("Role", raw("Role", "newer", {"database": "mydb", "fieldOfTomorrow": 1})),
        ]
    )
    assert found.resources[ROLE].is_valid
    newer = found.resources[ResourceKey("Role", "default", "newer")]
    assert not newer.is_valid
    assert "fieldOfTomorrow" in str(newer.problems[0])


def test_a_resource_is_read_once_for_each_generation() -> None:
    reader = Reader()
    spec = {"database": "mydb"}
    first = reader.read([("Role", raw("Role", "viewer", spec))])
    same = reader.read([("Role", raw("Role", "viewer", spec, resourceVersion="8"))])
    assert same.resources[ROLE] is first.resources[ROLE]
    changed = reader.read([("Role", raw("Role", "viewer", spec, generation=2))])
    assert changed.resources[ROLE] is not first.resources[ROLE]
    relabelled = reader.read([("Role", raw("Role", "viewer", spec, labels={"a": "b"}))])
    assert relabelled.resources[ROLE].resource != first.resources[ROLE].resource


@pytest.mark.rule("28a")
def test_a_generation_that_a_restored_server_gives_again_is_read_again() -> None:
    reader = Reader()
    reader.read([("Role", raw("Role", "viewer", {"database": "mydb"}))])
    other = reader.read([("Role", raw("Role", "viewer", {"database": "other"}))])
    role = other.resources[ROLE].resource
    assert isinstance(role, Role)
    assert role.spec.database == "other"


@pytest.mark.rule("20", "28a")
@pytest.mark.parametrize("name", [RELEASE_ANNOTATION, APPROVE_ANNOTATION, TAKEOVER_ANNOTATION])
def test_what_a_person_says_by_an_annotation_is_read_without_a_new_generation(name: str) -> None:
    reader = Reader()
    key = ResourceKey("Role", "default", "viewer")
    spec = {"database": "mydb"}
    reader.read([("Role", raw("Role", "viewer", spec))])
    said = raw("Role", "viewer", spec, annotations={name: "token"})
    resource = reader.read([("Role", said)]).resources[key].resource
    assert resource is not None
    kinds = {
        RELEASE_ANNOTATION: "Brake",
        APPROVE_ANNOTATION: "Approval",
        TAKEOVER_ANNOTATION: "Takeover",
    }
    kind = kinds[name]
    assert [(one.kind, one.digest) for one in resource.metadata.consents if one.digest] == [
        (kind, "token")
    ]


def test_a_deletion_that_has_begun_is_seen() -> None:
    ending = raw("Role", "viewer", {"database": "mydb"}, deletionTimestamp="2026-01-01T00:00:00Z")
    assert Reader().read([("Role", ending)]).deleting == {ROLE}


@pytest.mark.rule("19")
def test_only_named_secrets_are_looked_at_and_never_shown() -> None:
    raws = {("default", name): secret(name, admin="hidden-value") for name in ("a", "b")}
    raws["default", "a"]["data"]["broken"] = "no base64!"
    found = read_secrets([SecretName("default", "a"), SecretName("default", "gone")], raws)
    (one,) = found.values()
    assert set(one.values) == {"admin"}
    assert "hidden-value" not in repr(found)


@pytest.mark.rule("20")
def test_departures_are_read_back_and_foreign_words_left_out() -> None:
    known = {REGENT: frozenset({ROLE, ResourceKey("User", "default", "a.b")})}
    content = written(known)
    assert read(content["data"], content["binaryData"]) == known
    assert read({"default_my-regent": "nonsense", "x": "[]", "a_b": '["no key"]'}, {}) == {}
    assert read({}, {COMPRESSED: "bm8gZ3ppcA=="}) == {}


@pytest.mark.found("A1")
def test_many_departures_are_packed_and_what_does_not_fit_is_refused() -> None:
    """A ConfigMap holds 1 MiB. What cannot be remembered must not be let go."""

    def long(count: int) -> dict[ResourceKey, frozenset[ResourceKey]]:
        rng = random.Random(1)  # noqa: S311 - the same names each time
        names = ("".join(rng.choices("abcdefghij0123456789", k=253)) for _ in range(count))
        return {REGENT: frozenset(ResourceKey("User", "default", name) for name in names)}

    content = written(known := long(5_000))
    assert set(content["binaryData"]) == {COMPRESSED}
    assert len(content["binaryData"][COMPRESSED]) * 3 // 4 < 1_000_000
    assert read(content["data"], content["binaryData"]) == known
    with pytest.raises(DeparturesFull, match="9000 deletions"):
        written(long(9_000))


READY, INVALID, STALLED = (
    {"conditions": [{"type": "Ready", "status": "True", "reason": "Applied"}]},
    {"conditions": [{"type": "Ready", "status": "False", "reason": "Invalid"}]},
    {"type": "Stalled", "status": "True", "reason": "Invalid"},
)
INVALID_FOR_GOOD = {"conditions": [*INVALID["conditions"], STALLED]}


@pytest.mark.rule("29")
@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ({}, READY, None),
        ({}, INVALID, None),
        ({}, INVALID_FOR_GOOD, "Warning"),
        (INVALID, INVALID_FOR_GOOD, "Warning"),
        (INVALID_FOR_GOOD, INVALID_FOR_GOOD, None),
        (INVALID_FOR_GOOD, INVALID, None),
        (INVALID_FOR_GOOD, READY, "Normal"),
    ],
)
def test_events_are_for_transitions_only(
    before: dict[str, Any], after: dict[str, Any], kind: str | None
) -> None:
    assert event_of(before, after) == kind
