"""A moment in words, the same wherever it is said."""

from __future__ import annotations

from datetime import UTC, datetime


def utc(moment: datetime) -> str:
    """`2026-11-27T11:00:18Z`, as Kubernetes writes it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
