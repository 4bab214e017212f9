"""Drift as lines, rows and data: the same of `drift` and `history`, wherever it was read. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cli.sheet import Sheet
from shared.drift_text import drift_text, outcome, who
from shared.outcomes import Drift
from shared.utc import utc

COLUMNS = (
    "id", "regent", "database", "foundAt", "happenedAt", "correctedAt", "role", "object", "what",
    "deed", "by", "outcome", "resources", "error",
)  # fmt: skip


def of_role(drifts: Iterable[Drift], role: str | None) -> list[Drift]:
    """Those about this role; all where none is named."""
    return [one for one in drifts if role is None or one.role == role]


def in_order(drifts: Iterable[Drift]) -> list[Drift]:
    """Oldest first, over all Regents."""
    return sorted(drifts, key=lambda one: (one.found_at, one.regent, one.id))


def add_drift(sheet: Sheet, drift: Drift) -> None:
    """`2026-11-28T10:00:00Z default/my-regent: DELETE on … was granted to … by …, revoked …`."""
    style = "" if drift.corrected_at else "bold red"
    sheet.add_pieces((f"{utc(drift.found_at)} {drift.regent}: ", ""), (drift_text(drift), style))


def drift_data(drift: Drift) -> dict[str, Any]:
    """As the API says it."""
    return drift.model_dump(mode="json", by_alias=True, exclude_none=True)


def drift_row(drift: Drift) -> dict[str, Any]:
    """For CSV: who and what became of it in words."""
    data = drift_data(drift)
    return data | {"by": who(drift.actor), "outcome": outcome(drift)}
