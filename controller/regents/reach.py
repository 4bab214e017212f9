"""How far the end of a resource has come on one Regent. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from controller.regents.outcome import LOOK_FAILED
from shared.http import ApprovalBody, BrakeBody, StatusBody
from shared.keys import ResourceKey
from shared.outcomes import EXISTS_UNMANAGED


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the end of a resource has come on one Regent.

    `is_told`: its accepted state does not list the resource any more. `is_passed`: a pass that may
    write has seen the catalog with that state in force, and that access has ended. `is_braked`:
    that pass was not let do all of it. `is_unapproved`: the deletion waits for approval, so that
    pass kept what was approved before (rule 20a). `restraint`: why this Regent only looks, until a
    person does something; a look is no deed, so it is told and passed in vain.
    `is_served_by_another`: another Regent holds the lock of its database, and may be carrying out
    this very end. `is_unmarked`: such a pass has seen that access goes on by a role of its name, of
    which nothing says that it is ours to end.
    """

    is_told: bool = False
    is_passed: bool = False
    is_braked: bool = False
    is_unapproved: bool = False
    restraint: str = ""
    unreachable_seconds: float = 0.0
    is_served_by_another: bool = False
    is_unmarked: bool = False

    @property
    def is_ended(self) -> bool:
        """What could be done has been done."""
        return self.is_told and self.is_passed and not self.restraint


def has_passed(status: StatusBody | None, resource: ResourceKey, pushed_revision: int) -> bool:
    """Whether a pass that may write has seen, with the last push in force, that access has ended.

    What it says of the resource still is why it has not.
    """
    return (
        status is not None
        and not status.observing
        and _is_of_the_last(status, pushed_revision)
        and all(one.resource != str(resource) for one in status.resources)
    )


def is_unmarked(status: StatusBody | None, resource: ResourceKey, pushed_revision: int) -> bool:
    """Whether such a pass says that a role of its name may log in, and that it is not ours."""
    return (
        status is not None
        and not status.observing
        and _is_of_the_last(status, pushed_revision)
        and any(
            one.resource == str(resource) and one.reason == EXISTS_UNMANAGED
            for one in status.resources
        )
    )


def restraint_of(status: StatusBody | None, pushed_revision: int, *, is_told: bool) -> str:
    """Why the Regent only looks and goes on to, in one word; empty where waiting may help.

    A push that a takeover keeps out is one that it was not told of.
    """
    if status is None or status.trouble is not None:
        return ""
    if status.takeover.needed:
        return TAKEOVER
    is_of_this = is_told and _is_of_the_last(status, pushed_revision)
    if not is_of_this or not status.observing or status.restraint == LOOK_FAILED:
        return ""
    return status.restraint or OBSERVING


def is_served_by_another(status: StatusBody | None) -> bool:
    """Whether it waits for the lock that another Regent holds."""
    trouble = status.trouble if status is not None else None
    return trouble is not None and trouble.reason == LOCK_HELD


LOCK_HELD = "LockHeld"
TAKEOVER = "TakeoverNeeded"
OBSERVING = "Observing"


def _is_of_the_last(status: StatusBody, pushed_revision: int) -> bool:
    """Whether what it says was seen with the last push in force."""
    return (
        status.looked
        and status.applied_revision is not None
        and status.applied_revision == status.accepted_revision
        and status.applied_revision >= pushed_revision
    )


def withholds(brake: BrakeBody, role: str) -> bool:
    """Whether something of this role is withheld; of a long list only the first are told."""
    is_cut = brake.loss_count > len(brake.losses)
    return brake.pulled and (is_cut or any(loss.role == role for loss in brake.losses))


def waits_for_approval(approval: ApprovalBody, resource: ResourceKey) -> bool:
    """Whether its deletion does; of a long list only the first are told."""
    is_cut = approval.deleted_count > len(approval.deleted)
    return approval.waiting and (is_cut or str(resource) in approval.deleted)
