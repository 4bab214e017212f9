"""`approval: Manual`: what is declared anew waits for a person (rule 20a, ADR 49). Pure.

What was approved last stays in force as a whole: passes keep it true, correct drift against it and
end what ends by its time. A push is compared with it, and waits where it says something else. So
nothing of a plan has to be held back change by change, and nobody is ever between two states.

In force at once is what gives and takes nothing (`AT_ONCE`), and the password of a Secret that was
approved: who rotates it gives nobody anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from regent.accept.merge import LastInForce
from regent.gate.brake_memory import superseded
from regent.gate.consent import left_of
from regent.remembered import AcceptedState, Approval, BrakeMemory
from shared.consent import Consent
from shared.outcomes import AWAITING_APPROVAL
from shared.resources import RegentSpec
from shared.state import Entry, RegentEntry, Trouble

FIRST_STATE = Trouble(
    reason=AWAITING_APPROVAL,
    message="Nothing was approved yet, as far as this Regent remembers: it only looks.",
)
"""Why nothing is written before the first approval."""
AT_ONCE = frozenset(
    {
        "admin_user",
        "admin_password_secret_ref",
        "connection_secret_ref",
        "client_certificate_secret_ref",
        "authentication",
        "database_host",
        "port",
        "home_database",
        "secrets_selector",
        "tls",
        "set_role",
        "detector",
        "resync_seconds",
        "suspend",
        "deployment",
    }
)
"""Fields of a Regent that say how it works and not who may what. A field that is new waits."""


@dataclass(frozen=True, slots=True)
class Serving:
    """The databases that this process may serve, and those of them that are `declared`.

    The others were approved, and a push that waits leaves them out.
    """

    possible: tuple[str, ...]
    declared: tuple[str, ...]


def making_way(
    brake: BrakeMemory, previous: AcceptedState | None, accepted: AcceptedState
) -> BrakeMemory:
    """Before `accepted` is stored in the place of `previous`; to be stored before it.

    What was in force stays so where the new one waits; else it is superseded. A Regent that has
    forgotten what was in force, and not that there were approvals, waits as well.
    """
    if waits(brake):
        return brake
    if previous is None:
        is_asked = accepted.is_manual or brake.approval is not None
        return _with(brake, waits=True, in_force=None, given="") if is_asked else brake
    if not previous.is_manual and not accepted.is_manual:
        return superseded(brake, previous)
    if _says_the_same(previous, accepted):
        known = superseded(brake, previous)
        return known if known.approval is not None else _over(known)
    return _with(brake, waits=True, in_force=previous, given="")


def doubted(
    brake: BrakeMemory, accepted: AcceptedState, was_in_force: int, *, will_be_asked: bool = False
) -> BrakeMemory:
    """Where the newer revision `was_in_force`, this is an older copy, and nothing was approved.

    What was taken away since would be given back, and nobody could tell it from an approval. Only
    where a person is asked: else the next push is in force at once. `will_be_asked`: by it.
    """
    is_asked = will_be_asked or accepted.is_manual or waits(brake)
    kept = _kept(brake) or accepted
    if not is_asked or is_first(brake) or was_in_force <= kept.state.revision:
        return brake
    return _with(brake, waits=True, in_force=None, given="")


def settled(brake: BrakeMemory, accepted: AcceptedState) -> BrakeMemory:
    """Where what was in force is declared again, nothing waits any more."""
    before = _kept(brake)
    return brake if before is None or not _says_the_same(before, accepted) else _over(brake)


def waits(brake: BrakeMemory) -> bool:
    """True while something else is declared than was approved, once `settled`."""
    return brake.approving.waits


def in_force(brake: BrakeMemory, accepted: AcceptedState) -> AcceptedState:
    """What passes keep true; before the first approval the accepted state, to be looked at only."""
    before = _kept(brake)
    if before is None:
        return accepted
    new = accepted.state.resources
    resources = {key: _entry(one, new.get(key)) for key, one in before.state.resources.items()}
    update = {
        "resources": resources,
        "held": accepted.state.held,
        "origin": accepted.state.origin,
        "regent": _regent(before.state.regent, accepted.state.regent),
    }
    return before.model_copy(
        update={
            "state": before.state.model_copy(update=update),
            # Whom to obey is asked of a push before it waits.
            "lets_in": accepted.lets_in,
            "is_home_lost": accepted.is_home_lost,
            "had_disabled": accepted.had_disabled,
            "may_follow_a_loss": accepted.may_follow_a_loss,
            "takes_back": accepted.takes_back,
        }
    )


def last_in_force(brake: BrakeMemory, previous: AcceptedState | None) -> LastInForce | None:
    """What entries of the next push go on with, where `previous` waits (rule 18).

    A push waits as well where what was accepted is forgotten, and not that there were approvals.
    """
    if previous is None:
        return None if brake.approval is None else LastInForce(_kept(brake))
    if not waits(brake):
        return None
    return LastInForce(None if is_first(brake) else in_force(brake, previous))


def edition_in_force(brake: BrakeMemory, accepted: AcceptedState) -> int:
    """The edition of `in_force`, without making it."""
    return (_kept(brake) or accepted).edition


def is_first(brake: BrakeMemory) -> bool:
    """True while nothing was ever approved."""
    return waits(brake) and brake.approving.in_force is None


def to_serve(
    brake: BrakeMemory, accepted: AcceptedState | None, declared: tuple[str, ...]
) -> tuple[str, ...]:
    """The declared databases, and those of what is in force that a push left out which waits.

    The process may be told of it before the push comes.
    """
    before = _kept(brake) or (accepted if accepted is not None and accepted.is_manual else None)
    known = before.state.regent.spec.databases if before else ()
    return tuple(dict.fromkeys((*declared, *known)))


def served_by(brake: BrakeMemory, looked_at: AcceptedState, serving: Serving) -> tuple[str, ...]:
    """Of what is in force its own databases: what is served since it was approved waits as well."""
    before, known = _kept(brake), looked_at.state.regent.spec.databases
    is_in_force = before is not None and looked_at.edition == before.edition
    others = () if is_in_force else serving.declared
    return tuple(one for one in serving.possible if one in known or one in others)


def without_waiting(brake: BrakeMemory) -> BrakeMemory:
    """As if what waits were approved, to plan it."""
    return _over(brake) if waits(brake) else brake


def approved(brake: BrakeMemory, digest: str) -> BrakeMemory:
    """Once a person has approved what has this digest."""
    return _with(brake, given=digest)


def approval_given(brake: BrakeMemory) -> Consent:
    """What a person has approved that no look has heard yet."""
    return Consent("Approval", brake.approving.given)


def heard(brake: BrakeMemory, said: Consent) -> BrakeMemory:
    """An approval is void once a look has heard it, and it did not fit."""
    given = approval_given(brake).digest
    left = left_of(given, said.digest)
    return brake if left == given else approved(brake, left)


def put_in_force(brake: BrakeMemory, releases: str) -> BrakeMemory:
    """What waited takes the place of what was in force; the losses that it showed are released.

    `releases` is the brake's digest of these; empty where it withholds none of them.
    """
    known = superseded(brake, brake.approving.in_force)
    over = _with(_over(known), times=brake.approving.times + 1)
    return over.model_copy(update={"released_digest": releases}) if releases else over


def _kept(brake: BrakeMemory) -> AcceptedState | None:
    """What was approved last, while something else waits; else the accepted state is in force."""
    return brake.approving.in_force if waits(brake) else None


def _over(brake: BrakeMemory) -> BrakeMemory:
    return brake.model_copy(update={"approval": Approval(times=brake.approving.times)})


def _with(brake: BrakeMemory, **update: object) -> BrakeMemory:
    return brake.model_copy(update={"approval": brake.approving.model_copy(update=update)})


def _says_the_same(before: AcceptedState, now: AcceptedState) -> bool:
    """True if nothing is declared anew that waits. Passwords and generations do not count."""
    old, new = before.state.regent, now.state.regent
    if (old.namespaces or {}) != (new.namespaces or {}) or _regent(old, new).spec != new.spec:
        return False
    return before.state.resources.keys() == now.state.resources.keys() and all(
        _is_same(one, now.state.resources[key]) for key, one in before.state.resources.items()
    )


def _is_same(before: Entry, now: Entry) -> bool:
    return before is now or before.spec == now.spec


def _entry(before: Entry, now: Entry | None) -> Entry:
    """As it was approved, with the password that its Secret has now."""
    if now is None or _is_same(before, now):
        return now or before
    if before.kind != "User" or now.kind != "User":
        return before
    old, new = before.spec, now.spec
    is_same_secret = old.password_key == new.password_key
    if not is_same_secret or old.user_name != new.user_name:
        return before
    return before.model_copy(update={"password": now.password})


def _regent(before: RegentEntry, now: RegentEntry) -> RegentEntry:
    """As it was approved, with what is in force at once: to look only, and to wait, among it."""
    update: dict[str, object] = {name: getattr(now.spec, name) for name in AT_ONCE}
    if now.spec.enforcement == "Observe":
        update["enforcement"] = "Observe"
    if now.spec.approval == "Manual":
        update["approval"] = "Manual"
    spec: RegentSpec = before.spec.model_copy(update=update)
    return now.model_copy(update={"spec": spec, "namespaces": before.namespaces})
