"""`python -m docs.release`: what a workflow reads from it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from docs.release.__main__ import main
from docs.release.distributions import ROOT
from docs.release.version import Version
from tests.integration.release.conftest import DIGEST


def test_the_checked_version_is_told_as_outputs_of_a_step(
    version: Version, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check"]) == 0
    is_prerelease = "true" if version.is_prerelease else "false"
    expected = f"version={version.semantic}\nprerelease={is_prerelease}\n"
    assert capsys.readouterr().out == expected


def test_pushed_images_are_told_as_outputs_of_a_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metadata = {
        target: {
            "image.name": f"ghcr.io/somebody/postgregent-{target}:1.2.3",
            "containerimage.digest": DIGEST,
        }
        for target in ("controller", "regent")
    }
    file = tmp_path / "pushed.json"
    file.write_text(json.dumps(metadata))
    assert main(["images", str(file)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"controller=ghcr.io/somebody/postgregent-controller@{DIGEST}",
        f"regent=ghcr.io/somebody/postgregent-regent@{DIGEST}",
    ]


def test_images_are_labelled_with_the_commit_they_are_made_of(
    version: Version, capsys: pytest.CaptureFixture[str]
) -> None:
    git = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    head = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    if not head:
        pytest.skip("this tree is no clone")
    place = ("--registry", "ghcr.io/somebody", "--source", "https://example.org/somebody/it")
    assert main(["bake", *place]) == 0
    told = json.loads(capsys.readouterr().out)["target"]["regent"]
    assert told["labels"]["org.opencontainers.image.revision"] == head
    assert told["args"] == {"VERSION": version.semantic, "REVISION": head}


@pytest.mark.parametrize(
    ("controller", "reason"),
    [
        (f"ghcr.io/somebody/postgregent-controller@{DIGEST}", "Name both images, or none."),
        ("ghcr.io/somebody/postgregent-controller:1.2.3", "is not an image by digest"),
    ],
)
def test_a_chart_is_not_made_without_both_images_by_digest(
    controller: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty one is what an unset variable of make says."""
    images = ("--controller-image", controller, "--regent-image", "")
    assert main(["dist", "--to", str(tmp_path / "dist"), *images]) == 1
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "dist").exists()
