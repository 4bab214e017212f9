"""A Regent that is to be taken off and stays declared: who asks for it, what is said of it. Pure.

Rule 28: `postgregent uninstall --kubernetes` annotates the Regent. Taking the annotation away
starts it again; the released marks keep their holders, so nothing needs `adopt`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.kube.kinds import JsonObject, is_deleting
from controller.lifecycle.finalizers import Release
from controller.regents.outcome import NotReached
from controller.status.patch import ready_condition
from shared.http import StatusBody
from shared.resources import UNINSTALL_ANNOTATION

ASKED = "true"
TRIGGERS = "Triggers"
_AGAIN = f"Take the annotation {UNINSTALL_ANNOTATION} away to start it again."

UNINSTALLING = NotReached(
    "Uninstalling", "Triggers, schema and marks are being taken off its server."
)
UNINSTALLED = NotReached(
    "Uninstalled", f"Nothing of it is left but the roles, as they are. {_AGAIN}"
)
LEFT_INSTALLED = NotReached(
    "LeftInstalled",
    "Its workloads are gone, and triggers, schema and marks are still on its server, which could"
    f" not be reached: run `postgregent uninstall --dsn`. {_AGAIN}",
)
NOTHING_INSTALLED = NotReached(
    "NothingInstalled",
    "Its workloads are gone. It never got to work on its server, so it has installed nothing there."
    f" {_AGAIN}",
)
SETTLED: Mapping[str, NotReached] = {
    one.reason: one for one in (UNINSTALLED, LEFT_INSTALLED, NOTHING_INSTALLED)
}


def not_removed(why: str, beside: NotReached | None = None) -> NotReached:
    """What is said of a Regent whose workloads cannot be removed; `beside` what is said anyway."""
    said = f"What runs it cannot be removed: {why} It is tried again."
    if beside is None:
        return NotReached("NotRemoved", said)
    return NotReached(beside.reason, f"{said} {beside.message}")


def asks_for_uninstall(found: JsonObject) -> bool:
    """Whether this Regent is annotated, and not being deleted anyway."""
    annotations = found["metadata"].get("annotations") or {}
    return annotations.get(UNINSTALL_ANNOTATION) == ASKED and not is_deleting(found)


def asking(found: JsonObject) -> JsonObject:
    """The merge patch that annotates this very Regent."""
    annotations = {UNINSTALL_ANNOTATION: ASKED}
    return {"metadata": {"uid": found["metadata"]["uid"], "annotations": annotations}}


def settled(found: JsonObject) -> NotReached | None:
    """What its status says has become of it; None where it was not taken off."""
    said = ready_condition(found.get("status") or {})
    return SETTLED.get(str(said.get("reason"))) if said.get("status") == "False" else None


def what_became(
    found: JsonObject, reason: Release | None = None, said: StatusBody | None = None
) -> NotReached:
    """The word on a Regent that is let go for this reason; without one it does not run.

    Then it cannot take anything off, and what was installed for it is still there.
    """
    if reason is Release.ENDED:
        return UNINSTALLED
    left = LEFT_INSTALLED if has_installed(found, said) else NOTHING_INSTALLED
    return left if reason is not None else settled(found) or left


def has_installed(found: JsonObject, said: StatusBody | None = None) -> bool:
    """Whether it ever got to work, by its resource or by what it `said` last.

    It accepts a push only with the lock of its server, and installs nothing before.
    """
    status: Mapping[str, Any] = found.get("status") or {}
    if "acceptedRevision" in status or (status.get("detector") or {}).get("mode") == TRIGGERS:
        return True
    return said is not None and (
        said.accepted_revision is not None or said.detector.mode == TRIGGERS
    )
