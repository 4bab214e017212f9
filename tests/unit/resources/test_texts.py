"""No text of a spec holds what can be neither stored nor sent, whatever its field."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from pydantic import ValidationError

from shared.keys import Kind
from shared.problems import Problem, field_text
from shared.resources import API_VERSION
from shared.resources.reading import Mistake, Mistaken, read_manifest
from shared.state import DesiredState, Trouble
from tests.declared import state

SELECTOR = {
    "matchLabels": {"a": "b"},
    "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}],
}
GRANTEE: dict[str, Any] = {
    "database": "mydb",
    "permissions": ["p"],
    "memberOf": [{"role": "group"}],
    "parameters": {"work_mem": "64MB"},
    "databaseParameters": {"mydb": {"work_mem": "64MB"}},
    "owns": {"schemas": [{"name": "s"}]},
    "renamedFrom": "before",
    "deletionPolicy": "Drop",
    "reassignOwnedTo": "heir",
    "regentSelector": SELECTOR,
}
SECRET = {"name": "s", "key": "k"}
WHOLE: dict[Kind, dict[str, Any]] = {
    "Permission": {
        "database": "mydb",
        "actions": ["SELECT"],
        "schemas": ["app_*"],
        "tables": ["*"],
        "columns": ["city"],
        "regentSelector": SELECTOR,
    },
    "Role": {
        **GRANTEE,
        "roleName": "group",
        "defaultPrivileges": [
            {"creator": "app", "schemas": ["app"], "objects": "tables", "actions": ["SELECT"]}
        ],
    },
    "User": {
        **GRANTEE,
        "userName": "ann",
        "passwordSecretRef": SECRET,
        "roles": ["viewer"],
        "validUntil": "2030-01-01T00:00:00Z",
        "access": [
            {
                "role": "admin",
                "from": "2029-01-01T00:00:00Z",
                "until": "2030-01-01T00:00:00Z",
                "reason": "on call",
            }
        ],
    },
    "Regent": {
        "adminUser": "my-admin",
        "adminPasswordSecretRef": SECRET,
        "databaseHost": "db",
        "databaseName": "mydb",
        "additionalDatabases": ["other"],
        "homeDatabase": "home",
        "secretsSelector": {"a": "b"},
        "tls": {"mode": "verify-full", "caSecretRef": SECRET},
        "setRole": "boss",
        "ignoreRoles": ["v-*"],
        "ignoreSchemas": ["tmp_*"],
        "allow": {"databases": ["*"], "names": ["app_*"], "memberOf": ["g"], "actions": ["SELECT"]},
        "allowedNamespaces": [{"names": ["other"], "allow": {"schemas": ["*"]}}],
        "deployment": {
            "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "1"}},
            "nodeSelector": {"a": "b"},
            "tolerations": [{"key": "a", "values": [{"deep": "x"}]}],
            "affinity": {"nodeAffinity": {"x": ["y"]}},
            "priorityClassName": "high",
            "labels": {"a": "b"},
            "annotations": {"a": "b"},
            "imagePullSecrets": [{"name": "s"}],
        },
    },
}


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to every text."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for step, part in inside:
        if isinstance(part, str):
            yield (*path, step)
        else:
            yield from leaves(part, (*path, step))


def read(kind: Kind, spec: dict[str, Any]) -> Any:
    manifest = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": "x"}, "spec": spec}
    return read_manifest(kind, manifest)


def spoilt(spec: dict[str, Any], path: tuple[str | int, ...], by: str) -> dict[str, Any]:
    copy: Any = deepcopy(spec)
    inside = copy
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] += by
    return dict(copy)


@pytest.mark.found("B22b")
@pytest.mark.rule("18")
@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("bad", ["\x00", "\ud800"])
def test_no_text_of_a_spec_holds_what_cannot_be_stored(kind: Kind, bad: str) -> None:
    assert not isinstance(read(kind, WHOLE[kind]), Mistaken)
    for path in leaves(WHOLE[kind]):
        found = read(kind, spoilt(WHOLE[kind], path, bad))
        assert isinstance(found, Mistaken), path
        assert field_text(("spec", *path)) in {mistake.field for mistake in found.mistakes}


@pytest.mark.found("B22b")
@pytest.mark.parametrize("bad", ["\x1b[2J", "\r", "\x9b2J", "\u2028", "\u202e"])
def test_a_reason_is_shown_as_it_stands(bad: str) -> None:
    path = ("access", 0, "reason")
    found = read("User", spoilt(WHOLE["User"], path, bad))
    assert isinstance(found, Mistaken)
    [mistake] = found.mistakes
    assert mistake.field == "spec.access[0].reason"
    assert "control character U+" in mistake.message
    assert not isinstance(read("User", spoilt(WHOLE["User"], path, "\n\t对 密码")), Mistaken)


@pytest.mark.found("B22b")
def test_what_is_said_of_a_text_shows_no_control_character() -> None:
    found = read("User", spoilt(WHOLE["User"], ("access", 0, "reason"), "\x9b\u202e\x00\ud800"))
    assert isinstance(found, Mistaken)
    mistake: Mistake = found.mistakes[0]
    problem = Problem("f", 1, "User x", mistake.field, mistake.value, mistake.message, "")
    assert problem.sentence.isprintable()
    problem.sentence.encode()


@pytest.mark.found("B22b")
def test_a_regent_takes_no_key_that_names_nothing_and_no_text_that_cannot_be_stored() -> None:
    pushed = state("Role/x: {database: mydb}").revealed()
    for spoil in (
        {"resources": {"Role/default/a\0b": pushed["resources"]["Role/default/x"]}},
        {"held": {"Role/default/a\0b": {"reason": "Invalid", "message": "m"}}},
        {"held": {"nonsense": {"reason": "Invalid", "message": "m"}}},
        {"origin": "a\0b"},
        {"deleted": ["Role/default/a\0b"]},
    ):
        with pytest.raises(ValidationError):
            DesiredState.model_validate(pushed | spoil)
    assert Trouble(reason="Invalid", message="a\0b\ud800").message == "a\ufffdb?"
