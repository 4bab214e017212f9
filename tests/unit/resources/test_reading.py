"""Reading a manifest: everything that is wrong with it at once, and no secret repeated."""

from __future__ import annotations

from typing import Any

import pytest

from shared.resources.base import API_VERSION
from shared.resources.reading import Mistake, Mistaken, read_manifest


def mistakes(kind: Any, spec: dict[str, Any], **metadata: Any) -> dict[str, Mistake]:
    """Each mistake of a manifest by its field."""
    manifest = {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": "x", **metadata},
        "spec": spec,
    }
    found = read_manifest(kind, manifest)
    assert isinstance(found, Mistaken)
    return {mistake.field: mistake for mistake in found.mistakes}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("tabels", "tables"),
        ("table", "tables"),
        ("with_grant_option", "withGrantOption"),
        ("withgrantoption", "withGrantOption"),
    ],
)
def test_an_unknown_field_is_refused_with_the_nearest_known_one(written: str, meant: str) -> None:
    spec = {"database": "d", "actions": ["CONNECT"], written: True}
    assert mistakes("Permission", spec)[f"spec.{written}"].way_out == f"did you mean {meant}?"


def test_an_unknown_field_far_down_knows_its_neighbours() -> None:
    found = mistakes("User", {"roles": ["r"], "passwordSecretRef": {"nam": "s", "key": "k"}})
    assert list(found) == ["spec.passwordSecretRef.nam"]
    assert found["spec.passwordSecretRef.nam"].way_out == "did you mean name?"


def test_an_unknown_field_does_not_hide_the_other_mistakes() -> None:
    found = mistakes("Permission", {"database": "d", "actions": ["SELECT"], "tabels": ["t"]})
    assert set(found) == {"spec.tabels", "spec.schemas"}


def test_python_names_are_not_field_names() -> None:
    """What the API server would refuse must not pass in a directory."""
    assert "spec.role_name" in mistakes("Role", {"database": "d", "role_name": "x"})


def test_values_of_unknown_and_secret_fields_are_never_repeated() -> None:
    spec = {"roles": ["r"], "password": "canary", "passwordSecretRef": "canary"}
    assert "canary" not in repr(mistakes("User", spec))


def test_a_missing_field_is_named() -> None:
    assert mistakes("Role", {})["spec.database"].message == "is required"


def test_a_number_for_a_name_is_to_be_quoted() -> None:
    assert mistakes("Role", {"database": 123})["spec.database"].way_out == 'quote it: "123"'


def test_a_mistake_in_metadata_is_found_too() -> None:
    found = mistakes("Role", {"database": "d"}, lables={})
    assert found["metadata.lables"].way_out == "did you mean labels?"
