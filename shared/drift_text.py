"""A drift in words, the same on every surface: lines, Events, the demo.

First what somebody did and who, then what was done about it. No secret is in any of it.
"""

from __future__ import annotations

from shared.outcomes import CONTENDED_TIMES, PAUSED, Actor, Candidate, Drift


def drift_text(drift: Drift, *, with_pid: bool = True) -> str:
    """Such as `DELETE on table a.b was granted to c by eve (psql), revoked 3.9 ms later`."""
    deed = _deed(drift, with_pid=with_pid)
    return deed if drift.correction == PAUSED else f"{deed}, {outcome(drift)}"


def outcome(drift: Drift) -> str:
    """What was done about it, and how long after it; where nobody knows when it began, that.

    Such as `revoked 3.9 ms later`, or `revoked 3.9 ms after it was found; since when is not known`.
    """
    if drift.corrected_at is None:
        return f"not corrected: {drift.error}" if drift.error else "not corrected"
    done = drift.correction or "corrected"
    since = (drift.corrected_at - (drift.happened_at or drift.found_at)).total_seconds()
    if since < 0:
        return done
    if drift.happened_at is None:
        return f"{done} {since * 1000:.1f} ms after it was found; since when is not known"
    return f"{done} {since * 1000:.1f} ms later"


def timeless(drift: Drift) -> str:
    """The same for the same deed of the same actor, whenever and from whichever session."""
    if drift.correction == PAUSED:
        return _deed(drift, with_pid=False)
    done = outcome(drift) if drift.corrected_at is None else drift.correction or "corrected"
    return f"{_deed(drift, with_pid=False)}, {done}"


def undone(times: int) -> str:
    """How often a correction was undone lately: what waits for that reason may be so no more."""
    often = f"{times} times within a minute" if times >= CONTENDED_TIMES else "again and again"
    return f"undone {often}"


def who(actor: Actor, *, with_pid: bool = True) -> str:
    """`by eve (as app_owner, psql, 10.0.0.7)`; `probably by eve or mallory` where several fit."""
    if actor.certainty == "Unknown" or not (actor.session_user or actor.role):
        return f"by somebody unknown ({actor.why_not.rstrip('.')})" if actor.why_not else "by ?"
    names = [_named(one, with_pid=with_pid) for one in (actor, *actor.others)]
    every = " or ".join(dict.fromkeys(names))
    return f"by {every}" if actor.certainty == "Recorded" else f"probably by {every}"


def _deed(drift: Drift, *, with_pid: bool) -> str:
    comma = "" if drift.actor.certainty == "Recorded" else ","
    return f"{drift.deed or drift.what}{comma} {who(drift.actor, with_pid=with_pid)}"


def _named(one: Candidate, *, with_pid: bool) -> str:
    name = one.session_user or one.role or "somebody"
    role = f"as {one.role}" if one.role and one.role != name else ""
    pid = f"pid {one.pid}" if with_pid and one.pid else ""
    details = ", ".join(part for part in (role, one.application, one.client, pid) if part)
    return f"{name} ({details})" if details else name
