"""What became of drift that could not be corrected when it was found: told as any other. Pure.

A pause, a refusal, a lock or the brake was in the way; what corrects it then is no drift of its
pass, and may be one change of several that were found one by one.
"""

from __future__ import annotations

from collections.abc import Iterable

from regent.changes import Change, PrivilegeChange
from regent.passes.one_pass import Pass
from regent.plan.describe import describe
from regent.report.deeds import correction_of
from regent.report.drifts import differences
from shared.outcomes import Drift


def settled(outstanding: Iterable[Drift], one: Pass) -> tuple[tuple[Drift, Change | None], ...]:
    """Those whose resources have nothing open any more, or are gone.

    Each with what this pass did about it, if it did: after a pause, a refusal or a wait.
    """
    refused = (refusal.change for refusal in one.not_manageable)
    changes = (*one.remaining, *refused, *(c for paused in one.paused for c in paused.held))
    still_open = {str(key) for change in changes for key in change.causes}
    whats = {describe(change) for change in changes}
    done = [result.change for result in one.results if result.done]
    by_what = {describe(change): change for change in done}
    by_place = {place: change for change in done for place in _places(change)}

    def became(drift: Drift) -> tuple[Drift, Change | None]:
        times: dict[str, object] = {"corrected_at": one.corrected_at}
        change = by_what.get(drift.what)
        said = correction_of(change) if change is not None else "corrected"
        # Several that waited may have become one change, or a part of one.
        change = change or by_place.get((drift.database, drift.role, drift.object))
        if change is None:
            return drift.model_copy(update=times), None
        times |= {"correction": said, "action": describe(change), "error": ""}
        return drift.model_copy(update=times), change

    return tuple(
        became(drift)
        for drift in outstanding
        if still_open.isdisjoint(drift.resources)
        and drift.what not in whats
        and drift.database not in one.unread
    )


def _places(change: Change) -> Iterable[tuple[str | None, str | None, str]]:
    """The database, role and object of what it does, as a drift names them."""
    if isinstance(change, PrivilegeChange):
        for grantee in change.grantees:
            yield from ((change.database, grantee, str(one)) for one in change.objects)
    else:
        yield from ((one.database, one.role, one.object) for one in differences((change,)))
