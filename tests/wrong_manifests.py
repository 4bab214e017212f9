"""Manifests that are wrong, each in one way: the models refuse them, and so does the API server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.keys import Kind
from shared.resources import API_VERSION

SECRET = {"name": "passwords", "key": "admin"}
REGENT = {"adminUser": "admin", "databaseHost": "db.example.org", "databaseName": "mydb"}
BARE_REGENT = {**REGENT, "adminPasswordSecretRef": SECRET}
UNTIL = "2030-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Wrong:
    """`said` is what the API server's answer must hold: the field, and the way out."""

    name: str
    kind: Kind
    spec: dict[str, Any]
    said: tuple[str, ...]
    resource: str = "wrong"

    @property
    def manifest(self) -> dict[str, Any]:
        """As it would be applied."""
        return {
            "apiVersion": API_VERSION,
            "kind": self.kind,
            "metadata": {"name": self.resource},
            "spec": self.spec,
        }


def _permission(name: str, *said: str, **spec: Any) -> Wrong:
    return Wrong(name, "Permission", {"database": "mydb", "actions": ["SELECT"], **spec}, said)


def _role(name: str, *said: str, resource: str = "wrong", **spec: Any) -> Wrong:
    return Wrong(name, "Role", {"database": "mydb", **spec}, said, resource)


def _user(name: str, *said: str, resource: str = "wrong", **spec: Any) -> Wrong:
    return Wrong(name, "User", spec, said, resource)


def _regent(name: str, *said: str, **spec: Any) -> Wrong:
    return Wrong(name, "Regent", {**BARE_REGENT, **spec}, said)


def _by_certificate(name: str, *said: str, **spec: Any) -> Wrong:
    bare = {field: one for field, one in BARE_REGENT.items() if field != "adminPasswordSecretRef"}
    spec = {**bare, "clientCertificateSecretRef": {"name": "admin"}, **spec}
    return Wrong(name, "Regent", spec, said)


def _by_token(name: str, *said: str, provider: str = "AWS", region: str = "", **spec: Any) -> Wrong:
    bare = {field: one for field, one in BARE_REGENT.items() if field != "adminPasswordSecretRef"}
    cloud = {"provider": provider, **({"region": region} if region else {})}
    return Wrong(name, "Regent", {**bare, "authentication": cloud, **spec}, said)


