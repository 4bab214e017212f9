"""What a release's notes are cut from."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.release.changelog import UNRELEASED, SectionMissing, section

TEXT = """# Changelog

## [Unreleased]

## [0.2.0] - 2026-02-28

### Added

- A thing, see [the page](docs/page.md).

### Fixed

- Another.

## [0.1.0] - 2026-01-31

- The first.

[0.2.0]: https://example.org/compare/v0.1.0...v0.2.0
[0.1.0]: https://example.org/releases/v0.1.0
"""


def test_a_section_ends_where_the_next_begins() -> None:
    found = section(TEXT, "0.2.0")
    assert found.startswith("### Added")
    assert found.endswith("- Another.")


def test_the_last_section_ends_before_the_links() -> None:
    assert section(TEXT, "0.1.0") == "- The first."


@pytest.mark.parametrize("version", [UNRELEASED, "0.3.0", "0.2", "0.1.0-rc.1"])
def test_a_section_that_is_empty_or_not_there_is_missing(version: str) -> None:
    with pytest.raises(SectionMissing, match=version):
        section(TEXT, version)


def test_the_changelog_of_the_tree_has_a_section_that_is_read() -> None:
    """What is written next is found: as unreleased, or as the version that was just released."""
    changelog = (Path(__file__).parents[3] / "CHANGELOG.md").read_text("utf-8")
    first = changelog.partition("## [")[2].partition("]")[0]
    assert first == UNRELEASED
    found = [name for name in _versions(changelog) if _is_written(changelog, name)]
    assert found


def _versions(changelog: str) -> list[str]:
    return [part.partition("]")[0] for part in changelog.split("\n## [")[1:]]


def _is_written(changelog: str, version: str) -> bool:
    try:
        return bool(section(changelog, version))
    except SectionMissing:
        return False
