"""How what was made is compared with what is there."""

from __future__ import annotations

from controller.workloads.apply import fingerprint

MADE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "a", "labels": {"b": "c"}, "resourceVersion": "7", "managedFields": []},
    "spec": {"clusterIP": "10.0.0.1"},
    "status": {},
}


def test_an_object_is_the_same_in_a_list_as_in_an_answer() -> None:
    """A list does not say the kind of its items: what is there already would be made for ever."""
    listed = {name: value for name, value in MADE.items() if name not in ("apiVersion", "kind")}
    assert fingerprint(listed) == fingerprint(MADE)


def test_another_spec_or_label_is_another_object_and_another_version_is_not() -> None:
    metadata = MADE["metadata"]
    assert isinstance(metadata, dict)
    assert fingerprint({**MADE, "spec": {"clusterIP": "10.0.0.2"}}) != fingerprint(MADE)
    assert fingerprint({**MADE, "metadata": {**metadata, "labels": {}}}) != fingerprint(MADE)
    assert fingerprint({**MADE, "metadata": {**metadata, "resourceVersion": "8"}}) == fingerprint(
        MADE
    )
