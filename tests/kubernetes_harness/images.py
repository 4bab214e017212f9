"""Container images without a registry: built by buildah, kept as OCI archives, loaded into a node.

The base comes from debootstrap under a name of our own, so that the Dockerfile, written for
`python:3.13-slim`, takes it as BASE_IMAGE without a change.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.postgres.binaries import cache_folder, locked
from tests.kubernetes_harness.packages import install_missing
from tests.kubernetes_harness.programs import COREDNS, PAUSE, ProgramSet, programs
from tests.kubernetes_harness.unavailable import ClusterFailed

ROOT = Path(__file__).parents[2]
# Count up when _make_base does something else, so that every machine makes a new one.
BASE_RECIPE = 1
# What buildah keeps to build faster grows with every change of the sources.
STORED_LAYERS = 60
SUITE = "trixie"
INCLUDED = ("python3", "python3-venv", "ca-certificates")
# Another run, of sources as they were a while ago, may be about to load its archive.
LEFT_FOR_SECONDS = 3600
# Trees that a base image does without.
LEFT_OUT = ("usr/share/doc", "usr/share/locale", "usr/share/man", "var/cache/apt", "var/log")
LISTS = "var/lib/apt/lists"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DOCKERFILE = ROOT / "docker" / "Dockerfile"
TARGETS = ("controller", "regent")
PACKAGES = ("shared", "sql", "regent", "controller", "cli")
SOURCES = ("docker", "pyproject.toml", "constraints.txt", "README.md", "LICENSE", *PACKAGES)
PIP_FILES = (Path("/etc/pip.conf"), Path("~/.config/pip/pip.conf"), Path("~/.pip/pip.conf"))
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True, slots=True)
class Image:
    """An image as a file; `name` is what a pod asks for, with pull policy Never."""

    name: str
    archive: Path


def pause_image() -> Image:
    """What holds a pod's namespaces."""
    return _of_one_program(PAUSE, "pause", 65535)


def coredns_image() -> Image:
    """The cluster's DNS."""
    return _of_one_program(COREDNS, "coredns", 65532)


def base_image() -> Image:
    """Debian with Python 3.13 and nothing of this machine."""
    recipe = repr((BASE_RECIPE, SUITE, INCLUDED, LEFT_OUT)).encode()
    name = "localhost/postgregent/base:3.13"
    with _kept("base", recipe) as archive:
        if not archive.exists():
            _say(f"making the base image with debootstrap {SUITE} …")
            _make_base(name, archive)
    return Image(name, archive)


def program_image(target: str) -> Image:
    """Our own image `controller` or `regent`, of the working tree as it is now."""
    name = f"localhost/postgregent/{target}:test"
    with _kept(f"postgregent-{target}", _source_digest()) as archive:
        if not archive.exists():
            base = base_image()
            _say(f"building the image {target} …")
            _build_target(name, target, base)
            _export(name, archive)
    return Image(name, archive)


def bill_of_materials(place: Path) -> Path:
    """The SBOM of both images (CycloneDX), made by their own Dockerfile, written to `place`."""
    base = base_image()
    name = "localhost/postgregent/sbom:test"
    with locked(cache_folder() / "cluster" / "postgregent-sbom.lock"):
        _build_target(name, "sbom", base)
        container = _buildah("from", "--pull-never", name).strip()
        try:
            mounted = Path(_buildah("mount", container).strip())
            shutil.copy(mounted / "sbom.cdx.json", place)
        finally:
            _buildah("rm", container)
    return place


def _of_one_program(program_set: ProgramSet, program: str, uid: int) -> Image:
    file = programs(program_set) / program
    name = f"localhost/postgregent/{program}:test"
    with _kept(program, str(program_set.folder()).encode()) as archive:
        if not archive.exists():
            container = _buildah("from", "scratch").strip()
            try:
                _buildah("copy", "--quiet", container, str(file), f"/{program}")
                entry = f'["/{program}"]'
                _buildah("config", "--user", f"{uid}:{uid}", "--entrypoint", entry, container)
                _buildah("commit", "--quiet", "--format", "oci", container, name)
            finally:
                _buildah("rm", container)
            _export(name, archive)
    return Image(name, archive)


