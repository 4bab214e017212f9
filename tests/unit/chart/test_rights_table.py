"""The README's table "Rights, line by line" is what the chart makes, neither more nor less."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from controller.gateway import authorization as gatekeeper
from controller.kube import kinds
from controller.kube.kinds import Kind
from tests.rights import EVERYWHERE, Right, given, rights_of
from tests.unit.chart.rendering import CHART, INSTALLATIONS, NAMESPACE, objects, of_kind, the

NAMED = re.compile(r"(?P<resources>[^:]*?)(?: named (?P<names>[^:]*))?: (?P<verbs>[^(]*)")
IN_TICKS = re.compile(r"`([^`]+)`")
GROUPS = {
    found.plural: found.group
    for module in (kinds, gatekeeper)
    for found in vars(module).values()
    if isinstance(found, Kind)
}
PEOPLE = {
    "people with view": "view",
    "people with admin": "editor",
    "nobody by itself": "regent-admin",
}
WITH_RIGHTS = [name for name in INSTALLATIONS if name != "without rights"]


def rows() -> Iterator[tuple[str, str, str]]:
    """Who, where and what; "the same" stands for the line before."""
    table = (CHART / "README.md").read_text("utf-8").partition("## Rights, line by line")[2]
    before = ""
    for line in table.partition("\n## ")[0].splitlines():
        if line.startswith("| ") and not line.startswith("| who "):
            who, where, what, _ = (cell.strip() for cell in line.strip("|").split("|"))
            before = where = where.replace("the same", before.partition(", with")[0])
            yield who, where, what


def names_of(where: str, values: Mapping[str, Any]) -> list[str]:
    """Of what has no namespace, and is itself one of the list."""
    watched = values.get("watch", {}).get("namespaces", ())
    return sorted(watched) if where.endswith("by name") else []


def said(
    what: str, places: tuple[str, ...], release: str, listed: Sequence[str] = ()
) -> Iterator[Right]:
    found = NAMED.match(what)
    assert found is not None, what
    names = IN_TICKS.findall(found["names"] or "") or listed or [""]
    if "as the release" in (found["names"] or ""):
        names = [release]
    for resource in IN_TICKS.findall(found["resources"]):
        for verb in found["verbs"].split(","):
            for name in names:
                group = GROUPS[resource.partition("/")[0]]
                yield Right(group, resource, verb.strip(), places, name)


def places_of(where: str, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Empty where this line does not hold in this installation."""
    place, _, condition = where.partition(", with ")
    section, _, name = condition.strip("`").partition(".")
    if condition and not values.get(section, {}).get(name):
        return ()
    secrets = values.get("secrets", {})
    watched = sorted(values.get("watch", {}).get("namespaces", ()))
    has_more = values.get("rbac", {}).get("kindsClusterWide", True)
    listed = sorted(set(secrets.get("namespaces", ())) - {NAMESPACE})
    return {
        "cluster": (EVERYWHERE,),
        "cluster, or those in `watch.namespaces` by name": (EVERYWHERE,),
        "cluster, or `watch.namespaces` without `rbac.kindsClusterWide`": (
            (EVERYWHERE,) if not watched or has_more else tuple(watched)
        ),
        "cluster, or `watch.namespaces` and its own": (
            tuple(sorted({NAMESPACE, *watched})) if watched else (EVERYWHERE,)
        ),
        "its own namespace": (NAMESPACE,),
        "its own namespace and `secrets.namespaces`": tuple(sorted({NAMESPACE, *listed})),
        "`secrets.namespaces`, or cluster by `secrets.clusterWide`": (
            (EVERYWHERE,) if secrets.get("clusterWide") else tuple(listed)
        ),
    }[place]


@pytest.mark.parametrize("installation", WITH_RIGHTS)
def test_the_controller_has_the_rights_of_the_table(installation: str) -> None:
    values = INSTALLATIONS[installation]
    pod = the(installation, "Deployment")
    written = {
        right
        for who, where, what in rows()
        if who == "controller" and (places := places_of(where, values))
        for right in said(what, places, pod["metadata"]["name"], names_of(where, values))
    }
    account = pod["spec"]["template"]["spec"]["serviceAccountName"]
    assert given(objects(installation), NAMESPACE, account) == written


def test_without_rights_the_chart_makes_none() -> None:
    assert of_kind("without rights", "Role", "ClusterRole", "RoleBinding") == []


def test_people_have_the_rights_of_the_table() -> None:
    written = {
        PEOPLE[who]: set(said(what, (EVERYWHERE,), "")) for who, _, what in rows() if who in PEOPLE
    }
    made = {
        name: set(rights_of(role, (EVERYWHERE,)))
        for role in of_kind("as it comes", "ClusterRole")
        for name in PEOPLE.values()
        if role["metadata"]["name"] == f"postgregent-{name}"
    }
    assert made == written


def test_nobody_else_is_in_the_table() -> None:
    assert {who for who, _, _ in rows()} == {"controller", "Regent pods", *PEOPLE}
