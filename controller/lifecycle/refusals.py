"""What is said of resources with which a look could not do what it should. Pure."""

from __future__ import annotations

from collections.abc import Container, Mapping

from controller.lifecycle.finalizers import FINALIZER
from controller.regents.outcome import NotReached
from shared.keys import ResourceKey
from shared.outcomes import Outcome

Refused = Mapping[ResourceKey, str]
"""By resource, why."""


def not_held(refused: Refused, unheld: Container[ResourceKey]) -> dict[ResourceKey, Outcome]:
    """Of those that lack our finalizer."""
    return {
        key: _outcome(
            key,
            "NotHeld",
            f"Its finalizer {FINALIZER} cannot be put on it: {why} What is in force stays, and"
            " nothing new of it is given. It is tried again.",
        )
        for key, why in refused.items()
        if key in unheld
    }


def cannot_go(
    refused: Refused, not_remembered: Refused, deleting: Container[ResourceKey]
) -> dict[ResourceKey, Outcome]:
    """Of those that are deleted and could go, had something not been refused."""
    unwritten = {
        key: f"Its deletion cannot be remembered for Regents that are away: {why}"
        for key, why in not_remembered.items()
    }
    held = {
        key: f"Its finalizer {FINALIZER} cannot be removed: {why}" for key, why in refused.items()
    }
    return {
        key: _outcome(key, "NotLetGo", f"It is being deleted. {why} It is tried again.")
        for key, why in (unwritten | held).items()
        if key in deleting
    }


def failed(key: ResourceKey, fault: NotReached) -> Outcome:
    """Of one whose part of the look failed by a mistake of ours."""
    return _outcome(key, fault.reason, fault.message)


def _outcome(key: ResourceKey, reason: str, message: str) -> Outcome:
    """Its generation is that of the resource when it is written."""
    return Outcome(
        resource=str(key), generation=0, state="Reconciling", reason=reason, message=message
    )
