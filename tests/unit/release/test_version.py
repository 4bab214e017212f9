"""pyproject.toml has the version; what else names it must say the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.release.version import (
    NotReleasable,
    Version,
    disagreements,
    mentions,
    reasons_against,
    version_in,
)

ROOT = Path(__file__).parents[3]
OURS = Version("1.2.3", "1.2.3")
CHANGELOG = """# Changelog

## [Unreleased]

## [1.2.3] - 2026-01-31

### Added

- A thing.
"""


def pyproject(version: str) -> str:
    return f'[project]\nname = "postgregent"\nversion = "{version}"\n'


def test_the_tree_names_one_version() -> None:
    chart = (ROOT / "charts/postgregent/Chart.yaml").read_text("utf-8")
    dockerfile = (ROOT / "docker/Dockerfile").read_text("utf-8")
    ours = version_in((ROOT / "pyproject.toml").read_text("utf-8"))
    named = mentions(chart, dockerfile)
    assert len(named) == 3
    assert disagreements(ours, named) == []


def test_a_place_that_says_another_version_is_named_with_what_it_should_say() -> None:
    named = mentions('version: 1.2.3\nappVersion: "1.2.2"\n', "FROM scratch\nARG VERSION=1.2.3\n")
    (sentence,) = disagreements(OURS, named)
    assert sentence == (
        "charts/postgregent/Chart.yaml: appVersion is 1.2.2, and should be 1.2.3, as in"
        " pyproject.toml."
    )


def test_a_place_that_says_nothing_is_named_too() -> None:
    named = mentions("version: 1.2.3\nappVersion: 1.2.3\n", "FROM scratch\n")
    assert "ARG VERSION is nothing" in disagreements(OURS, named)[0]


@pytest.mark.parametrize(
    ("written", "semantic", "is_prerelease"),
    [
        ("1.2.3", "1.2.3", False),
        ("1.2.3a1", "1.2.3-alpha.1", True),
        ("1.2.3b2", "1.2.3-beta.2", True),
        ("1.2.3rc10", "1.2.3-rc.10", True),
    ],
)
def test_a_prerelease_is_spelt_as_helm_reads_it(
    written: str, semantic: str, is_prerelease: bool
) -> None:
    found = version_in(pyproject(written))
    assert (found.semantic, found.is_prerelease) == (semantic, is_prerelease)
    assert found.tag == f"v{semantic}"


@pytest.mark.parametrize("written", ["1.2", "1.2.3.post1", "1.2.3.dev0", "1!1.2.3", "1.2.3-rc.1"])
def test_a_version_without_a_counterpart_is_refused(written: str) -> None:
    with pytest.raises(NotReleasable, match="has no counterpart in SemVer"):
        version_in(pyproject(written))


def test_the_tag_of_the_version_may_be_released() -> None:
    assert reasons_against(OURS, "v1.2.3", CHANGELOG) == []


@pytest.mark.parametrize(
    ("tag", "changelog", "reason"),
    [
        ("v1.2.4", CHANGELOG, "The tag is v1.2.4, and pyproject.toml says 1.2.3"),
        ("1.2.3", CHANGELOG, "The tag is 1.2.3, and pyproject.toml says 1.2.3: v1.2.3"),
        ("v1.2.3", CHANGELOG.replace("1.2.3", "1.2.2"), "has no section [1.2.3]"),
        ("v1.2.3", CHANGELOG.replace(" - 2026-01-31", ""), "[1.2.3] has no date"),
        ("v1.2.3", CHANGELOG.replace("d]\n", "d]\n\n- More.\n"), "is under [Unreleased] below"),
    ],
)
def test_a_tag_that_may_not_be_released_is_told_why(tag: str, changelog: str, reason: str) -> None:
    (found,) = reasons_against(OURS, tag, changelog)
    assert reason in found
