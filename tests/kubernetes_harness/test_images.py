"""Our images, as pods: no shell, no home, any user, a root file system that cannot be written."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kubernetes_harness.images import Image, bill_of_materials
from tests.kubernetes_harness.manifests import pod, pod_spec
from tests.kubernetes_harness.node_access import NodeCluster

SOMEBODY = 1000660000  # as OpenShift picks one: no name, no home


@pytest.fixture(params=["controller", "regent"])
def image(request: pytest.FixtureRequest, controller_image: Image, regent_image: Image) -> Image:
    """One of our two images."""
    return {"controller": controller_image, "regent": regent_image}[request.param]


def documents(image: Image) -> Iterator[dict[str, Any]]:
    """The JSON documents of an OCI archive."""
    with tarfile.open(image.archive) as archive:
        for member in archive.getmembers():
            if member.isfile() and member.size < 100_000:
                content = archive.extractfile(member)
                assert content is not None
                yield json.loads(content.read())


def configuration(image: Image) -> dict[str, Any]:
    found: dict[str, Any] = next(d["config"] for d in documents(image) if "rootfs" in d)
    return found


def test_an_image_says_what_it_is_and_runs_as_a_number(image: Image) -> None:
    said = configuration(image)
    assert said["User"] == "65532:65532"
    assert said["Labels"]["org.opencontainers.image.title"].startswith("postgregent-")
    assert said["Entrypoint"][:2] == ["python", "-m"]
    assert "PYTHONDONTWRITEBYTECODE=1" in said["Env"]


def test_nothing_of_the_machine_that_built_it_stays_in_an_image(image: Image) -> None:
    with tarfile.open(image.archive) as archive:
        layers = [m for m in archive.getmembers() if m.size >= 100_000]
        names = set[str]()
        for layer in layers:
            with tarfile.open(fileobj=archive.extractfile(layer)) as content:
                names |= {member.name.lstrip("./") for member in content.getmembers()}
    assert any(name.startswith("opt/postgregent/bin/python") for name in names)
    left = {"etc/pip.conf", "etc/resolv.conf", "etc/hostname"} & names
    work = ("run/secrets/", "src/", "wheel/", "root/.cache", "root/.config", "opt/hatch")
    left |= {name for name in names if name.startswith(work)}
    assert left == set()


def test_its_program_starts_as_any_user_without_a_home(
    image: Image, node_cluster: NodeCluster, node_namespace: str
) -> None:
    """The Regent reads its arguments; of the controller all modules can be imported."""
    name = Path(image.name).name.partition(":")[0]
    command = {
        "regent": ["python", "-m", "regent", "--help"],
        "controller": [
            "python",
            "-c",
            "import controller.regents.client, regent, shared; print('usage')",
        ],
    }[name]
    spec = pod_spec(image.name, command, uid=SOMEBODY)
    spec["securityContext"]["runAsGroup"] = 0
    place = ("-n", node_namespace)
    label = "pod-security.kubernetes.io/enforce=restricted"
    node_cluster.kubectl("label", "namespace", node_namespace, label)
    node_cluster.apply(pod(name, spec), namespace=node_namespace)
    ended = "--for=jsonpath={.status.phase}=Succeeded"
    node_cluster.kubectl("wait", ended, f"pod/{name}", "--timeout=120s", *place)
    assert "usage" in node_cluster.kubectl("logs", name, *place)


@pytest.mark.slow
def test_the_bill_of_materials_names_what_is_in_the_images(
    node_cluster: NodeCluster, tmp_path: Path
) -> None:
    bill = json.loads(bill_of_materials(tmp_path / "sbom.json").read_text())
    names = {component["name"] for component in bill["components"]}
    assert bill["metadata"]["component"]["name"] == "postgregent"
    assert {"asyncpg", "pydantic", "uvicorn"} <= names
    assert "pip" not in names
