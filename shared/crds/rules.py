"""The CEL rules between fields: what the API server itself refuses, with the way out. Pure data.

They say what `breaches()` of the same model says, as far as one object alone can show it; a rule
that stood here alone would be unknown to a directory of files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.privileges import ObjectKind
from shared.resources.permission import KIND_OF_FIELD, SCHEMA_QUALIFIED, fitting_actions

Rule = Mapping[str, str]


def _rule(rule: str, message: str, field: str = "") -> Rule:
    """No messageExpression: a text that joins a list's items is beyond the API server's budget."""
    said = {"rule": rule, "message": message}
    if field:
        said["fieldPath"] = f".{field}"
    return said


def _list(values: Sequence[str]) -> str:
    return "[" + ", ".join(f"'{value}'" for value in values) + "]"


def _any(fields: Sequence[str]) -> str:
    return " || ".join(f"has(self.{field})" for field in fields)


def _count(fields: Sequence[str]) -> str:
    return "[" + ", ".join(f"has(self.{field})" for field in fields) + "].filter(x, x).size()"


def _actions_fit(kind: ObjectKind, named: str, unless: str, way_out: str = "") -> Rule:
    fitting = sorted(fitting_actions(kind))
    return _rule(
        f"{unless} || self.actions.all(a, a in {_list(fitting)})",
        f"one does not fit a {kind.value.lower()} ({named}); these do: "
        f"{', '.join(fitting)}{way_out}",
        "actions",
    )


def _permission() -> list[Rule]:
    kinds = list(KIND_OF_FIELD)
    loose = [field for field in kinds if field not in SCHEMA_QUALIFIED]
    rules = [
        _rule(
            f"{_count(kinds)} <= 1",
            f"a Permission is on one kind of object: keep one of {', '.join(kinds)}, and put the "
            "others into Permissions of their own",
        ),
        _rule(
            f"!({_any(SCHEMA_QUALIFIED)}) || has(self.schemas)",
            f'is missing, and {", ".join(SCHEMA_QUALIFIED)} need it; add schemas, such as "*"',
            "schemas",
        ),
        _rule(
            f"!has(self.schemas) || !({_any(loose)})",
            f"does not go with {', '.join(loose)}, which are in no schema; take it out",
            "schemas",
        ),
        _rule(
            "!has(self.columns) || has(self.tables)",
            "is given without tables; add the tables they are in",
            "columns",
        ),
        _actions_fit(ObjectKind.COLUMN, "columns are named", "!has(self.columns)"),
        _actions_fit(
            ObjectKind.TABLE, "tables are named", "!has(self.tables) || has(self.columns)"
        ),
        _actions_fit(
            ObjectKind.SCHEMA,
            "schemas alone are named",
            f"!has(self.schemas) || {_any(SCHEMA_QUALIFIED)}",
            '; for tables, add tables, such as "*"; for functions, routines',
        ),
        _actions_fit(
            ObjectKind.DATABASE,
            "no schema and no object is named",
            f"has(self.schemas) || {_any(kinds)}",
            '; for schemas, add schemas; for tables, schemas and tables, such as "*"',
        ),
    ]
    rules += [
        _actions_fit(KIND_OF_FIELD[field], f"{field} are named", f"!has(self.{field})")
        for field in kinds
        if field != "tables"
    ]
    return rules


_WAYS_TO_LOG_IN = (
    "adminPasswordSecretRef",
    "connectionSecretRef",
    "clientCertificateSecretRef",
    "authentication",
)
_NOT_OF_PUBLIC = (
    "roleName",
    "memberOf",
    "attributes",
    "parameters",
    "databaseParameters",
    "owns",
    "adopt",
    "renamedFrom",
    "reassignOwnedTo",
)
_HOME = "(has(self.homeDatabase) ? self.homeDatabase : 'postgregent')"

_RULES: Mapping[str, Sequence[Rule]] = {
    "PermissionSpec": _permission(),
    "RoleSpec": [
        _rule(
            f"!has(self.public) || !self.public || !({_any(_NOT_OF_PUBLIC)})",
            f"public: true makes no role; take out {', '.join(_NOT_OF_PUBLIC)}",
        ),
    ],
    "DefaultPrivilege": [
        _rule(
            "!has(self.schemas) || !(self.objects in ['schemas', 'largeObjects'])",
            "does not go with schemas and largeObjects, which are in no schema; take it out",
            "schemas",
        ),
    ],
    "UserSpec": [
        _rule(
            "has(self.database) || (has(self.roles) && size(self.roles) > 0)",
            "a user with no database and no roles belongs to no Regent; add a role, or a database",
        ),
        _rule(
            "has(self.database) || !has(self.owns) || !has(self.owns.schemas)"
            " || size(self.owns.schemas) == 0",
            "schemas are owned in a database; name it in database",
            "owns",
        ),
        _rule(
            "!(has(self.passwordSecretRef) && has(self.credentials))",
            "does not go together with passwordSecretRef; keep one of them",
            "credentials",
        ),
    ],
    "Credentials": [
        _rule(
            "(has(self.mode) && self.mode == 'Dynamic') || "
            "!(has(self.defaultTTL) || has(self.maxTTL) || has(self.serviceAccounts))",
            "defaultTTL, maxTTL and serviceAccounts go with mode Dynamic only; set mode, or take "
            "them out",
        ),
        _rule(
            "!has(self.mode) || self.mode != 'Dynamic' || !has(self.rotateEvery)",
            "goes with mode Static only; take it out",
            "rotateEvery",
        ),
        *(
            _rule(
                f"!has(self.{field}) || !self.{field}.endsWith('s') || "
                f"duration(self.{field}) >= duration('60s')",
                "is shorter than 60s; write 60s, or longer",
                field,
            )
            for field in ("defaultTTL", "maxTTL")
        ),
    ],
    "Access": [
        _rule(
            "!has(self.from) || self.until > self.from",
            "is not after from; give a later time",
            "until",
        ),
    ],
    "RegentSpec": [
        _rule(
            f"{_any(_WAYS_TO_LOG_IN)}",
            "is required; add the name and key of the Secret with the admin's password",
            "adminPasswordSecretRef",
        ),
        _rule(
            f"{_count(_WAYS_TO_LOG_IN)} <= 1",
            f"there is more than one way to log in; keep one of {', '.join(_WAYS_TO_LOG_IN)}",
        ),
        _rule(
            "!(has(self.clientCertificateSecretRef) || has(self.authentication)) || "
            "!has(self.tls) || !has(self.tls.mode) || "
            "!(self.tls.mode in ['disable', 'require'])",
            "mode disable or require does not go with clientCertificateSecretRef and "
            "authentication; leave it out, or write verify-full, or verify-ca with caSecretRef",
            "tls",
        ),
        _rule(
            f"{_HOME} != self.databaseName && "
            f"!(has(self.additionalDatabases) && {_HOME} in self.additionalDatabases)",
            "is also served; keep the Regent's memory in a database of its own (without "
            "homeDatabase it is postgregent)",
            "homeDatabase",
        ),
        _rule(
            "self.databaseHost.matches('^[A-Za-z0-9_.-]+$') || "
            "self.databaseHost.matches('^[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*$')",
            "is not the name or address of one host; write only that, such as db.example.org; the "
            "port goes in port, the database in databaseName",
            "databaseHost",
        ),
    ],
    "Authentication": [
        _rule(
            "!has(self.region) || self.provider == 'AWS'",
            "goes with provider AWS only; take it out",
            "region",
        ),
    ],
    "Tls": [
        _rule(
            "!has(self.caSecretRef) || !has(self.mode) || self.mode != 'disable'",
            "does not go with mode disable; take it out",
            "caSecretRef",
        ),
    ],
    "AllowedNamespace": [
        _rule(
            "(has(self.names) && size(self.names) > 0) != has(self.selector)",
            "needs either names or a selector; keep one of them",
        ),
    ],
    "LabelRequirement": [
        _rule(
            "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
            "In and NotIn need values, Exists and DoesNotExist take none",
            "values",
        ),
    ],
}

_BAD_AS_A_ROLE = "size(self.metadata.name) > 63 || self.metadata.name in ['public', 'none']"
ROOT_RULES: Mapping[str, Sequence[Rule]] = {
    "Role": [
        _rule(
            "has(self.spec.roleName) || (has(self.spec.public) && self.spec.public) || "
            f"!({_BAD_AS_A_ROLE})",
            "metadata.name cannot be the name of a role (63 bytes at most, not public, not none); "
            "name the role in spec.roleName, or rename it",
        ),
    ],
    "User": [
        _rule(
            f"has(self.spec.userName) || !({_BAD_AS_A_ROLE})",
            "metadata.name cannot be the name of a role (63 bytes at most, not public, not none); "
            "name the role in spec.userName, or rename it",
        ),
    ],
}


def rules_of(model: str) -> Sequence[Rule]:
    """The rules of one part of a spec, by the name of its model."""
    return _RULES.get(model, ())
