"""What waits for approval, as the body of the API. Pure."""

from __future__ import annotations

from regent.gate.awaiting import Awaiting
from regent.plan.describe import describe
from shared.http import ApprovalBody
from shared.listing import first_of

SHOWN_CHANGES = 50
SHOWN_DELETED = 100
SHOWN = 5


def approval_body(one: Awaiting | None) -> ApprovalBody:
    """What waits, the first fifty changes of it; nothing once it is approved."""
    if one is None:
        return ApprovalBody()
    if one.is_given:
        return ApprovalBody(waiting=True, message="It was approved, and is on its way.")
    return ApprovalBody(
        waiting=True,
        digest=one.digest,
        change_count=len(one.changes),
        loss_count=one.loss_count,
        changes=tuple(describe(change) for change in one.changes[:SHOWN_CHANGES]),
        deleted_count=len(one.deleted),
        deleted=one.deleted[:SHOWN_DELETED],
        message=_message(one),
    )


def _message(one: Awaiting) -> str:
    """What it does, what it would end, and what is to be done."""
    if one.obstacle:
        return f"What is declared anew waits for approval, which is possible later. {one.obstacle}"
    count, losses = len(one.changes), one.loss_count
    if count:
        waits = "1 change waits" if count == 1 else f"{count} changes wait"
        lost = "" if not losses else ", 1 loss" if losses == 1 else f", {losses} losses"
        said = [f"{waits} for approval{lost}{' among them' if lost else ''}."]
    else:
        said = [
            "What is declared anew waits for approval. It changes nothing of what is there now."
        ]
    if one.deleted:
        gone = first_of(list(one.deleted), SHOWN)
        said.append(f"Deleted, and with access until it is approved: {gone}.")
    if one.retained:
        kept = first_of(sorted(one.retained), SHOWN)
        said.append(f"Deleted, and kept as it is (deletionPolicy: Retain): {kept}.")
    if one.unread:
        said.append(f"Not read, so not in it: {first_of(list(one.unread), SHOWN)}.")
    said.append("If that is meant, approve this digest; else put the declarations right.")
    meanwhile = "this Regent only looks" if one.is_first else "what was approved before is kept"
    said.append(f"Until then {meanwhile}.")
    return " ".join(said)
