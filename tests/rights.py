"""Rights as data: what manifests of RBAC give, what was asked of an API server, and the difference.

Both ways: what was asked and is not given, and what is given and was never asked for, or only for
less than it gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

EVERYWHERE = ""
Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One verb on one resource. `places` are namespaces; without a name it is for every name."""

    group: str
    resource: str
    verb: str
    places: tuple[str, ...]
    name: str = ""

    def covers(self, asked: Asked) -> bool:
        """Whether it allows this."""
        return (
            (self.group, self.resource, self.verb) == (asked.group, asked.resource, asked.verb)
            and (EVERYWHERE in self.places or asked.place in self.places)
            and self.name in ("", asked.name)
        )


@dataclass(frozen=True, slots=True, order=True)
class Asked:
    """One request, as its authorization saw it. No place: the whole cluster, or no namespace."""

    group: str
    resource: str
    verb: str
    place: str
    name: str = ""


def given(objects: Iterable[Manifest], namespace: str, account: str) -> frozenset[Right]:
    """What the Roles and ClusterRoles bound to a service account give it."""
    found = list(objects)
    places: dict[tuple[str, str, str], list[str]] = {}
    for one in found:
        if one["kind"] in ("RoleBinding", "ClusterRoleBinding") and _is_for(
            one, namespace, account
        ):
            place = one["metadata"].get("namespace", EVERYWHERE)
            role = one["roleRef"]
            home = place if role["kind"] == "Role" else EVERYWHERE
            places.setdefault((role["kind"], home, role["name"]), []).append(place)
    return frozenset(
        right
        for one in found
        if one["kind"] in ("Role", "ClusterRole")
        for bound in [places.get((one["kind"], _home(one), one["metadata"]["name"]))]
        if bound
        for right in rights_of(one, tuple(sorted(bound)))
    )


def rights_of(role: Manifest, places: tuple[str, ...]) -> Iterable[Right]:
    """Its rules, one right each, as they hold in these places."""
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    for name in rule.get("resourceNames") or [""]:
                        yield Right(group, resource, verb, places, name)


def uncovered(rights: Iterable[Right], asked: Iterable[Asked]) -> set[Asked]:
    """What was asked and no right allows."""
    held = list(rights)
    return {one for one in asked if not any(right.covers(one) for right in held)}


def unused(rights: Iterable[Right], asked: Iterable[Asked]) -> dict[Right, str]:
    """Rights that nothing asked for, or that give more than was asked for, and how so."""
    asked = list(asked)
    found = {right: _excess(right, [one for one in asked if right.covers(one)]) for right in rights}
    return {right: why for right, why in found.items() if why}


def _excess(right: Right, used: list[Asked]) -> str:
    if not used:
        return "never asked for"
    places, names = {one.place for one in used}, {one.name for one in used}
    if EVERYWHERE in right.places and len(places) == 1 and places != {EVERYWHERE}:
        return f"everywhere, and asked for in {places.pop()} alone"
    if not right.name and len(names) == 1 and names != {""}:
        return f"for every name, and asked for {names.pop()} alone"
    return ""


def _is_for(binding: Manifest, namespace: str, account: str) -> bool:
    wanted = {"kind": "ServiceAccount", "name": account, "namespace": namespace}
    return any(wanted.items() <= subject.items() for subject in binding["subjects"])


def _home(role: Manifest) -> str:
    return str(role["metadata"].get("namespace", EVERYWHERE))
