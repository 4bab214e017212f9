"""examples/gitops: what GitOps tools make of our objects, and what Kustomize does to them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa import LuaRuntime

from shared.crds.definitions import kinds, structural_spec
from shared.resources import GROUP
from shared.resources.reading import Mistaken, read_manifest
from tests.kubernetes_harness.tools import tools
from tests.kubernetes_harness.unavailable import ClusterUnavailable
from tests.unit.crds.statuses import GENERATION, UNSEEN, Case, cases, manifest
from tests.unit.gitops import kstatus

GITOPS = Path(__file__).parents[3] / "examples" / "gitops"
LUA = (GITOPS / "argo-cd" / "health.lua").read_text("utf-8")


@pytest.mark.rule("29")
@pytest.mark.parametrize("case", cases(), ids=str)
def test_kstatus_reads_every_state_as_it_is_meant(case: Case) -> None:
    assert kstatus.status_of(case.found) == case.kstatus


@pytest.mark.rule("29")
@pytest.mark.parametrize("case", cases(), ids=str)
def test_argo_cd_reads_every_state_as_it_is_meant(case: Case) -> None:
    health = argo_health(case.found)
    assert health["status"] == case.argo
    assert health["message"]


def argo_health(found: dict[str, Any]) -> dict[str, str]:
    """What the Lua says of it."""
    lua = LuaRuntime(unpack_returned_tuples=True)
    judge: Any = lua.eval(f"function(obj)\n{LUA}\nend")
    return dict(judge(lua.table_from(found, recursive=True)))


def test_what_says_nothing_of_itself_is_in_progress_for_argo_cd() -> None:
    """kstatus takes it for current; Flux is told better by the example's healthCheckExprs."""
    for kind in kinds():
        silent = manifest(kind, {"observedGeneration": GENERATION})
        assert kstatus.status_of(silent) == "Current"
        assert argo_health(silent)["status"] == "Progressing"


def test_without_the_default_kstatus_would_take_an_unseen_object_for_current() -> None:
    """Why the definitions give the status a default."""
    unseen = manifest("User", {})
    assert kstatus.status_of(unseen) == "Current"
    assert kstatus.status_of(manifest("User", UNSEEN)) == "InProgress"


def test_a_suspended_regent_is_suspended() -> None:
    suspended = manifest("Regent", UNSEEN)
    suspended["spec"] = {"suspend": True}
    assert argo_health(suspended)["status"] == "Suspended"


def test_argo_cds_snippet_holds_the_same_lua_for_every_kind() -> None:
    data = yaml.safe_load((GITOPS / "argo-cd" / "argocd-cm.yaml").read_text("utf-8"))["data"]
    for kind in kinds():
        assert data[f"resource.customizations.health.{GROUP}_{kind}"] == LUA


def test_flux_is_told_of_every_kind() -> None:
    flux = yaml.safe_load((GITOPS / "flux" / "kustomization.yaml").read_text("utf-8"))["spec"]
    assert [check["kind"] for check in flux["healthCheckExprs"]] == list(kinds())
    assert flux["wait"] is True
    assert flux["prune"] is True


def kustomized(overlay: str) -> list[dict[str, Any]]:
    try:
        kubectl = tools() / "kubectl"
    except ClusterUnavailable as reason:
        pytest.skip(f"no cluster: kubectl is not here: {reason}")
    command = [str(kubectl), "kustomize", str(GITOPS / overlay)]
    built = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    return list(yaml.safe_load_all(built))


@pytest.mark.parametrize("overlay", ["base", "overlays/production"])
def test_what_kustomize_builds_is_valid(overlay: str) -> None:
    built = kustomized(overlay)
    assert {found["kind"] for found in built} == set(kinds())
    for found in built:
        assert not isinstance(read_manifest(found["kind"], found), Mistaken)


def test_kustomize_renames_references_with_resources_and_leaves_names_in_postgresql() -> None:
    built = {found["kind"]: found for found in kustomized("overlays/production")}
    names = {found["metadata"]["name"] for found in kustomized("overlays/production")}
    assert all(name.startswith("production-") for name in names)
    assert set(built["Role"]["spec"]["permissions"]) < names
    assert set(built["User"]["spec"]["roles"]) < names
    assert built["Role"]["spec"]["roleName"] == "viewer"
    assert built["User"]["spec"]["userName"] == "summer-intern-2"


def test_every_field_that_names_one_of_ours_or_a_secret_is_in_the_name_references() -> None:
    path = GITOPS / "overlays" / "production" / "name-reference.yaml"
    entries = yaml.safe_load(path.read_text("utf-8"))["nameReference"]
    listed = {
        (entry["kind"], field["kind"], field["path"])
        for entry in entries
        for field in entry["fieldSpecs"]
    }
    assert {entry["kind"] for entry in entries} == {"Permission", "Role", "Secret"}
    for target, kind, field in (
        ("Permission", "Role", "spec/permissions"),
        ("Permission", "User", "spec/permissions"),
        ("Role", "User", "spec/roles"),
        ("Role", "User", "spec/access/role"),
    ):
        assert (target, kind, field) in listed
    assert {field for target, *_, field in listed if target == "Secret"} == secret_fields()


def secret_fields() -> set[str]:
    """The paths of spec that name a Secret, from the definitions; image pulls are Kubernetes'."""
    paths = (path for kind in kinds() for path in _paths(structural_spec(kind), "spec"))
    return {path for path in paths if re.search(r"[sS]ecret(Ref/name|Name)$", path)}


def _paths(schema: dict[str, Any], path: str) -> Iterator[str]:
    yield path
    below = schema.get("properties") or schema.get("items", {}).get("properties", {})
    for name, part in below.items():
        yield from _paths(part, f"{path}/{name}")
