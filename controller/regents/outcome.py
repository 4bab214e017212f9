"""How a Regent itself is doing, in one outcome: whether it runs, listens, and may write. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from controller.regents.vanished import REASON, held_words, named, vanished_of
from shared.errors import PostgRegentError
from shared.http import ApprovalBody, StatusBody
from shared.keys import ResourceKey
from shared.outcomes import AWAITING_APPROVAL, Outcome, State
from shared.resources import APPROVE_ANNOTATION

IN_RECOVERY = "InRecovery"
"""Of a standby, which takes no push either."""
FOR_GOOD = frozenset(
    {
        "Refused",
        "TakeoverNeeded",
        IN_RECOVERY,
        "Unauthorized",
        "SchemaOutdated",
        "HostNotAllowed",
        "NotSupported",
        "OtherUser",
        "HomeDatabaseOlder",
        "NameTaken",
        "Uninstalled",
        "LeftInstalled",
        "NothingInstalled",
    }
)
"""Until a person does something; everything else may pass by itself."""


@dataclass(frozen=True, slots=True)
class NotReached:
    """Why a Regent cannot be started, or talked to."""

    reason: str
    message: str

    @classmethod
    def of(cls, error: PostgRegentError) -> NotReached:
        """`NoAdminPasswordError` becomes `NoAdminPassword`."""
        return cls(type(error).__name__.removesuffix("Error"), str(error))

    @property
    def is_for_good(self) -> bool:
        """Whether waiting cannot help."""
        return self.reason in FOR_GOOD

    @property
    def state(self) -> State:
        """Of the condition that says it."""
        return "Stalled" if self.is_for_good else "Reconciling"


def not_synced(why: str) -> NotReached:
    """Not all that is declared for it is known, so it is told nothing (rule 17)."""
    return NotReached("NotSynced", f"Nothing is pushed: {why}")


SHOWN = 5
NOT_CONNECTED = "NotReady"
"""Of what answers and has no connection to its server: its status says why."""

NOT_ANSWERING = "NotAnswering"
"""Of a Regent whose process cannot be talked to."""


LOOK_FAILED = "LookFailed"
"""Of a pass that failed by a mistake of ours: it is tried again."""


NOT_TAKEN_AWAY = "NotTakenAway"
"""Where PUBLIC keeps CONNECT, as somebody would be shut out."""


ACCESS_GOES_ON = "AccessGoesOn"
"""What it says of a deleted resource whose access has not ended, and what is said of it then."""


def regent_outcome(
    key: ResourceKey,
    generation: int,
    status: StatusBody | None,
    trouble: NotReached | None,
    held: Sequence[str] = (),
    lack: NotReached | None = None,
) -> Outcome:
    """What is to be said of the Regent resource.

    `held` are the resources that cannot be compiled and go on as they were accepted before.
    """
    state, reason, message = _words(key, status, trouble, held)
    if lack is not None:
        state, reason, message = _with_lack(lack, state, reason, message)
    return Outcome(
        resource=str(key), generation=generation, state=state, reason=reason, message=message
    )


def _with_lack(lack: NotReached, state: State, reason: str, message: str) -> tuple[State, str, str]:
    """The worse word first, and none hides the other; what lacks something is never Ready."""
    if state == "Ready":
        return lack.state, lack.reason, lack.message
    if lack.state == "Stalled" and state != "Stalled":
        return lack.state, lack.reason, f"{lack.message} {message}"
    return state, reason, f"{message} {lack.message}"


def _words(  # noqa: PLR0912 - one branch for each that it can say, the worst first
    key: ResourceKey,
    status: StatusBody | None,
    trouble: NotReached | None,
    held: Sequence[str],
) -> tuple[State, str, str]:
    if status is not None and status.trouble and (not trouble or trouble.reason == NOT_CONNECTED):
        lost = status.trouble
        return ("Stalled" if lost.is_for_good else "Reconciling"), lost.reason, lost.message
    if trouble is not None:
        return trouble.state, trouble.reason, trouble.message
    if status is None:
        return "Reconciling", "Starting", "Its process starts. If it goes on, its log says why."
    if status.takeover.needed:
        return "Stalled", "TakeoverNeeded", status.takeover.message
    vanished = vanished_of(status)
    if status.brake.pulled:
        also = f" {vanished.words(key)}" if vanished else ""
        said = f"{status.brake.message} Digest {status.brake.digest}.{also}"
        return "Stalled", "BrakePulled", said
    if vanished is not None:
        return "Stalled", REASON, vanished.words(key)
    if status.approval.waiting:
        return "Reconciling", AWAITING_APPROVAL, approval_words(status.approval)
    if status.accepted_revision is None:
        return "Reconciling", "Waiting", "It waits for its first push."
    if status.observing:
        return _restrained(status)
    if not status.looked or status.applied_revision is None or status.detector.mode == "None":
        return "Reconciling", "Applying", "Its first pass since it was connected is not done."
    leavers = tuple(one for one in status.resources if one.reason == ACCESS_GOES_ON)
    if leavers:
        return _access_goes_on(leavers)
    if status.unread:
        return _unread(status)
    if status.not_acted_on:
        fields = ", ".join(status.not_acted_on)
        return (
            "Stalled",
            "Unsupported",
            f"Not acted on: {fields}. The rest holds. Mend that, or take it out, to be Ready.",
        )
    if held:
        return "Stalled", "Held", held_words(held)
    if status.kept_open:
        return "Stalled", NOT_TAKEN_AWAY, " ".join(status.kept_open[:SHOWN])
    if status.unmanaged is not None:
        refused = [one for one in status.unmanaged.roles if one.problem]
        if refused:
            who = named([one.name for one in refused])
            said = f"unmanagedRoles is {status.unmanaged.policy}, and not in force for {who}."
            return "Stalled", "NotManageable", f"{said} {refused[0].problem}"
    roles = "1 role" if status.managed_roles == 1 else f"{status.managed_roles} roles"
    how = f"{status.detector.mode}" + ("" if status.detector.healthy else ", not healthy")
    said = f": {status.detector.message.rstrip('.')}" if status.detector.message else ""
    if paused := [one.role for one in status.paused if not one.not_held]:
        said += f"; paused: {named(paused)}"
    if loose := sorted({one.role for one in status.leftovers}):
        said += f"; left of deleted resources, see leftovers: {named(loose)}"
    return "Ready", "Running", f"{roles} managed; detector {how}{said}.{_unreadable(status)}"


def approval_words(approval: ApprovalBody) -> str:
    """What waits, and how it is approved."""
    if not approval.digest:
        return approval.message
    how = f"To approve it, annotate this Regent with {APPROVE_ANNOTATION}: {approval.digest}."
    return f"{approval.message} {how}"


def _unread(status: StatusBody) -> tuple[State, str, str]:
    """A database that is not there comes back by a person alone, who is told by an Event."""
    said = "; ".join(f"{database}: {why}" for database, why in status.unread.items())
    words = f"Not read, and not kept as declared: {said}"
    if status.missing:
        return "Stalled", "NoSuchDatabase", words
    return "Reconciling", "DatabaseUnreachable", words


def _unreadable(status: StatusBody) -> str:
    """Of rows of the home database, which stop nothing."""
    if not status.unreadable:
        return ""
    named = ", ".join(status.unreadable[:SHOWN])
    return f" Left as they are, since they cannot be read, in its home database: {named}."


def _access_goes_on(leavers: Sequence[Outcome]) -> tuple[State, str, str]:
    """Deleted, and not ended: for a person where the server refuses it."""
    state: State = "Stalled" if any(one.state == "Stalled" for one in leavers) else "Reconciling"
    who = named([one.resource for one in leavers])
    return state, ACCESS_GOES_ON, f"Access has not ended of {who}. {leavers[0].message}"


def _restrained(status: StatusBody) -> tuple[State, str, str]:
    """Connected, and nothing is written."""
    if status.restraint == LOOK_FAILED:
        return "Reconciling", "LookFailed", status.observing
    return "Stalled", status.restraint or "Observing", status.observing


NOT_MET = NotReached(
    "Starting", "Its process has not answered since the controller started. Its log says why."
)
"""Before the first answer, or the first failure to get one."""
