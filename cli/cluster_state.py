"""What `uninstall --kubernetes` finds in a cluster, what is left to do, what it tells. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from controller.kube.kinds import JsonObject, is_deleting
from controller.lifecycle.finalizers import LONGEST_SECONDS, is_held
from controller.lifecycle.uninstalled import (
    LEFT_INSTALLED,
    SETTLED,
    UNINSTALLING,
    asks_for_uninstall,
    what_became,
)
from controller.names import REGENT_NAMESPACE
from controller.status.patch import ready_condition
from shared.keys import ResourceKey
from shared.resources.regent import DEFAULT_HOME_DATABASE, DEFAULT_PORT

SIGNS = frozenset({UNINSTALLING.reason, *SETTLED})


@dataclass(frozen=True, slots=True)
class ClusterState:
    """Our objects at one moment; `workloads` are Deployments, None where they may not be listed."""

    objects: Mapping[ResourceKey, JsonObject] = field(repr=False)
    workloads: tuple[JsonObject, ...] | None = field(default=(), repr=False)

    @property
    def regents(self) -> dict[ResourceKey, JsonObject]:
        """By name."""
        return {key: one for key, one in sorted(self.objects.items()) if key.kind == "Regent"}

    @property
    def held(self) -> frozenset[ResourceKey]:
        """What our finalizer is on."""
        return frozenset(key for key, found in self.objects.items() if is_held(found))

    @property
    def to_annotate(self) -> tuple[JsonObject, ...]:
        """The Regents that nobody has asked to go yet."""
        return tuple(one for one in self.regents.values() if not _is_asked(one))

    @property
    def is_off(self) -> bool:
        """No finalizer and, as far as can be seen, nothing that runs a Regent."""
        return not self.held and not self.workloads

    @property
    def shows_a_controller(self) -> bool:
        """One has answered the annotation."""
        return any(_reason(one) in SIGNS for one in self.regents.values() if is_held(one))

    def reason(self, regent: ResourceKey) -> str:
        """Of its condition Ready; empty where there is none."""
        return _reason(self.objects.get(regent) or {})

    @property
    def progress(self) -> tuple[frozenset[ResourceKey], tuple[str, ...]]:
        """What changes when a controller does its work; times and versions do not."""
        return self.held, tuple(_reason(one) for one in self.regents.values())


@dataclass(frozen=True, slots=True)
class Patience:
    """For how long a controller may change nothing before it is taken for gone."""

    first_sign_seconds: float = 30.0

    def seconds(self, *, has_answered: bool) -> float:
        """One that has answered may wait for a server as long as for any deletion."""
        return self.first_sign_seconds + (LONGEST_SECONDS if has_answered else 0.0)


@dataclass(frozen=True, slots=True)
class Farewell:
    """What has become of one Regent. `command` is to be run where its server can be reached."""

    regent: ResourceKey
    became: str
    server: str
    command: str = ""

    @classmethod
    def of(cls, key: ResourceKey, found: JsonObject) -> Farewell:
        """As its status says it; what ran and did not say that it is off has left something."""
        spec = found.get("spec") or {}
        became = what_became(found).reason
        left = became == LEFT_INSTALLED.reason
        server = f"{spec.get('databaseHost')}:{spec.get('port') or DEFAULT_PORT}"
        return cls(key, became, server, command_for(spec) if left else "")

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "regent": f"{self.regent.namespace}/{self.regent.name}",
            "became": self.became,
            "server": self.server,
            "command": self.command,
        }


def command_for(spec: Mapping[str, Any]) -> str:
    """How to clean the server of this Regent by hand."""
    user, database = quote(str(spec.get("adminUser")), safe=""), str(spec.get("databaseName"))
    host = str(spec.get("databaseHost"))
    place = f"[{host}]" if ":" in host else host
    port = spec.get("port") or DEFAULT_PORT
    dsn = f"postgresql://{user}@{place}:{port}/{quote(database, safe='')}"
    if mode := (spec.get("tls") or {}).get("mode"):
        dsn += f"?sslmode={mode}"
    home = str(spec.get("homeDatabase") or DEFAULT_HOME_DATABASE)
    named = f" --home-database {shlex.quote(home)}" if home != DEFAULT_HOME_DATABASE else ""
    return f"postgregent uninstall --dsn {shlex.quote(dsn)}{named}"


def farewells(
    before: Mapping[ResourceKey, JsonObject],
    after: Mapping[ResourceKey, JsonObject],
    *,
    forced: bool,
) -> tuple[Farewell, ...]:
    """Of every Regent. One that was deleted meanwhile was taken off by who deleted it.

    Unless that was us: `forced` says that no controller acted.
    """
    said: list[Farewell] = []
    for key, found in sorted({**before, **after}.items()):
        if key in after or forced:
            said.append(Farewell.of(key, after.get(key, found)))
        else:
            said.append(Farewell(key, "Deleted", Farewell.of(key, found).server))
    return tuple(said)


def of_namespaces(
    workloads: Iterable[JsonObject], namespaces: frozenset[str]
) -> tuple[JsonObject, ...]:
    """Those that run Regents of these namespaces; of all where none is named."""
    return tuple(
        one
        for one in workloads
        if not namespaces or one["metadata"]["labels"].get(REGENT_NAMESPACE) in namespaces
    )


def _is_asked(found: JsonObject) -> bool:
    return asks_for_uninstall(found) or is_deleting(found)


def _reason(found: JsonObject) -> str:
    return str(ready_condition(found.get("status") or {}).get("reason", ""))
