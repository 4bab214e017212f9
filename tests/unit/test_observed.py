"""What is said of a server as such."""

from __future__ import annotations

from shared.privileges import NEWEST_KNOWN
from tests.declared import server
from tests.postgres.releases import VERSIONS


def test_a_server_that_is_newer_than_any_known_one_is_named() -> None:
    newer = server(major=NEWEST_KNOWN + 1).newness
    assert f"PostgreSQL {NEWEST_KNOWN + 1} is newer" in newer
    assert f"served as {NEWEST_KNOWN}" in newer


def test_nothing_is_said_of_those_that_are_tested() -> None:
    assert max(VERSIONS) == NEWEST_KNOWN
    assert not any(server(major=version).newness for version in VERSIONS)
