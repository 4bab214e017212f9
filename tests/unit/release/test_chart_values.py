"""The values of a released chart name the images of that release."""

from __future__ import annotations

import pytest
import yaml

from charts.readme import CHART, described
from docs.release.chart import ChartFailed, replaced, with_images
from docs.release.images import Reference

VALUES = (CHART / "values.yaml").read_text("utf-8")
DIGEST, OTHER = f"sha256:{'c' * 64}", f"sha256:{'d' * 64}"
IMAGES = {
    "controller": Reference("ghcr.io", "somebody/postgregent-controller", DIGEST),
    "regent": Reference("ghcr.io", "somebody/postgregent-regent", OTHER),
}


def test_the_images_become_defaults_and_nothing_else_changes() -> None:
    before, after = (yaml.safe_load(text) for text in (VALUES, with_images(VALUES, IMAGES)))
    assert after["image"] == before["image"] | {
        "registry": "ghcr.io",
        "repository": "somebody/postgregent-controller",
        "digest": DIGEST,
    }
    image = before["regent"]["image"]
    assert after["regent"]["image"] == image | {
        "repository": "somebody/postgregent-regent",
        "digest": OTHER,
    }
    untouched = before.keys() - {"image", "regent"}
    assert {name: after[name] for name in untouched} == {name: before[name] for name in untouched}


def test_every_comment_stays() -> None:
    assert list(described(with_images(VALUES, IMAGES))) == list(described(VALUES))


def test_a_value_that_is_not_there_is_not_added() -> None:
    with pytest.raises(ChartFailed, match=r"image\.digests is not there"):
        replaced(VALUES, {("image", "digests"): DIGEST})


def test_images_of_two_hosts_are_refused() -> None:
    """The chart has one registry for both."""
    apart = IMAGES | {"regent": Reference("quay.io", "somebody/postgregent-regent", OTHER)}
    with pytest.raises(ChartFailed, match=r"ghcr\.io, quay\.io"):
        with_images(VALUES, apart)
