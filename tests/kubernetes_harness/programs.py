"""Kubernetes' own programs, built from the Go modules in `build/` and kept for the next time.

Each set lies in the cache folder under the digest of its module files and flags, complete or not
there at all. No registry ships these programs; the Go module proxy ships what they are made of.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cli.postgres.binaries import cache_folder, locked
from tests.kubernetes_harness.unavailable import ClusterUnavailable

MODULES = Path(__file__).with_name("build")
KUBERNETES = "v1.36.3"
CONTAINERD = "v2.3.7"
PARALLEL = 2
PROGRESS_SECONDS = 20
VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
# Where setup-envtest (or a distribution) has put etcd and kube-apiserver already.
ASSETS = "KUBEBUILDER_ASSETS"


def _kubernetes_version() -> str:
    """Without it the server calls itself v0.0.0-master, which clients and Helm charts refuse."""
    values = {
        "gitVersion": KUBERNETES,
        "gitMajor": "1",
        "gitMinor": KUBERNETES.split(".")[1],
        "gitTreeState": "clean",
        "gitCommit": "unknown",
        "buildDate": "1970-01-01T00:00:00Z",
    }
    return " ".join(
        f"-X {package}.{name}={value}"
        for package in VERSION_PACKAGES
        for name, value in values.items()
    )


@dataclass(frozen=True, slots=True)
class ProgramSet:
    """Programs of one Go module that are built and kept together: file name to package."""

    name: str
    module: str
    packages: Mapping[str, str] = field(hash=False)
    variables: str = ""
    tags: str = ""

    @property
    def flags(self) -> tuple[str, ...]:
        """What decides, with the module's files, what comes out of a build."""
        flags = ("-trimpath", "-buildvcs=false", "-ldflags", f"-s -w {self.variables}".strip())
        return (*flags, "-tags", self.tags) if self.tags else flags

    @property
    def source(self) -> Path:
        """The folder of its go.mod."""
        return MODULES / self.module

    def folder(self) -> Path:
        """Where the finished programs lie."""
        content = hashlib.sha256()
        for file in sorted(self.source.iterdir()):
            content.update(f"{file.name}\0".encode() + file.read_bytes())
        content.update(repr((self.flags, sorted(self.packages.items()))).encode())
        return cache_folder() / "cluster" / f"{self.name}-{content.hexdigest()[:16]}"


CONTROL_PLANE = ProgramSet(
    "control-plane",
    "kubernetes",
    {
        "etcd": "go.etcd.io/etcd/server/v3",
        "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
        "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    },
    variables=_kubernetes_version(),
)
KUBELET = ProgramSet(
    "kubelet",
    "kubernetes",
    {
        "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
        "kube-proxy": "k8s.io/kubernetes/cmd/kube-proxy",
        "kubelet": "k8s.io/kubernetes/cmd/kubelet",
    },
    variables=_kubernetes_version(),
)
CONTAINER_RUNTIME = ProgramSet(
    "containerd",
    "containerd",
    {
        name: f"github.com/containerd/containerd/v2/cmd/{name}"
        for name in ("containerd", "containerd-shim-runc-v2", "ctr")
    },
    variables=f"-X github.com/containerd/containerd/v2/version.Version={CONTAINERD}",
    tags="no_btrfs,no_devmapper,no_zfs,no_aufs",
)
COREDNS = ProgramSet("coredns", "coredns", {"coredns": "."})
PAUSE = ProgramSet("pause", "pause", {"pause": "."})
NODE = (CONTROL_PLANE, PAUSE, COREDNS, CONTAINER_RUNTIME, KUBELET)
FLUX = ProgramSet(
    "flux", "flux", {"kustomize-controller": "github.com/fluxcd/kustomize-controller"}
)
# Flux's judge of healthCheckExprs alone, for objects that no cluster has.
HEALTH = ProgramSet("health", "health", {"health": "."})
# Not Kubernetes', and built the same way: a judge of workflows, and a place to push a chart to.
ACTIONLINT = ProgramSet(
    "actionlint", "actionlint", {"actionlint": "github.com/rhysd/actionlint/cmd/actionlint"}
)
# Prometheus' engine: which alerts of the chart fire over given series.
ALERTS = ProgramSet("alerts", "alerts", {"alerts": "."})
REGISTRY = ProgramSet(
    "registry", "registry", {"registry": "github.com/google/go-containerregistry/cmd/registry"}
)


def programs(wanted: ProgramSet) -> Path:
    """The folder with the programs of one set, built now if they are not kept yet."""
    if (assets := _assets(wanted)) is not None:
        return assets
    place = wanted.folder()
    if place.exists():
        return place
    with locked(place.with_name(f"{wanted.name}.lock")):
        if not place.exists():
            _build(wanted, place)
            _forget_older(wanted, place)
    return place


def are_built(*sets: ProgramSet) -> bool:
    """Whether `programs` would answer at once for all of them."""
    return all(_assets(one) is not None or one.folder().exists() for one in sets)


def _assets(wanted: ProgramSet) -> Path | None:
    if not (named := os.environ.get(ASSETS)):
        return None
    folder = Path(named)
    return folder if all((folder / name).is_file() for name in wanted.packages) else None


def _build(wanted: ProgramSet, place: Path) -> None:
    if shutil.which("go") is None:
        raise ClusterUnavailable(
            f"Go is not installed, and {wanted.name} is built from Go modules",
            way_out=f"Install Go 1.26 or newer, or name a folder with them in {ASSETS}.",
        )
    place.parent.mkdir(parents=True, exist_ok=True)
    for interrupted in place.parent.glob(f"building-{wanted.name}-*"):
        shutil.rmtree(interrupted, ignore_errors=True)
    prefix = f"building-{wanted.name}-"
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=prefix) as scratch:
        done = Path(scratch, "done")
        done.mkdir()
        for number, (name, package) in enumerate(wanted.packages.items(), 1):
            step = f"building {name} ({wanted.name}, {number} of {len(wanted.packages)})"
            _go_build(wanted, package, done / name, step)
        done.rename(place)


def _go_build(wanted: ProgramSet, package: str, output: Path, step: str) -> None:
    command = ["nice", "-n", "10", "go", "build", "-v", "-p", str(PARALLEL), *wanted.flags]
    began = shown = time.monotonic()
    compiled, said = 0, deque[str](maxlen=30)
    _show(f"{step} …")
    with subprocess.Popen(
        [*command, "-o", str(output), package],
        cwd=wanted.source,
        env=os.environ | {"CGO_ENABLED": "0", "GOWORK": "off"},
        stderr=subprocess.PIPE,
        text=True,
    ) as build:
        for line in build.stderr or ():
            said.append(line)
            compiled += not line.startswith(("go:", "#", "\t"))
            if time.monotonic() - shown > PROGRESS_SECONDS:
                shown = time.monotonic()
                _show(f"{step}: {compiled} packages in {shown - began:.0f} s")
    if build.returncode != 0:
        raise ClusterUnavailable(
            f"{output.name} could not be built: {''.join(said).strip()}",
            way_out="The Go module proxy (GOPROXY) and about 6 GB of disk are needed.",
        )
    _show(f"{step}: done in {time.monotonic() - began:.0f} s")


def _forget_older(wanted: ProgramSet, place: Path) -> None:
    """One finished set of a name is enough; a run that still uses an older one keeps its files."""
    for older in place.parent.glob(f"{wanted.name}-" + "?" * 16):
        if older != place:
            with contextlib.suppress(OSError):
                shutil.rmtree(older)


def _show(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