WRONG = (
    _permission(
        "two kinds of object",
        "one kind of object",
        "Permissions of their own",
        schemas=["a"],
        tables=["*"],
        sequences=["*"],
    ),
    _permission("tables without schemas", "spec.schemas", "add schemas", tables=["*"]),
    _permission(
        "schemas beside foreign servers",
        "spec.schemas",
        "take it out",
        schemas=["a"],
        foreignServers=["s"],
        actions=["USAGE"],
    ),
    _permission(
        "columns without tables", "spec.columns", "add the tables", schemas=["a"], columns=["c"]
    ),
    _permission(
        "an action that no column has",
        "spec.actions",
        "these do: INSERT, REFERENCES, SELECT, UPDATE",
        schemas=["a"],
        tables=["t"],
        columns=["c"],
        actions=["DELETE"],
    ),
    _permission(
        "a table action on a schema",
        "spec.actions",
        'add tables, such as "*"',
        schemas=["a"],
    ),
    _permission("a table action on a database", "spec.actions", "ALL, CONNECT, CREATE, TEMPORARY"),
    _permission(
        "a database action on tables",
        "spec.actions",
        "does not fit a table",
        schemas=["a"],
        tables=["*"],
        actions=["CONNECT"],
    ),
    _permission(
        "EXECUTE on sequences",
        "spec.actions",
        "ALL, SELECT, UPDATE, USAGE",
        schemas=["a"],
        sequences=["*"],
        actions=["EXECUTE"],
    ),
    _permission("an action in lower case", "spec.actions[0]", "SELECT", actions=["select"]),
    _permission("no action", "spec.actions", "at least 1", actions=[]),
    _permission(
        "an empty list of columns",
        "spec.columns",
        "at least 1",
        schemas=["a"],
        tables=["*"],
        columns=[],
    ),
    _permission(
        "a name of 64 bytes in 32 characters",
        "spec.database",
        "63 bytes",
        database="ü" * 32,
        actions=["CONNECT"],
    ),
    _permission("an unknown field", ".spec.tabels", schemas=["a"], tabels=["*"]),
    _role("a role of PostgreSQL's own", "spec.roleName", "choose another", roleName="pg_read"),
    _role("a word of GRANT", "spec.roleName", "choose another", roleName="public"),
    _role("a resource named public", "metadata.name", "spec.roleName", resource="public"),
    _role("a resource of 64 characters", "metadata.name", "spec.roleName", resource="a" * 64),
    _role("a member of PUBLIC", "public: true makes no role", public=True, roleName="r"),
    _role(
        "default privileges in a schema for schemas",
        "defaultPrivileges[0].schemas",
        "take it out",
        defaultPrivileges=[
            {"creator": "c", "schemas": ["a"], "objects": "schemas", "actions": ["USAGE"]}
        ],
    ),
    _role("a setting that YAML read as a boolean", "spec.parameters.jit", parameters={"jit": True}),
    _role(
        "a setting's name of 128 characters",
        "spec.parameters",
        "shorten it",
        parameters={"a" * 128: "1"},
    ),
    _user("neither database nor roles", "add a role, or a database"),
    _user(
        "two sources of a password",
        "spec.credentials",
        "keep one of them",
        roles=["r"],
        passwordSecretRef=SECRET,
        credentials={"secretName": "s"},
    ),
    _user(
        "leases of a static password",
        "mode Dynamic only",
        roles=["r"],
        credentials={"secretName": "s", "maxTTL": "1h"},
    ),
    _user(
        "rotation of leases",
        "spec.credentials.rotateEvery",
        "take it out",
        roles=["r"],
        credentials={"secretName": "s", "mode": "Dynamic", "rotateEvery": "30d"},
    ),
    _user(
        "leases that are too short",
        "spec.credentials.maxTTL",
        "write 60s, or longer",
        roles=["r"],
        credentials={"secretName": "s", "mode": "Dynamic", "maxTTL": "59s"},
    ),
    _user(
        "access that ends before it begins",
        "spec.access[0].until",
        "give a later time",
        roles=["r"],
        access=[
            {"role": "r", "reason": "x", "from": UNTIL, "until": "2029-01-01T00:00:00Z"},
        ],
    ),
    _user("a date without a time", "spec.validUntil", roles=["r"], validUntil="2030-01-01"),
    _user("a connection limit of -2", "spec.connectionLimit", roles=["r"], connectionLimit=-2),
    _user("a resource named none", "metadata.name", "spec.userName", roles=["r"], resource="none"),
    Wrong(
        "no way to log in", "Regent", dict(REGENT), ("spec.adminPasswordSecretRef", "is required")
    ),
    _regent(
        "two ways to log in", "keep one of", clientCertificateSecretRef={"name": "certificate"}
    ),
    _by_token(
        "a region where there is none",
        "spec.authentication.region",
        "take it out",
        provider="GCP",
        region="europe-west3",
    ),
    _by_token("a token that anybody hears", "spec.tls", "verify-full", tls={"mode": "require"}),
    _regent(
        "a DSN for a host", "spec.databaseHost", "write only that", databaseHost="postgres://x"
    ),
    _regent("a host with its port", "spec.databaseHost", "goes in port", databaseHost="db:5432"),
    _regent("a list of hosts", "spec.databaseHost", "write only that", databaseHost="a,b"),
    _regent("a socket for a host", "spec.databaseHost", "write only that", databaseHost="/run/pg"),
    _regent(
        "a home that is served",
        "spec.homeDatabase",
        "a database of its own",
        additionalDatabases=["postgregent"],
    ),
    _regent(
        "a CA without TLS",
        "spec.tls.caSecretRef",
        "take it out",
        tls={"mode": "disable", "caSecretRef": SECRET},
    ),
    _by_certificate(
        "a client certificate for whoever answers",
        "spec.tls",
        "write verify-full",
        tls={"mode": "require"},
    ),
    _regent(
        "an allowed namespace that names none",
        "spec.allowedNamespaces[0]",
        "keep one of them",
        allowedNamespaces=[{}],
    ),
    _regent(
        "a label requirement without values",
        "values",
        "In and NotIn need values",
        allowedNamespaces=[{"selector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}],
    ),
    _regent("a resync every second", "spec.resyncSeconds", resyncSeconds=1),
    _regent("an image of one's own", "spec.deployment.image", deployment={"image": "evil"}),
)
