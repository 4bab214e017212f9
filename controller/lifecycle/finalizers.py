"""When a deleted resource may go: its access has ended, or waiting would hang a namespace. Pure.

Rules 27 and 28. What is let go before its end was carried out is remembered, and carried out
later from what the Regent has accepted: nothing hangs a prune or a namespace.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from controller.kube.kinds import JsonObject
from controller.regents.reach import Reach
from shared.keys import Kind, ResourceKey
from shared.outcomes import AWAITING_APPROVAL, EXISTS_UNMANAGED
from shared.resources import GROUP

FINALIZER = f"{GROUP}/access"
HELD_KINDS: frozenset[Kind] = frozenset({"Role", "User", "Regent"})
"""A Permission is no access by itself: its absence is believed, and the brake counts it."""

UNREACHABLE_SECONDS = 15.0
LONGEST_SECONDS = 45.0


class Release(StrEnum):
    """Why a finalizer goes."""

    ENDED = "AccessEnded"
    RETAINED = "Retained"
    NO_REGENT = "NoRegent"
    WITHHELD = "BrakePulled"
    UNAPPROVED = AWAITING_APPROVAL
    OBSERVING = "Observing"
    IN_RECOVERY = "InRecovery"
    TAKEOVER = "TakeoverNeeded"
    UNREACHABLE = "Unreachable"
    TIMED_OUT = "TimedOut"
    UNMARKED = EXISTS_UNMANAGED
    KIND_GOES = "KindGoes"


def role_of(key: ResourceKey, found: JsonObject) -> str:
    """The name in PostgreSQL of a Role or User (rule 7), valid or not."""
    spec = found.get("spec") or {}
    return str(spec.get("userName" if key.kind == "User" else "roleName") or key.name)


def is_retained(found: JsonObject) -> bool:
    """Whether its end shall leave everything as it is (rule 27)."""
    return (found.get("spec") or {}).get("deletionPolicy") == "Retain"


def release(
    waited_seconds: float, reaches: Iterable[Reach], *, retained: bool = False
) -> Release | None:
    """Why the finalizer may go now; None while it has to wait.

    `AccessEnded` is what a Regent that may write has seen, and nothing else (ADR 30).
    """
    found = tuple(reaches)
    if not found:
        return Release.NO_REGENT
    reason = _end_of(waited_seconds, found)
    return Release.RETAINED if retained and reason is not None else reason


def _end_of(waited_seconds: float, reaches: Sequence[Reach]) -> Release | None:
    waiting = [reach for reach in reaches if not reach.is_ended]
    if not waiting:
        if any(reach.is_unapproved for reach in reaches):
            return Release.UNAPPROVED
        withheld = any(reach.is_braked for reach in reaches)
        return Release.WITHHELD if withheld else Release.ENDED
    in_vain = [_why_in_vain(waited_seconds, reach) for reach in waiting]
    if all(in_vain):
        told = (why for why in in_vain if why is not Release.UNREACHABLE)
        return next(told, Release.UNREACHABLE)
    return Release.TIMED_OUT if waited_seconds >= LONGEST_SECONDS else None


def _why_in_vain(waited_seconds: float, reach: Reach) -> Release | None:
    """Why waiting for this Regent helps nobody; None while it may.

    One that only looks does so until a person acts. A takeover that it was not told of may be a
    doubt that ends by itself, so it is waited for like one that is away. Where another Regent has
    its lock, that one is given as long to end it. A role without our mark is ended by nobody.
    """
    is_long = waited_seconds >= UNREACHABLE_SECONDS
    is_away = reach.unreachable_seconds >= UNREACHABLE_SECONDS
    if is_away and (is_long or not reach.is_served_by_another):
        return Release.UNREACHABLE
    if reach.restraint and (reach.is_told or is_long):
        known = (Release.TAKEOVER, Release.IN_RECOVERY, Release.UNAPPROVED)
        return next((one for one in known if one == reach.restraint), Release.OBSERVING)
    return Release.UNMARKED if reach.is_unmarked else None


def release_regent(
    waited_seconds: float, unreachable_seconds: float, *, has_work: bool, is_uninstalled: bool
) -> Release | None:
    """Why a Regent's own finalizer may go now.

    `has_work`: deletions of its resources are under way and shall finish first.
    """
    if is_uninstalled and not has_work:
        return Release.ENDED
    if not has_work and unreachable_seconds >= UNREACHABLE_SECONDS:
        return Release.UNREACHABLE
    if waited_seconds >= LONGEST_SECONDS:
        return Release.TIMED_OUT
    return None


def is_held(found: JsonObject) -> bool:
    """Whether our finalizer is on it."""
    return FINALIZER in (found["metadata"].get("finalizers") or ())


def holding(found: JsonObject) -> JsonObject:
    """The merge patch that puts our finalizer on this very version."""
    kept = list(found["metadata"].get("finalizers") or ())
    return _patch(found, [*kept, FINALIZER])


def letting_go(found: JsonObject) -> JsonObject:
    """The merge patch that takes our finalizer off this very version."""
    kept = [name for name in found["metadata"].get("finalizers") or () if name != FINALIZER]
    return _patch(found, kept)


def _patch(found: JsonObject, finalizers: list[str]) -> JsonObject:
    """The resource version makes it fail where somebody else has changed the list meanwhile."""
    metadata = found["metadata"]
    only = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
    return {"metadata": {**only, "finalizers": finalizers}}
