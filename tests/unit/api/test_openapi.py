"""The committed description is the API's."""

from __future__ import annotations

from pathlib import Path

from regent.api.openapi import document, text

COMMITTED = Path(__file__).parents[3] / "docs" / "openapi" / "regent.json"


def test_the_committed_description_is_not_stale() -> None:
    """When it is: `python -m regent.api.openapi > docs/openapi/regent.json`."""
    assert COMMITTED.read_text() == text()


def test_every_error_is_described_as_a_problem() -> None:
    errors = [
        response["content"]
        for operations in document()["paths"].values()
        for operation in operations.values()
        for status, response in operation["responses"].items()
        if status.startswith(("4", "5"))
    ]
    assert errors
    assert all(list(content) == ["application/problem+json"] for content in errors)
