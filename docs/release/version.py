"""The version stands in pyproject.toml; every other place that has to name it is held to it.

Python and Helm spell a pre-release differently, so a version has two spellings.
https://packaging.python.org/en/latest/specifications/version-specifiers/ and https://semver.org
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from docs.release.changelog import UNRELEASED, SectionMissing, section
from shared.errors import PostgRegentError

_VERSION = re.compile(r"(?P<release>\d+\.\d+\.\d+)(?:(?P<stage>a|b|rc)(?P<number>\d+))?")
_ARGUMENT = re.compile(r"^ARG VERSION=(?P<version>\S+)$", re.MULTILINE)
_STAGES = {"a": "alpha", "b": "beta", "rc": "rc"}


class NotReleasable(PostgRegentError):
    """What is in the tree is not what the tag says."""


@dataclass(frozen=True, slots=True)
class Version:
    """`python` names the wheel; `semantic` is for tags, images, the chart and the changelog."""

    python: str
    semantic: str

    @property
    def is_prerelease(self) -> bool:
        """Whether it says of itself that it is not finished."""
        return self.python != self.semantic

    @property
    def tag(self) -> str:
        """What the commit is called."""
        return f"v{self.semantic}"


def version_in(pyproject: str) -> Version:
    """The version of the project. Raises NotReleasable for one that cannot be spelt in SemVer."""
    written = str(tomllib.loads(pyproject)["project"]["version"])
    found = _VERSION.fullmatch(written)
    if found is None:
        raise NotReleasable(
            f"pyproject.toml: version {written!r} has no counterpart in SemVer.",
            way_out="Write it as 1.2.3, 1.2.3a1, 1.2.3b1 or 1.2.3rc1.",
        )
    if found["stage"] is None:
        return Version(written, written)
    stage = f"{_STAGES[found['stage']]}.{found['number']}"
    return Version(written, f"{found['release']}-{stage}")


def mentions(chart: str, dockerfile: str) -> dict[str, str]:
    """What Chart.yaml and the Dockerfile say, by place; each must be the semantic version."""
    definition = yaml.safe_load(chart)
    argument = _ARGUMENT.search(dockerfile)
    return {
        "charts/postgregent/Chart.yaml: version": str(definition.get("version")),
        "charts/postgregent/Chart.yaml: appVersion": str(definition.get("appVersion")),
        "docker/Dockerfile: ARG VERSION": argument["version"] if argument else "nothing",
    }


def disagreements(version: Version, mentioned: Mapping[str, str]) -> list[str]:
    """One sentence for each place that says something else."""
    return [
        f"{place} is {said}, and should be {version.semantic}, as in pyproject.toml."
        for place, said in mentioned.items()
        if said != version.semantic
    ]


def reasons_against(version: Version, tag: str, changelog: str) -> list[str]:
    """Why this tag may not be released; nothing, when it may."""
    reasons = []
    if tag != version.tag:
        reasons.append(f"The tag is {tag}, and pyproject.toml says {version.python}: {version.tag}")
    try:
        section(changelog, version.semantic)
    except SectionMissing as missing:
        reasons.append(str(missing))
    try:
        section(changelog, UNRELEASED)
    except SectionMissing:
        return reasons
    heading = f"## [{version.semantic}] - YYYY-MM-DD"
    reasons.append(f"CHANGELOG.md: move what is under [{UNRELEASED}] below '{heading}'.")
    return reasons
