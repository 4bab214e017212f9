"""The chart as a file: with the images of a release in its values, or as it lies in the tree."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml

from charts.readme import CHART, filled_in
from docs.release.images import Reference
from shared.errors import PostgRegentError
from tests.kubernetes_harness.tools import tools

_LINE = re.compile(r"(?P<indent> *)(?P<key>[A-Za-z]+):(?: (?P<value>\S.*))?")
_DIGEST = re.compile(r"^Digest: (?P<digest>sha256:[0-9a-f]{64})$", re.MULTILINE)
_PUSHED = re.compile(r"^Pushed: (?P<name>\S+):[^:/\s]+$", re.MULTILINE)


class ChartFailed(PostgRegentError):
    """Helm did not do it."""


def with_images(values: str, images: Mapping[str, Reference]) -> str:
    """The text of values.yaml with these images as defaults; comments stay."""
    controller, regent = images["controller"], images["regent"]
    if controller.host != regent.host:
        raise ChartFailed(f"The images lie on two hosts: {controller.host}, {regent.host}.")
    return replaced(
        values,
        {
            ("image", "registry"): controller.host,
            ("image", "repository"): controller.name,
            ("image", "digest"): controller.digest,
            ("regent", "image", "repository"): regent.name,
            ("regent", "image", "digest"): regent.digest,
        },
    )


def replaced(text: str, values: Mapping[tuple[str, ...], str]) -> str:
    """YAML with other scalars at these paths, and nothing else changed."""
    path: list[str] = []
    lines = []
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        if found:
            path[len(found["indent"]) // 2 :] = [found["key"]]
            if (wanted := values.get(tuple(path))) is not None:
                lines.append(f"{found['indent']}{found['key']}: {json.dumps(wanted)}")
                continue
        lines.append(line)
    changed = "\n".join(lines) + "\n"
    after = yaml.safe_load(changed)
    for place, wanted in values.items():
        node = after
        for step in place:
            node = node.get(step, {})
        if node != wanted:
            raise ChartFailed(f"values.yaml: {'.'.join(place)} is not there to be replaced.")
    return changed


def package(place: Path, images: Mapping[str, Reference] | None = None) -> Path:
    """Write NAME-VERSION.tgz into a folder, and say where it is."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, CHART.name)
        shutil.copytree(CHART, copy)
        if images:
            _fill_in(copy, images)
        helm("lint", "--strict", str(copy))
        helm("package", str(copy), "--destination", str(place))
    (written,) = place.glob(f"{CHART.name}-*.tgz")
    return written


def push(archive: Path, place: str, *, plain_http: bool = False) -> str:
    """Push to oci://HOST/PATH, where the chart's name is added; the reference by digest."""
    flags = ("--plain-http",) if plain_http else ()
    answer = _run("push", str(archive), place, *flags)
    said = answer.stdout + answer.stderr
    name, digest = _PUSHED.search(said), _DIGEST.search(said)
    if not (name and digest):
        raise ChartFailed(f"helm push says nothing of a digest: {said.strip()}")
    return f"{name['name']}@{digest['digest']}"


def helm(*arguments: str) -> str:
    """What helm prints. It is the one that the tests use. Raises ChartFailed."""
    return _run(*arguments).stdout


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(tools() / "helm"), *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise ChartFailed(f"helm {arguments[0]}: {(answer.stdout + answer.stderr).strip()}")
    return answer


def _fill_in(chart: Path, images: Mapping[str, Reference]) -> None:
    values, readme = chart / "values.yaml", chart / "README.md"
    text = with_images(values.read_text("utf-8"), images)
    values.write_text(text, "utf-8")
    readme.write_text(filled_in(readme.read_text("utf-8"), text), "utf-8")
