"""What was sent, was taken by the server, and differs as before: told, and asked again later. Pure.

Once or twice is somebody who undid it between two looks, and is corrected at once (rule 26). Three
times in one pass is a server, a trigger or a job that undoes it by itself: to send it without end
helps nobody. Whoever only looks like that has what is to be taken for a second. Ends of access are
not asked for less often (rule 24).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from regent.apply.render import render
from regent.apply.result import NO_EFFECT, ChangeResult
from regent.changes import (
    Change,
    Effect,
    OfAttribute,
    OfDefaults,
    OfMembership,
    OfObjects,
    Plan,
)
from regent.gate.refusals import Refused, keys_of, since
from regent.remembered import Unmanageable

MOST_SHOWN = 300
MOST_TIMES = 3
"""So often in one pass, which is fewer than its rounds."""


def keys_done(results: Iterable[ChangeResult]) -> frozenset[str]:
    """What these results did, as far as a later look can say that it was in vain."""
    changes = (one.change for one in results if one.done and _is_seen(one.change))
    return frozenset(key for change in changes for key in keys_of(change))


def without_effect(
    sent: Mapping[str, int], plan: Plan, refused: Refused, *, major: int, now: datetime
) -> Mapping[str, Unmanageable]:
    """What is planned again though it was `sent` and done so often in this pass."""
    suspects = {key for key, times in sent.items() if times >= MOST_TIMES}
    found: dict[str, Unmanageable] = {}
    for change in plan.changes if suspects else ():
        for key in keys_of(change) if _is_seen(change) else ():
            if key not in suspects:
                continue
            began = since(refused.get(key), now)
            found[key] = Unmanageable(key, NO_EFFECT, _said(change, major), now, began)
    return found


def _is_seen(change: Change) -> bool:
    is_kind = isinstance(change, OfAttribute | OfDefaults | OfMembership | OfObjects)
    return is_kind and change.effect is not Effect.CLOSE


def _said(change: Change, major: int) -> str:
    shown = "; ".join(one.shown for one in render(change, major=major))
    return f"the server takes it, and all is as before: {shown[:MOST_SHOWN]}"
