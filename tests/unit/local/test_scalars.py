"""Unquoted values stay what a person means by them."""

from __future__ import annotations

import pytest

from controller.local.scalars import plain_scalar


@pytest.mark.parametrize(
    "text",
    ["on", "off", "yes", "No", "y", "1:30", "2026-12-31", "2026-12-31T10:00:00Z", "0600", "0x1f",
     "1_000", "1e3x", "64MB", "=", "nan", ".inf"],
)  # fmt: skip
def test_what_older_yaml_would_turn_into_something_else_stays_text(text: str) -> None:
    assert plain_scalar(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [("", None), ("~", None), ("null", None), ("true", True), ("FALSE", False), ("5432", 5432),
     ("-1", -1), ("0", 0), ("1.5", 1.5), ("1e3", 1000.0)],
)  # fmt: skip
def test_null_booleans_and_numbers_are_read(text: str, value: object) -> None:
    found = plain_scalar(text)
    assert found == value
    assert type(found) is type(value)
