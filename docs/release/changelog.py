"""CHANGELOG.md, section by section: https://keepachangelog.com/en/1.1.0/"""

from __future__ import annotations

import re

from shared.errors import PostgRegentError

UNRELEASED = "Unreleased"
# "## [1.2.3] - 2026-01-31"; links at the end of the file are of no section.
_HEADING = re.compile(r"^## \[(?P<version>[^]]+)\](?: - (?P<date>\d{4}-\d{2}-\d{2}))?$")
_LINK = re.compile(r"^\[[^]]+\]: ")


class SectionMissing(PostgRegentError):
    """The changelog says nothing of a version."""


def section(changelog: str, version: str) -> str:
    """What is written of one version, without its heading.

    Raises SectionMissing when it is not there, empty, or of a version and without a date.
    """
    lines = changelog.splitlines()
    headings = [(number, _HEADING.match(line)) for number, line in enumerate(lines)]
    begins = [(number, found) for number, found in headings if found]
    for place, (number, found) in enumerate(begins):
        if found["version"] != version:
            continue
        if version != UNRELEASED and found["date"] is None:
            raise SectionMissing(f"CHANGELOG.md: [{version}] has no date (YYYY-MM-DD).")
        end = begins[place + 1][0] if place + 1 < len(begins) else len(lines)
        written = [line for line in lines[number + 1 : end] if not _LINK.match(line)]
        if text := "\n".join(written).strip():
            return text
        raise SectionMissing(f"CHANGELOG.md: nothing is written under [{version}].")
    raise SectionMissing(f"CHANGELOG.md has no section [{version}].")
