"""A real GitOps engine: Flux's kustomize-controller, a process beside the API, for one namespace.

Flux's other half, which fetches from Git, does not build from modules: `git_source.py` plays it.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cli.postgres.binaries import cache_folder, locked
from controller.kube.kinds import Kind
from tests.kubernetes_harness.access import Cluster
from tests.kubernetes_harness.daemon import Daemon
from tests.kubernetes_harness.programs import FLUX, programs
from tests.kubernetes_harness.unavailable import ClusterUnavailable
from tests.ports import own_port

GROUP, SOURCES = "kustomize.toolkit.fluxcd.io", "source.toolkit.fluxcd.io"
KUSTOMIZATION = Kind(GROUP, "v1", "kustomizations", "Kustomization")
GIT_REPOSITORY = Kind(SOURCES, "v1", "gitrepositories", "GitRepository")


@dataclass(frozen=True, slots=True)
class Module:
    """A Go module with CustomResourceDefinitions in it, by the names of their files."""

    path: str
    version: str
    digest: str
    definitions: tuple[str, ...]


MODULES = (
    Module(
        "github.com/fluxcd/kustomize-controller",
        "v1.7.3",
        "h1:SzNnGn/4ObAPEHHleM5U7y/AKxKXph3Vj6ZhteeXw8M=",
        (f"{GROUP}_kustomizations",),
    ),
    # Two of them are not used here, but the engine does not start without.
    Module(
        "github.com/fluxcd/source-controller",
        "v1.8.5",
        "h1:3zKSTGc2FPoZcQ5BjnyOrwdHDWeYqst3uAoZ+c0DG3c=",
        (f"{SOURCES}_gitrepositories", f"{SOURCES}_ocirepositories", f"{SOURCES}_buckets"),
    ),
)


def define_flux(cluster: Cluster) -> None:
    """The kinds that the engine needs, in the cluster."""
    files = [("-f", str(path)) for path in definitions()]
    arguments = [argument for pair in files for argument in pair]
    cluster.kubectl("apply", "--server-side", "--force-conflicts", *arguments)
    cluster.kubectl("wait", "--for=condition=Established", *arguments, "--timeout=120s")


def flux(cluster: Cluster, namespace: str, folder: Path) -> Daemon:
    """The engine, not started: it sees the Kustomizations of this namespace and no others."""
    program = programs(FLUX) / "kustomize-controller"
    # It unpacks archives in the folder for temporary files, which is not to fill with them.
    scratch = folder / "flux"
    scratch.mkdir()
    surroundings = {
        "KUBECONFIG": str(cluster.kubeconfig),
        "RUNTIME_NAMESPACE": namespace,
        "TMPDIR": str(scratch),
        "NO_PROXY": "*",
    }
    flags = [
        "--watch-all-namespaces=false",
        "--events-addr=",
        "--enable-leader-election=false",
        "--no-remote-bases",
        "--metrics-addr=0",
        f"--health-addr=127.0.0.1:{own_port()}",
        "--max-retry-delay=2s",
    ]
    environment = [f"{name}={value}" for name, value in surroundings.items()]
    command = ["env", *environment, str(program), *flags]
    return Daemon("kustomize-controller", command, folder / "flux.log")


def definitions() -> tuple[Path, ...]:
    """The files of the kinds, fetched from the Go module proxy if they are not kept yet."""
    versions = "-".join(module.version for module in MODULES)
    place = cache_folder() / "cluster" / f"flux-definitions-{versions}"
    with locked(place.with_name("flux-definitions.lock")):
        if not place.exists():
            _fetch(place)
    return tuple(sorted(place.iterdir()))


def _fetch(place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix="fetching-") as scratch:
        done = Path(scratch, "done")
        done.mkdir()
        for module in MODULES:
            bases = _downloaded(module, scratch) / "config" / "crd" / "bases"
            for name in module.definitions:
                (done / f"{name}.yaml").write_bytes((bases / f"{name}.yaml").read_bytes())
        done.rename(place)


def _downloaded(module: Module, folder: str) -> Path:
    """Where Go keeps the module's files."""
    command = ["go", "mod", "download", "-json", f"{module.path}@{module.version}"]
    way_out = "Go 1.26 or newer and a Go module proxy (GOPROXY) are needed."
    try:
        answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        found = json.loads(answer.stdout)
    except (FileNotFoundError, json.JSONDecodeError) as error:
        raise ClusterUnavailable(f"{module.path}: {error}", way_out=way_out) from error
    if "Error" in found:
        raise ClusterUnavailable(f"{module.path}: {found['Error']}", way_out=way_out)
    if found["Sum"] != module.digest:
        raise ClusterUnavailable(f"{module.path}: digest {found['Sum']}, not {module.digest}")
    return Path(found["Dir"])
