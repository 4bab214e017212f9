"""The CustomResourceDefinitions on a real API server: what they take, what they refuse, and how."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.crds.definitions import kinds
from tests.kubernetes_harness.access import CallFailed, Cluster
from tests.wrong_manifests import BARE_REGENT, WRONG, Wrong

ROOT = Path(__file__).parents[2]
FLIGHTS = ROOT / "examples" / "flights"
PUBLISHED_SECONDS = 120.0
LONGEST_NAMES = ["x" * 190] * 2_000


def reference_manifests() -> Iterator[dict[str, Any]]:
    for path in sorted(FLIGHTS.glob("*.yaml")):
        for manifest in yaml.safe_load_all(path.read_text("utf-8")):
            if manifest["kind"] != "Secret":
                yield manifest


def test_the_reference_is_accepted_as_it_stands_and_nothing_is_filled_in(
    crds: Cluster, namespace: str
) -> None:
    manifests = list(reference_manifests())
    assert len(manifests) == 8
    crds.apply(*manifests, namespace=namespace)
    for manifest in manifests:
        kind = f"{manifest['kind'].lower()}s.putnam120.postgregent"
        stored = crds.get("-n", namespace, kind, manifest["metadata"]["name"])
        assert stored["spec"] == manifest["spec"]
        assert stored["status"] == {"observedGeneration": -1}


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.name)
def test_a_wrong_manifest_is_refused_with_the_field_and_the_way_out(
    crds: Cluster, namespace: str, wrong: Wrong
) -> None:
    with pytest.raises(CallFailed) as refused:
        apply(crds, namespace, wrong.manifest)
    for words in wrong.said:
        assert words in str(refused.value)


def apply(cluster: Cluster, namespace: str, manifest: dict[str, Any]) -> None:
    arguments = ("apply", "--server-side", "--validate=strict", "-n", namespace, "-f", "-")
    cluster.kubectl(*arguments, stdin=json.dumps(manifest))


@pytest.mark.parametrize("host", ["db.example.org", "db", "10.0.0.7", "fd00::7", "::1"])
def test_a_name_or_an_address_is_a_host(crds: Cluster, namespace: str, host: str) -> None:
    apply(crds, namespace, Wrong("", "Regent", {**BARE_REGENT, "databaseHost": host}, ()).manifest)


def test_the_largest_permission_fits_into_the_cost_of_the_rules(
    crds: Cluster, namespace: str
) -> None:
    spec = {
        "database": "ü" * 31,
        "schemas": ["s" * 190] * 256,
        "tables": LONGEST_NAMES,
        "columns": ["c" * 63] * 256,
        "actions": ["SELECT"] * 17,
    }
    apply(crds, namespace, Wrong("", "Permission", spec, ()).manifest)


def test_a_value_added_by_hand_does_not_survive_the_next_apply(
    crds: Cluster, namespace: str
) -> None:
    """A `set` keeps what another manager added; what grants is atomic."""
    spec = {"database": "mydb", "actions": ["SELECT"], "schemas": ["a"], "tables": ["t"]}
    manifest = Wrong("", "Permission", spec, ()).manifest
    apply(crds, namespace, manifest)
    patch = '{"spec": {"actions": ["SELECT", "DELETE"]}}'
    crds.kubectl("patch", "pgperm", "wrong", "-n", namespace, "--type=merge", "-p", patch)
    crds.kubectl(
        "apply", "--server-side", "--force-conflicts", "-n", namespace, "-f", "-",
        stdin=json.dumps(manifest),
    )  # fmt: skip
    assert crds.get("-n", namespace, "pgperm", "wrong")["spec"]["actions"] == ["SELECT"]


def explained(cluster: Cluster, field: str) -> str:
    """The API server publishes what `explain` reads a moment after it serves a kind."""
    deadline = time.monotonic() + PUBLISHED_SECONDS
    while True:
        try:
            return cluster.kubectl("explain", field, "--recursive=false")
        except CallFailed:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)


@pytest.mark.parametrize("kind", kinds())
def test_explain_is_worth_reading(crds: Cluster, kind: str) -> None:
    said = explained(crds, f"{kind.lower()}s.putnam120.postgregent.spec")
    assert "<no description>" not in said
    assert len(said) > 1_000


def test_columns_short_names_the_category_and_selectable_fields(
    crds: Cluster, namespace: str
) -> None:
    crds.apply(*reference_manifests(), namespace=namespace)
    headings = {
        "pgperm": ["NAME", "READY", "REASON", "AGE"],
        "pgrole": ["NAME", "READY", "REASON", "AGE"],
        "pguser": ["NAME", "READY", "REASON", "AGE"],
        "pgregent": ["NAME", "READY", "REASON", "LAST", "PASS", "DRIFTED", "DRIFT", "HELD", "AGE"],
    }
    for short_name, columns in headings.items():
        shown = crds.kubectl("get", short_name, "-n", namespace)
        assert shown.splitlines()[0].split() == columns
    everything = crds.kubectl("get", "postgregent", "-n", namespace, "-o", "name")
    assert len(everything.split()) == 8
    selected = ("get", "pgrole", "-n", namespace, "-o", "name", "--field-selector")
    assert len(crds.kubectl(*selected, "spec.database=mydb").split()) == 2
    assert crds.kubectl(*selected, "spec.database=other") == ""
