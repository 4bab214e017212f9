"""Short ways to write accepted states, marks and servers in tests."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from typing import Any

import yaml

from regent.accept.merge import accept
from regent.desired import Attributes
from regent.observed import ObservedRole, ObservedServer
from regent.remembered import AcceptedState, Mark
from regent.resolve import Resolution, Situation, resolve
from shared.keys import ResourceKey
from shared.state import DesiredState, Trouble, etag

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
REGENT = "default/my-regent"
REGENT_SPEC: dict[str, Any] = {
    "adminUser": "my-admin",
    "adminPasswordSecretRef": {"name": "mydb-passwords", "key": "admin"},
    "databaseHost": "localhost",
    "databaseName": "mydb",
}
VERIFIER = "SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==$" + "A" * 43 + "=:" + "B" * 43 + "="

REFERENCE = """
Permission/connect-to-mydb: {database: mydb, actions: [CONNECT]}
Permission/read-schemas-1-and-2:
  {database: mydb, schemas: [schema1, schema2], actions: [SELECT], tables: ["*"]}
Permission/read-write-flights:
  {database: mydb, schemas: ["*"], actions: [SELECT, INSERT, UPDATE, DELETE], tables: [flights]}
Role/mydb-viewer: {database: mydb, permissions: [connect-to-mydb, read-schemas-1-and-2]}
Role/flights-admin: {database: mydb, permissions: [connect-to-mydb, read-write-flights]}
User/summer-intern-2: {roles: [mydb-viewer]}
User/flights-admin: {roles: [flights-admin]}
"""
"""The reference's resources, without the Secrets' part."""


def state(
    text: str,
    *,
    regent: dict[str, Any] | None = None,
    held: dict[str, Trouble] | None = None,
    deleted: tuple[str, ...] = (),
    absent_means: str = "Deleted",
    passwords: dict[str, dict[str, Any]] | None = None,
    revision: int = 1,
    namespaces: dict[str, int] | None = None,
    elsewhere: tuple[str, ...] = (),
) -> DesiredState:
    """A desired state from lines `Kind/name: {spec}`, in namespace default where they name none.

    `namespaces` are the others that the Regent serves, each with its entry in allowedNamespaces.
    """
    resources = {}
    for short, spec in (yaml.safe_load(text) or {}).items():
        kind, _, name = short.partition("/")
        entry: dict[str, Any] = {"kind": kind, "generation": 1, "spec": spec or {}}
        if passwords and short in passwords:
            entry["password"] = passwords[short]
        resources[short if "/" in name else f"{kind}/default/{name}"] = entry
    return DesiredState.model_validate(
        {
            "origin": "directory",
            "revision": revision,
            "regent": {
                "namespace": "default",
                "name": "my-regent",
                "spec": {**REGENT_SPEC, **(regent or {})},
                "namespaces": namespaces,
            },
            "resources": resources,
            "held": held or {},
            "deleted": (*deleted, *elsewhere),
            "elsewhere": elsewhere,
            "absentMeans": absent_means,
        }
    )


def accepted(
    pushed: DesiredState | str, previous: AcceptedState | None = None, at: datetime = NOON
) -> AcceptedState:
    """The push, accepted after what was there."""
    pushed = state(pushed) if isinstance(pushed, str) else pushed
    return accept(previous, pushed, etag(pushed), at)


def _oid_of(name: str) -> int:
    """The same in each run, and none that a test has chosen."""
    return 100_000 + zlib.crc32(name.encode()) % 1_000_000


def mark(
    role: str, holder: str, *, regent: str = REGENT, released: bool = False, oid: int = 0
) -> Mark:
    """`holder` is written `Role/flights-admin`."""
    kind, _, name = holder.partition("/")
    key = ResourceKey.parse(f"{kind}/default/{name}")
    return Mark(role, regent, key, "created", oid or _oid_of(role), released)


def role(name: str, *, oid: int = 0, login: bool = False, **attributes: bool) -> ObservedRole:
    """A role as the catalog has it."""
    return ObservedRole(oid or _oid_of(name), name, login, Attributes(**attributes), -1)


def server(*roles: ObservedRole, major: int = 18) -> ObservedServer:
    """A server with these roles and its admin."""
    return ObservedServer(
        version_num=major * 10_000 + 3,
        system_identifier="7",
        admin="my-admin",
        admin_is_superuser=True,
        roles={one.name: one for one in (*roles, role("my-admin", superuser=True))},
    )


def resolved(
    what: AcceptedState | DesiredState | str,
    *,
    marks: tuple[Mark, ...] = (),
    on: ObservedServer | None = None,
    now: datetime = NOON,
    served: tuple[str, ...] = ("mydb",),
    ordinary: frozenset[str] = frozenset(),
    known: frozenset[str] = frozenset(),
) -> Resolution:
    """Resolve at a moment, on a server."""
    state_ = what if isinstance(what, AcceptedState) else accepted(what)
    return resolve(
        Situation(
            accepted=state_,
            marks=marks,
            server=on or server(),
            regent=REGENT,
            served=served,
            now=now,
            ordinary_parameters=ordinary,
            known_parameters=known,
        )
    )