def _make_base(name: str, archive: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="postgregent-base-") as scratch:
        tree = Path(scratch, "tree")
        included = f"--include={','.join(INCLUDED)}"
        _run(["debootstrap", "--variant=minbase", included, SUITE, str(tree)])
        for left_out in LEFT_OUT:
            shutil.rmtree(tree / left_out, ignore_errors=True)
            (tree / left_out).mkdir()
        shutil.rmtree(tree / LISTS, ignore_errors=True)
        for file in ("etc/resolv.conf", "etc/hostname"):
            (tree / file).unlink(missing_ok=True)
        for marker in tree.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
            marker.unlink()
        (tree / "usr/bin/python").symlink_to("python3")
        container = _buildah("from", "scratch").strip()
        try:
            _buildah("add", "--quiet", container, str(tree), "/")
            _buildah("config", "--env", f"PATH={PATH}", "--env", "LANG=C.UTF-8", container)
            _buildah("config", "--cmd", "python3", container)
            _buildah("commit", "--quiet", "--format", "oci", container, name)
        finally:
            _buildah("rm", container)
    _export(name, archive)


def _build_target(name: str, target: str, base: Image) -> None:
    # One at a time: tidying the storage must not meet another build.
    with locked(cache_folder() / "cluster" / "building-images.lock"):
        _store(base)
        options = ["--isolation", "chroot", "--format", "oci", "--layers", "--pull-never"]
        what = ["--target", target, "--build-arg", f"BASE_IMAGE={base.name}", *_secrets()]
        _buildah("build", *options, "-t", name, *what, "-f", str(DOCKERFILE), str(ROOT))


def _export(name: str, archive: Path) -> None:
    """Into a file, complete or not at all."""
    draft = archive.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    _buildah("push", "--quiet", name, f"oci-archive:{draft}:{name}")
    draft.rename(archive)


def _store(image: Image) -> None:
    """In buildah's storage under its name, for a Dockerfile to build on."""
    if len(_buildah("images", "--all", "--quiet").split()) > STORED_LAYERS:
        _buildah("rmi", "--all", "--force")
    pulled = _buildah("pull", "--quiet", f"oci-archive:{image.archive}").strip()
    _buildah("tag", pulled, image.name)


@contextmanager
def _kept(name: str, recipe: bytes) -> Iterator[Path]:
    """The archive made by this recipe, there or not yet; older ones go after a while."""
    install_missing()
    folder = cache_folder() / "cluster" / "images"
    archive = folder / f"{name}-{hashlib.sha256(recipe).hexdigest()[:16]}.tar"
    with locked(folder / f"{name}.lock"):
        yield archive
        for older in folder.glob(f"{name}-" + "?" * 16 + ".tar"):
            if older != archive and time.time() - older.stat().st_mtime > LEFT_FOR_SECONDS:
                older.unlink()


def _source_digest() -> bytes:
    content = hashlib.sha256()
    for file in _files(SOURCES):
        content.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return content.digest()


def _files(names: Iterable[str]) -> Iterator[Path]:
    for name in names:
        place = ROOT / name
        found = sorted(place.rglob("*")) if place.is_dir() else [place]
        yield from (p for p in found if p.is_file() and "__pycache__" not in p.parts)


def _secrets() -> list[str]:
    """How this machine reaches its package index; seen by the build alone, never in the image."""
    secrets = []
    named = os.environ.get("PIP_CONFIG_FILE")
    for file in (Path(named),) if named else (path.expanduser() for path in PIP_FILES):
        if file.is_file():
            secrets += ["--secret", f"id=pip,src={file}"]
            break
    if AUTHORITIES.is_file():
        secrets += ["--secret", f"id=authorities,src={AUTHORITIES}"]
    return secrets


def _buildah(*arguments: str) -> str:
    storage = cache_folder() / "cluster" / "buildah"
    storage.mkdir(parents=True, exist_ok=True)
    places = ["--root", str(storage / "root"), "--runroot", str(storage / "run")]
    return _run(["buildah", *places, "--storage-driver", "overlay", *arguments])


def _run(command: Sequence[str]) -> str:
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        said = f"{answer.stdout}\n{answer.stderr}".strip()[-4000:]
        raise ClusterFailed(f"{' '.join(command)}: {said}")
    return answer.stdout


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
