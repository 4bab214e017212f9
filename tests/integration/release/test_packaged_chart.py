"""The chart as a file: it renders, brings the CRDs, and runs the images of its release."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.release.chart import ChartFailed, helm, package, push
from docs.release.distributions import CRDS
from docs.release.version import Version
from shared.crds.definitions import kinds
from tests.integration.release.conftest import IMAGES
from tests.kubernetes_harness.daemon import Daemon
from tests.kubernetes_harness.programs import REGISTRY, are_built, programs
from tests.kubernetes_harness.unavailable import ClusterUnavailable
from tests.ports import own_port

BUILD_SECONDS = 600
PATIENCE_SECONDS = 120


@pytest.fixture(scope="session")
def chart(dist: Path, version: Version) -> Path:
    return dist / f"postgregent-{version.semantic}.tgz"


def rendered(chart: Path | str, *flags: str) -> list[dict[str, Any]]:
    """All objects of an installation as it comes."""
    text = helm("template", "postgregent", str(chart), "-n", "postgregent", *flags)
    return [found for found in yaml.safe_load_all(text) if found]


def controller(objects: list[dict[str, Any]]) -> dict[str, Any]:
    (deployment,) = (one for one in objects if one["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    found: dict[str, Any] = container
    return found


def test_the_packaged_chart_brings_the_four_crds(chart: Path) -> None:
    found = [one for one in rendered(chart) if one["kind"] == "CustomResourceDefinition"]
    assert {one["spec"]["names"]["kind"] for one in found} == set(kinds())


def test_the_packaged_chart_runs_the_images_of_its_release_by_digest(chart: Path) -> None:
    container = controller(rendered(chart))
    names = {name: f"{one.host}/{one.name}@{one.digest}" for name, one in IMAGES.items()}
    assert container["image"] == names["controller"]
    assert f"--regent-image={names['regent']}" in container["args"]


def test_the_charts_page_shows_the_values_that_it_has(chart: Path) -> None:
    values = yaml.safe_load(helm("show", "values", str(chart)))
    page = helm("show", "readme", str(chart))
    assert f'| `image.repository` | `"{values["image"]["repository"]}"` |' in page
    assert f'| `regent.image.digest` | `"{values["regent"]["image"]["digest"]}"` |' in page


def test_without_images_the_chart_runs_those_of_its_own_version(
    dist: Path, version: Version, tmp_path: Path
) -> None:
    container = controller(rendered(package(tmp_path)))
    assert container["image"] == f"postgregent-controller:{version.semantic}"
    assert f"--regent-image=postgregent-regent:{version.semantic}" in container["args"]


def test_the_crds_beside_it_are_those_of_the_chart(dist: Path, version: Version) -> None:
    text = (dist / f"postgregent-{version.semantic}-crds.yaml").read_text("utf-8")
    files = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(CRDS.glob("*.yaml"))]
    assert list(yaml.safe_load_all(text)) == files


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """A registry of the test's own, as HOST:PORT."""
    try:
        program = programs(REGISTRY) / "registry"
    except ClusterUnavailable as reason:
        pytest.skip(f"no registry: {reason}")
    port = own_port()
    daemon = Daemon("registry", [str(program), f"-port={port}"], tmp_path / "registry.log")
    daemon.start()
    try:
        _wait_for(port, daemon)
        yield f"localhost:{port}"
    finally:
        daemon.kill()


def _wait_for(port: int, daemon: Daemon) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        daemon.must_run()
        with contextlib.suppress(OSError), socket.create_connection(("localhost", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"the registry does not answer on {port}")


@pytest.mark.timeout(600 if are_built(REGISTRY) else BUILD_SECONDS)
def test_what_is_pushed_is_named_by_digest_and_installs_from_there(
    chart: Path, registry: str
) -> None:
    """The name by digest is what gets signed, and what a careful user installs."""
    reference = push(chart, f"oci://{registry}/charts", plain_http=True)
    place, _, digest = reference.partition("@")
    assert place == f"{registry}/charts/postgregent"
    assert digest.startswith("sha256:")
    assert rendered(f"oci://{reference}", "--plain-http") == rendered(chart)


def test_a_chart_that_cannot_be_pushed_is_told(chart: Path) -> None:
    with pytest.raises(ChartFailed, match="helm push"):
        push(chart, f"oci://localhost:{own_port()}/charts", plain_http=True)
