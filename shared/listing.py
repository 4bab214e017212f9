"""Some of many, in words."""

from __future__ import annotations

from collections.abc import Sequence


def first_of(texts: Sequence[str], most: int) -> str:
    """`a, b and 3 more`: as many as may be shown, and how many more there are."""
    more = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {more} more" if more > 0 else "")
