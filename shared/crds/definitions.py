"""One CustomResourceDefinition: names, columns, selectable fields, and the schema below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel

from shared.crds.revision import REVISION_ANNOTATION, SCHEMA_REVISION
from shared.crds.rules import ROOT_RULES, rules_of
from shared.crds.status import status_schema
from shared.crds.structural import structural
from shared.keys import Kind
from shared.resources import (
    GROUP,
    PermissionSpec,
    RegentSpec,
    RoleSpec,
    UserSpec,
    json_schema,
)

VERSION = "v1alpha1"
CATEGORY = "postgregent"


@dataclass(frozen=True, slots=True)
class _Face:
    """How a kind shows itself to kubectl."""

    spec: type[BaseModel]
    plural: str
    short_name: str
    purpose: str
    selectable: tuple[str, ...]
    columns: tuple[Mapping[str, Any], ...] = ()
    wide: tuple[Mapping[str, Any], ...] = ()


def _column(name: str, path: str, kind: str = "string", *, wide: bool = False) -> dict[str, Any]:
    column: dict[str, Any] = {"name": name, "type": kind, "jsonPath": path}
    return {**column, "priority": 1} if wide else column


_DATABASE = _column("Database", ".spec.database", wide=True)
_FACES: Mapping[Kind, _Face] = {
    "Permission": _Face(
        PermissionSpec,
        "permissions",
        "pgperm",
        "Privileges on the objects of one PostgreSQL database, to be given to Roles and Users.",
        (".spec.database",),
        wide=(_DATABASE, _column("Matches", ".status.matches", "integer", wide=True)),
    ),
    "Role": _Face(
        RoleSpec,
        "roles",
        "pgrole",
        "A group of permissions: a role of PostgreSQL that cannot log in.",
        (".spec.database", ".spec.roleName"),
        wide=(_DATABASE,),
    ),
    "User": _Face(
        UserSpec,
        "users",
        "pguser",
        "A role of PostgreSQL that may log in.",
        (".spec.database", ".spec.userName", ".spec.passwordSecretRef.name"),
        wide=(_DATABASE,),
    ),
    "Regent": _Face(
        RegentSpec,
        "regents",
        "pgregent",
        "One PostgreSQL server whose roles and privileges are kept as declared.",
        (".spec.databaseName", ".spec.databaseHost"),
        columns=(
            _column("Last Pass", ".status.lastPassTime", "date"),
            _column("Drifted", '.status.conditions[?(@.type=="Drifted")].status'),
            _column("Drift", ".status.drift", "integer"),
            _column("Held", ".status.held", "integer"),
        ),
        wide=(
            _column("Host", ".spec.databaseHost", wide=True),
            _column("Database", ".spec.databaseName", wide=True),
            _column("Roles", ".status.managedRoles", "integer", wide=True),
        ),
    ),
}


def structural_spec(kind: Kind) -> dict[str, Any]:
    """The schema of `spec`, with its CEL rules and no default."""
    return structural(json_schema(_FACES[kind].spec), rules_of)


def custom_resource_definition(kind: Kind) -> dict[str, Any]:
    """The whole manifest of one kind."""
    face = _FACES[kind]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{face.plural}.{GROUP}",
            "annotations": {REVISION_ANNOTATION: str(SCHEMA_REVISION)},
            "labels": {"app.kubernetes.io/name": "postgregent"},
        },
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": face.plural,
                "singular": face.plural.removesuffix("s"),
                "shortNames": [face.short_name],
                "categories": [CATEGORY],
            },
            "versions": [_version(kind, face)],
        },
    }


def kinds() -> Sequence[Kind]:
    """The four, in the order they are always named in."""
    return get_args(Kind)


def _version(kind: Kind, face: _Face) -> dict[str, Any]:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "selectableFields": [{"jsonPath": path} for path in face.selectable],
        "additionalPrinterColumns": [
            _column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
            _column("Reason", '.status.conditions[?(@.type=="Ready")].reason'),
            *face.columns,
            _column("Age", ".metadata.creationTimestamp", "date"),
            *face.wide,
            _column("Message", '.status.conditions[?(@.type=="Ready")].message', wide=True),
        ],
        "schema": {"openAPIV3Schema": _whole(kind, face)},
    }


def _whole(kind: Kind, face: _Face) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "description": face.purpose,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": f"{GROUP}/{VERSION}"},
            "kind": {"type": "string", "description": kind},
            "metadata": {"type": "object"},
            "spec": structural_spec(kind),
            "status": status_schema(kind),
        },
    }
    if kind in ROOT_RULES:
        schema["x-kubernetes-validations"] = [dict(rule) for rule in ROOT_RULES[kind]]
    return schema
