"""Drift as lines, rows and data: the same of `drift` and `history`, wherever it was read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cli.sheet import Sheet
from regent.remembered import Remembered
from shared.drift_text import drift_text, outcome, who
from shared.errors import PostgRegentError
from shared.outcomes import Drift
from shared.problems import nearest
from shared.state import postgres_name_of
from shared.utc import utc

COLUMNS = (
    "id", "regent", "database", "foundAt", "happenedAt", "correctedAt", "role", "object", "what",
    "deed", "by", "outcome", "resources", "error",
)  # fmt: skip


class NotRememberedError(PostgRegentError):
    """--role names nobody whom a home database knows."""


def require_remembered(
    role: str | None, remembered: Sequence[Remembered], drifts: Iterable[Drift]
) -> None:
    """Raises NotRememberedError, with the nearest name, for a role that nobody knows or knew.

    Known are the roles that are managed or were, those that shall be, and those of the history.
    """
    if role is None:
        return
    names = {mark.role for one in remembered for mark in one.marks}
    names |= {one.role for one in drifts if one.role}
    for one in remembered:
        entries = one.accepted.state.resources if one.accepted else {}
        names |= {
            postgres_name_of(key, entry)
            for key, entry in entries.items()
            if entry.kind != "Permission"
        }
    if role in names:
        return
    near = nearest(role, names)
    raise NotRememberedError(
        f"--role {role}: no Regent that is remembered here has or had a role of this name.",
        way_out=f"Did you mean {near}?" if near else "Name a role as it is called in PostgreSQL.",
    )


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
