"""`python -m docs.release`: what the workflow of a release does, a command for each step.

Answers for the workflow are lines of NAME=VALUE, as GitHub's $GITHUB_OUTPUT takes them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from charts.readme import CHART
from docs.release.changelog import section
from docs.release.chart import push
from docs.release.distributions import ROOT, build_all
from docs.release.images import TARGETS, Built, Reference, definition, pushed
from docs.release.version import (
    NotReleasable,
    Version,
    disagreements,
    mentions,
    reasons_against,
    version_in,
)
from shared.errors import PostgRegentError


def parser() -> argparse.ArgumentParser:
    """The commands and their arguments."""
    whole = argparse.ArgumentParser(prog="python -m docs.release", description=__doc__)
    commands = whole.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="one version everywhere; with a tag, releasable")
    check.add_argument("--tag", help="such as v1.2.3")
    commands.add_parser("notes", help="the changelog's section of the version")
    dist = commands.add_parser("dist", help="wheel, sdist, chart, CRDs and checksums")
    dist.add_argument("--to", type=Path, default=ROOT / "dist", help="an empty folder")
    for target in TARGETS:
        help_ = "HOST/NAME@sha256:…, for the chart's values; else those of the tree"
        dist.add_argument(f"--{target}-image", type=_optional, default=None, help=help_)
    dist.add_argument("--sbom", type=Path, help="the images' bill of materials, to lie beside")
    bake = commands.add_parser("bake", help="the definition of both images, for buildx bake")
    bake.add_argument("--registry", required=True, help="such as ghcr.io/somebody")
    bake.add_argument("--source", required=True, help="the repository's address")
    images = commands.add_parser("images", help="the images by digest, of bake's metadata file")
    images.add_argument("metadata", type=Path)
    chart = commands.add_parser("push-chart", help="push, and say the chart by digest")
    chart.add_argument("archive", type=Path)
    chart.add_argument("--to", required=True, help="such as oci://ghcr.io/somebody/charts")
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one of them; the status is 1 and the reason is said when it did not work."""
    try:
        _say(_answer(parser().parse_args(arguments)))
    except PostgRegentError as trouble:
        sys.stderr.write(f"{trouble}\n")
        return 1
    return 0


def _answer(given: argparse.Namespace) -> list[str]:
    version = version_in(_read("pyproject.toml"))
    match given.command:
        case "check":
            _check(version, given.tag)
            is_prerelease = str(version.is_prerelease).lower()
            return [f"version={version.semantic}", f"prerelease={is_prerelease}"]
        case "notes":
            return [section(_read("CHANGELOG.md"), version.semantic)]
        case "dist":
            named = {target: getattr(given, f"{target}_image") for target in TARGETS}
            images = {name: one for name, one in named.items() if one is not None}
            if images and len(images) < len(TARGETS):
                raise NotReleasable("Name both images, or none.")
            return [str(path) for path in build_all(given.to, version, images, given.sbom)]
        case "bake":
            revision, created = _git("rev-parse", "HEAD"), _git("show", "-s", "--format=%cI")
            built = Built(version.semantic, revision, created, given.source)
            return [json.dumps(definition(given.registry, built), indent=2)]
        case "images":
            metadata = json.loads(given.metadata.read_text("utf-8"))
            return [f"{target}={reference}" for target, reference in pushed(metadata).items()]
        case _:
            return [f"chart={push(given.archive, given.to)}"]


def _check(version: Version, tag: str | None) -> None:
    chart = (CHART / "Chart.yaml").read_text("utf-8")
    wrong = disagreements(version, mentions(chart, _read("docker/Dockerfile")))
    if tag is not None:
        wrong += reasons_against(version, tag, _read("CHANGELOG.md"))
    if wrong:
        raise NotReleasable("\n".join(wrong))


def _optional(text: str) -> Reference | None:
    """Nothing is what an empty variable of make says."""
    return Reference.read(text) if text else None


def _read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _say(lines: Sequence[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    sys.exit(main())
