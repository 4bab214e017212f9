"""What `docker buildx bake` is told, and what is read from its answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.release.images import TARGETS, Built, NotByDigest, Reference, definition, pushed

ROOT = Path(__file__).parents[3]
BUILT = Built("1.2.3", "c0ffee", "2026-01-31T12:00:00+00:00", "https://example.org/somebody/it")
DIGEST = f"sha256:{'b' * 64}"


@pytest.mark.parametrize("target", TARGETS)
def test_each_image_is_built_for_both_processors_with_labels_and_attestations(target: str) -> None:
    told = definition("ghcr.io/somebody", BUILT)["target"][target]
    assert told["platforms"] == ["linux/amd64", "linux/arm64"]
    assert told["tags"] == [f"ghcr.io/somebody/postgregent-{target}:1.2.3"]
    assert told["attest"] == ["type=provenance,mode=max", "type=sbom"]
    assert told["labels"]["org.opencontainers.image.revision"] == "c0ffee"
    assert told["labels"]["org.opencontainers.image.source"] == BUILT.source
    assert f"index:org.opencontainers.image.source={BUILT.source}" in told["annotations"]


def test_what_is_built_is_in_the_dockerfile() -> None:
    told = definition("ghcr.io/somebody", BUILT)
    dockerfile = (ROOT / told["target"]["regent"]["dockerfile"]).read_text("utf-8")
    assert told["group"]["default"]["targets"] == list(told["target"])
    for target in told["target"].values():
        assert f" AS {target['target']}\n" in dockerfile
        assert {name for name in target["args"] if f"\nARG {name}=" not in dockerfile} == set()


def test_what_was_pushed_is_named_by_digest() -> None:
    metadata = {
        target: {
            "image.name": f"localhost:5000/somebody/postgregent-{target}:1.2.3",
            "containerimage.digest": DIGEST,
        }
        for target in TARGETS
    }
    assert pushed(metadata) == {
        "controller": f"localhost:5000/somebody/postgregent-controller@{DIGEST}",
        "regent": f"localhost:5000/somebody/postgregent-regent@{DIGEST}",
    }


def test_a_reference_has_a_host_a_name_and_a_digest() -> None:
    found = Reference.read(f"ghcr.io/somebody/postgregent-regent@{DIGEST}")
    assert found == Reference("ghcr.io", "somebody/postgregent-regent", DIGEST)


@pytest.mark.parametrize(
    "text",
    [
        "ghcr.io/somebody/postgregent-regent:1.2.3",
        "ghcr.io/somebody/postgregent-regent@sha256:short",
        f"postgregent-regent@{DIGEST}",
        f"somebody/postgregent-regent@{DIGEST}",
        f"@{DIGEST}",
    ],
)
def test_an_image_that_may_become_another_one_is_refused(text: str) -> None:
    with pytest.raises(NotByDigest):
        Reference.read(text)
