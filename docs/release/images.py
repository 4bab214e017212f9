"""Both images for both processors, as a definition that `docker buildx bake` reads.

https://docs.docker.com/build/bake/reference/ and
https://github.com/opencontainers/image-spec/blob/main/annotations.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.errors import PostgRegentError

TARGETS = ("controller", "regent")
PLATFORMS = ("linux/amd64", "linux/arm64")
# What went in and how: signed by nobody by itself, but part of the index that is signed.
ATTESTATIONS = ("type=provenance,mode=max", "type=sbom")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PREFIX = "org.opencontainers.image"


class NotByDigest(PostgRegentError):
    """An image is not named as HOST/NAME@sha256:…"""


@dataclass(frozen=True, slots=True)
class Built:
    """Of what the images are made."""

    version: str
    revision: str
    created: str
    source: str

    @property
    def labels(self) -> dict[str, str]:
        """OCI's; title, description, vendor and licence are in the Dockerfile."""
        return {
            f"{_PREFIX}.version": self.version,
            f"{_PREFIX}.revision": self.revision,
            f"{_PREFIX}.created": self.created,
            f"{_PREFIX}.source": self.source,
            f"{_PREFIX}.url": self.source,
            f"{_PREFIX}.documentation": f"{self.source}/tree/v{self.version}/docs",
        }


def definition(registry: str, built: Built) -> dict[str, Any]:
    """What bake is told; `registry` is a host and a path, such as ghcr.io/somebody."""
    targets = {
        target: {
            "context": ".",
            "dockerfile": "docker/Dockerfile",
            "target": target,
            "platforms": list(PLATFORMS),
            "args": {"VERSION": built.version, "REVISION": built.revision},
            "labels": built.labels,
            # A registry shows what the index says, not what its images say.
            "annotations": [f"index:{name}={value}" for name, value in built.labels.items()],
            "attest": list(ATTESTATIONS),
            "tags": [f"{registry}/postgregent-{target}:{built.version}"],
        }
        for target in TARGETS
    }
    return {"group": {"default": {"targets": list(TARGETS)}}, "target": targets}


def pushed(metadata: Mapping[str, Any]) -> dict[str, str]:
    """The images by digest, from what bake has written into its metadata file."""
    return {
        target: _by_digest(
            str(metadata[target]["image.name"]), str(metadata[target]["containerimage.digest"])
        )
        for target in TARGETS
    }


def _by_digest(name: str, digest: str) -> str:
    before, _, last = name.rpartition("/")
    return f"{before}/{last.partition(':')[0]}@{digest}"


@dataclass(frozen=True, slots=True)
class Reference:
    """An image by digest: host, name and sha256:…"""

    host: str
    name: str
    digest: str

    @classmethod
    def read(cls, text: str) -> Reference:
        """Raises NotByDigest."""
        place, _, digest = text.partition("@")
        host, _, name = place.partition("/")
        # As container engines tell a host from the first part of a name.
        is_host = "." in host or ":" in host or host == "localhost"
        if not (is_host and name and _DIGEST.fullmatch(digest)):
            raise NotByDigest(f"{text!r} is not an image by digest: HOST/NAME@sha256:…")
        return cls(host, name, digest)
