"""When a deleted resource may go: its access has ended, or waiting would hang a namespace. Pure.

Rules 27 and 28. What is let go before its end was carried out is remembered, and carried out
later from what the Regent has accepted: nothing hangs a prune or a namespace.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from controller.kube.kinds import JsonObject
from controller.regents.reach import Reach
from shared.keys import Kind, ResourceKey
from shared.resources import GROUP

FINALIZER = f"{GROUP}/access"
HELD_KINDS: frozenset[Kind] = frozenset({"Role", "User", "Regent"})
"""A Permission is no access by itself: its absence is believed, and the brake counts it."""

UNREACHABLE_SECONDS = 15.0
LONGEST_SECONDS = 45.0


class Release(StrEnum):
    """Why a finalizer goes."""

    ENDED = "AccessEnded"
    NO_REGENT = "NoRegent"
    WITHHELD = "BrakePulled"
    UNREACHABLE = "Unreachable"
    TIMED_OUT = "TimedOut"
    KIND_GOES = "KindGoes"


def role_of(key: ResourceKey, found: JsonObject) -> str:
    """The name in PostgreSQL of a Role or User (rule 7), valid or not."""
    spec = found.get("spec") or {}
    return str(spec.get("userName" if key.kind == "User" else "roleName") or key.name)


def release(waited_seconds: float, reaches: Iterable[Reach]) -> Release | None:
    """Why the finalizer may go now; None while it has to wait."""
    found = tuple(reaches)
    if not found:
        return Release.NO_REGENT
    waiting = [reach for reach in found if not reach.is_ended]
    if not waiting:
        withheld = any(reach.is_braked for reach in found)
        return Release.WITHHELD if withheld else Release.ENDED
    if all(reach.unreachable_seconds >= UNREACHABLE_SECONDS for reach in waiting):
        return Release.UNREACHABLE
    if waited_seconds >= LONGEST_SECONDS:
        return Release.TIMED_OUT
    return None


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
