"""Permission: one kind of object, complete, with actions that fit."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from shared.privileges import ObjectKind
from shared.resources import Permission
from shared.resources.base import API_VERSION
from shared.resources.permission import PermissionSpec
from shared.resources.reading import Mistaken, read_manifest


def read(**spec: Any) -> Permission | list[tuple[str, str]]:
    """The Permission, or each mistake's field and message."""
    manifest = {
        "apiVersion": API_VERSION,
        "kind": "Permission",
        "metadata": {"name": "p"},
        "spec": {"database": "mydb", **spec},
    }
    found = read_manifest("Permission", manifest)
    if isinstance(found, Mistaken):
        return [(mistake.field, mistake.message) for mistake in found.mistakes]
    assert isinstance(found, Permission)
    return found


@pytest.mark.rule("14")
@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"actions": ["CONNECT"]}, ObjectKind.DATABASE),
        ({"actions": ["ALL"], "schemas": ["a"]}, ObjectKind.SCHEMA),
        ({"actions": ["MAINTAIN"], "schemas": ["a"], "tables": ["*"]}, ObjectKind.TABLE),
        (
            {"actions": ["UPDATE"], "schemas": ["a"], "tables": ["t"], "columns": ["c"]},
            ObjectKind.COLUMN,
        ),
        ({"actions": ["USAGE"], "schemas": ["a"], "sequences": ["*"]}, ObjectKind.SEQUENCE),
        ({"actions": ["EXECUTE"], "schemas": ["a"], "routines": ["f(int)"]}, ObjectKind.ROUTINE),
        ({"actions": ["USAGE"], "schemas": ["a"], "types": ["*"]}, ObjectKind.TYPE),
        ({"actions": ["USAGE"], "foreignServers": ["s"]}, ObjectKind.FOREIGN_SERVER),
        ({"actions": ["USAGE"], "foreignDataWrappers": ["w"]}, ObjectKind.FOREIGN_DATA_WRAPPER),
        ({"actions": ["USAGE"], "languages": ["plpgsql"]}, ObjectKind.LANGUAGE),
        ({"actions": ["CREATE"], "tablespaces": ["fast"]}, ObjectKind.TABLESPACE),
        ({"actions": ["SET", "ALTER SYSTEM"], "parameters": ["work_mem"]}, ObjectKind.PARAMETER),
        ({"actions": ["SELECT"], "largeObjects": [16400]}, ObjectKind.LARGE_OBJECT),
        (
            {"actions": ["SELECT"], "schemas": ["a"], "propertyGraphs": ["*"]},
            ObjectKind.PROPERTY_GRAPH,
        ),
    ],
)
def test_what_is_named_says_what_the_actions_are_on(
    fields: dict[str, Any], kind: ObjectKind
) -> None:
    found = read(**fields)
    assert isinstance(found, Permission)
    assert found.spec.object_kind is kind


@pytest.mark.rule("14")
@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"actions": ["SELECT"]}, "spec.actions[0]", "does not fit a database"),
        ({"actions": ["CREATE", "SELECT"], "schemas": ["a"]}, "spec.actions[1]", "fit a schema"),
        ({"actions": ["USAGE"], "schemas": ["a"], "tables": ["t"]}, "spec.actions[0]", "a table"),
        (
            {"actions": ["DELETE"], "schemas": ["a"], "tables": ["t"], "columns": ["c"]},
            "spec.actions[0]",
            "does not fit a column",
        ),
        (
            {"actions": ["ALL"], "schemas": ["a"], "tables": ["t"], "columns": ["c"]},
            "spec.actions[0]",
            "does not fit a column",
        ),
        ({"actions": ["select"]}, "spec.actions[0]", "is not in upper case"),
        ({"actions": ["SELCT"]}, "spec.actions[0]", "is not an action"),
        ({"actions": []}, "spec.actions", "is an empty list"),
        ({"actions": ["SELECT"], "tables": ["t"]}, "spec.schemas", "is missing"),
        ({"actions": ["SELECT"], "columns": ["c"]}, "spec.columns", "without tables"),
        (
            {"actions": ["SELECT"], "schemas": ["a"], "tables": ["t"], "sequences": ["s"]},
            "spec.sequences",
            "does not go together with tables",
        ),
        (
            {"actions": ["USAGE"], "schemas": ["a"], "languages": ["l"]},
            "spec.schemas",
            "does not go with languages",
        ),
        ({"actions": ["CONNECT"], "schemas": "a"}, "spec.schemas", "where a list belongs"),
        ({"actions": ["SELECT"], "largeObjects": [0]}, "spec.largeObjects[0]", "too small"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_field(
    fields: dict[str, Any], field: str, message: str
) -> None:
    found = read(**fields)
    assert isinstance(found, list)
    assert [(name, message in said) for name, said in found] == [(field, True)]


def test_every_action_that_does_not_fit_is_named_not_only_the_first() -> None:
    found = read(actions=["SELECT", "CONNECT", "USAGE"])
    assert isinstance(found, list)
    assert [field for field, _ in found] == ["spec.actions[0]", "spec.actions[2]"]


@pytest.mark.parametrize("field", ["tables", "columns", "sequences"])
def test_an_empty_list_is_refused_because_it_would_widen_the_grant(field: str) -> None:
    """`columns: []` from a template must not become a grant on the whole table."""
    found = read(actions=["ALL"], schemas=["a"], **{"tables": ["t"], field: []})
    assert isinstance(found, list)
    assert (f"spec.{field}", "is an empty list") in found


def test_null_is_the_same_as_leaving_a_field_out() -> None:
    found = read(actions=["CONNECT"], schemas=None, implied=None)
    assert isinstance(found, Permission)
    assert found.spec.object_kind is ObjectKind.DATABASE


def test_defaults_live_in_the_model_and_not_in_what_is_written() -> None:
    spec = PermissionSpec(database="mydb", actions=("CONNECT",))
    assert spec.model_dump(by_alias=True) == {"database": "mydb", "actions": ("CONNECT",)}


def test_what_was_written_is_read_back_the_same() -> None:
    spec = PermissionSpec.model_validate(
        {
            "database": "d",
            "actions": ["SELECT"],
            "schemas": ["*"],
            "tables": ["*"],
            "implied": False,
        }
    )
    again = PermissionSpec.model_validate_json(spec.model_dump_json(by_alias=True))
    assert again == spec


def test_a_permission_cannot_be_changed() -> None:
    spec = PermissionSpec(database="mydb", actions=("CONNECT",))
    with pytest.raises(ValidationError):
        spec.database = "other"  # type: ignore[misc]


@pytest.mark.found("E80")
@pytest.mark.parametrize(
    ("written", "meant"),
    [("read", "write SELECT; "), ("WRITE", "write INSERT, UPDATE, DELETE; "), ("exec", "EXECUTE")],
)
def test_what_people_call_a_privilege_is_told_under_its_name(written: str, meant: str) -> None:
    spec = {"database": "mydb", "actions": [written]}
    named = {"apiVersion": API_VERSION, "kind": "Permission", "metadata": {"name": "p"}}
    found = read_manifest("Permission", {**named, "spec": spec})
    assert isinstance(found, Mistaken)
    assert meant in found.mistakes[0].way_out
    assert "CREATE, DELETE" in found.mistakes[0].way_out, "all that there are"
