"""The final outcome of each resource after a pass. Pure (semantics 21 and 29)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from regent.applying.result import ChangeResult
from regent.brake import Verdict
from regent.changes import Change, Plan
from regent.describe import describe
from regent.refusals import is_permanent
from shared.keys import ResourceKey
from shared.outcomes import Outcome, State

T = TypeVar("T")


def settle(
    resolved: Mapping[str, Outcome],
    *,
    results: Iterable[ChangeResult],
    verdict: Verdict,
    remaining: Plan,
    is_observing: bool,
) -> Mapping[str, Outcome]:
    """What was resolved, refused, withheld, still open; Ready only where none of these is true.

    `remaining` is the plan on the catalog as it was read after the changes were applied.
    """
    failed = _by_cause((r.change, r) for r in results if not r.done)
    withheld = _by_cause((change, change) for change in verdict.withheld_changes)
    still_open = _by_cause((change, change) for change in remaining.changes)
    matches = {str(key): count for key, count in remaining.matches.items()}
    outcomes = {}
    for key, outcome in resolved.items():
        update: dict[str, object] = {"matches": matches.get(key)}
        if outcome.reason == "Applying":
            update |= _final(
                failed.get(key), withheld.get(key), still_open.get(key), is_observing, verdict
            )
        outcomes[key] = outcome.model_copy(update=update)
    return outcomes


def _final(
    failed: ChangeResult | None,
    withheld: Change | None,
    still_open: Change | None,
    is_observing: bool,
    verdict: Verdict,
) -> dict[str, object]:
    if withheld is not None:
        return _said(
            "Stalled",
            "BrakePulled",
            f"The brake withholds {len(verdict.withheld)} losses, such as: {describe(withheld)}."
            f" If they are meant, release digest {verdict.digest}.",
        )
    if failed is not None:
        reason = "NotManageable" if is_permanent(failed) else "Refused"
        state: State = "Stalled" if is_permanent(failed) else "Reconciling"
        text = f"{describe(failed.change)}: {failed.message} ({failed.sqlstate}) {failed.way_out}"
        return _said(state, reason, text.strip())
    if is_observing:
        open_work = f" It would {describe(still_open)}." if still_open else " Nothing is to do."
        return _said("Reconciling", "Observing", f"This Regent observes.{open_work}")
    if still_open is not None:
        return _said("Reconciling", "Applying", f"Still to do: {describe(still_open)}.")
    return _said("Ready", "Applied", "As declared.")


def _said(state: State, reason: str, message: str) -> dict[str, object]:
    return {"state": state, "reason": reason, "message": message}


def _by_cause(pairs: Iterable[tuple[Change, T]]) -> dict[str, T]:
    """The first of each resource that is a cause."""
    found: dict[str, T] = {}
    for change, value in pairs:
        key: ResourceKey
        for key in change.causes:
            found.setdefault(str(key), value)
    return found
