"""What waits for approval, as a person looks at it: what it does, and the digest of that. Pure.

The digest is over what is declared and what that does to the catalog now: every loss by object, as
the brake has it, and every gain by role, kind and privilege, so that a table that a pattern matches
since is no other plan (rule 20a, ADR 49).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import assert_never

from regent.changes import Change, Effect, GrantPrivileges, Plan, PrivilegeChange, RevokePrivileges
from regent.gate.approval import AT_ONCE
from regent.gate.losses import losses, name_of_grantee
from regent.plan.describe import ALL, describe
from regent.plan.edges import Edge, edges, split
from regent.remembered import AcceptedState, BrakeMemory
from shared.consent import Consent, digest_of
from shared.outcomes import AWAITING_APPROVAL, Outcome


@dataclass(frozen=True, slots=True)
class Awaiting:
    """All that waits. `digest` is empty while it cannot be approved, and `obstacle` says why.

    `gone` are the resources that are in force and not declared any more, `retained` those of them
    that said Retain at last. `outcomes` are those of what is declared anew. `is_given`: a person
    has approved it, and the next pass carries it out.
    """

    digest: str
    changes: tuple[Change, ...]
    loss_count: int = 0
    gone: tuple[str, ...] = ()
    retained: frozenset[str] = frozenset()
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    obstacle: str = ""
    unread: tuple[str, ...] = ()
    is_first: bool = False
    """Nothing was ever approved."""
    is_given: bool = False

    @property
    def deleted(self) -> tuple[str, ...]:
        """The Roles and Users among what is gone: their access goes on until it is approved."""
        ended = (key for key in self.gone if not key.startswith("Permission/"))
        return tuple(key for key in ended if key not in self.retained)

    @property
    def wanted(self) -> Consent:
        """The consent that it waits for."""
        return Consent("Approval", self.digest)


def awaiting(
    changes: Iterable[Change],
    anyway: Iterable[Change],
    brake: BrakeMemory,
    accepted: AcceptedState,
    *,
    resolved: Mapping[str, Outcome],
    unread: Iterable[str] = (),
    obstacle: str = "",
) -> Awaiting:
    """What `accepted` would change. What is done `anyway` is drift of what is in force."""
    found = _takes_first(without_those(changes, anyway))
    lost = losses(Plan(found))
    known = brake.approving.in_force
    before = known.state.resources if known is not None else {}
    new = accepted.state.resources
    gone = tuple(sorted(key for key in before if key not in new))
    parts = (
        str(brake.approving.times),
        _declared(accepted),
        *gone,
        *sorted("|".join(atom[:-1]) for atom in lost),
        *sorted({text for change in found for text in _gains(change)}),
        *sorted(unread),
    )
    digest = "" if obstacle else digest_of("approval", *parts)
    anew = frozenset(
        key for key, one in new.items() if key not in before or before[key].spec != one.spec
    )
    return Awaiting(
        digest,
        found,
        loss_count=len(lost),
        gone=gone,
        retained=frozenset(filter(partial(_is_retained, accepted), gone)),
        outcomes=_outcomes(anew, found, accepted, resolved, digest),
        obstacle=obstacle,
        unread=tuple(sorted(unread)),
        is_first=known is None,
    )


def _is_retained(accepted: AcceptedState, key: str) -> bool:
    """By the last form that was pushed: who approves a deletion approves what came before it."""
    departed = accepted.departed.get(key)
    entry = departed.entry if departed else None
    return (
        entry is not None and entry.kind != "Permission" and entry.spec.deletion_policy == "Retain"
    )


def given(one: Awaiting) -> Awaiting:
    """Once a person has approved it."""
    outcomes = {
        key: outcome.model_copy(update={"reason": "Applying", "message": "It was approved."})
        if outcome.reason == AWAITING_APPROVAL
        else outcome
        for key, outcome in one.outcomes.items()
    }
    return replace(one, is_given=True, outcomes=outcomes)


def with_awaiting(outcomes: Mapping[str, Outcome], one: Awaiting) -> Mapping[str, Outcome]:
    """The outcomes of what is in force, and of what waits; nothing is said of what is gone."""
    gone = frozenset(one.gone)
    return {key: said for key, said in outcomes.items() if key not in gone} | {**one.outcomes}


def without_those(changes: Iterable[Change], others: Iterable[Change]) -> Iterator[Change]:
    """The changes less the others, edge by edge; whatever causes them."""
    others = tuple(others)
    whole = {replace(one, causes=()) for one in others}
    some: dict[object, set[Edge]] = {}
    for one in others:
        if isinstance(one, PrivilegeChange):
            some.setdefault(_sort(one), set()).update(edges(one))
    for change in changes:
        if isinstance(change, PrivilegeChange):
            known = some.get(_sort(change), set())
            yield from split(change, known.__contains__)[1] if known else (change,)
        elif replace(change, causes=()) not in whole:
            yield change


def _sort(change: PrivilegeChange) -> tuple[object, ...]:
    match change:
        case GrantPrivileges():
            return "grant", change.database, change.kind, change.grantable
        case RevokePrivileges():
            return "revoke", change.database, change.kind, change.grantor, change.grant_option_only
        case _:
            assert_never(change)


def _takes_first(changes: Iterable[Change]) -> tuple[Change, ...]:
    """What closes and takes away comes first, for whoever reads no further; else in their order."""
    return tuple(sorted(changes, key=lambda one: one.effect < Effect.CLOSE))


def _gains(change: Change) -> Iterator[str]:
    """What is no loss, and of a grant not on which objects."""
    if not isinstance(change, PrivilegeChange):
        yield f"{change.effect.name}|{change.where}|{describe(change, most=ALL)}"
    elif isinstance(change, GrantPrivileges):
        option = "|option" if change.grantable else ""
        for grantee in change.grantees:
            for privilege in change.privileges:
                who = name_of_grantee(grantee)
                yield f"{change.database}|{change.kind.value}|{who}|{privilege}{option}"


def _declared(accepted: AcceptedState) -> str:
    """What waits of the declarations; what is in force at once makes no other plan of it."""
    state = accepted.state
    regent = state.regent.spec.model_copy(update=dict.fromkeys(AT_ONCE))
    specs = {key: one.spec for key, one in state.resources.items()}
    return json.dumps(
        {
            "regent": regent.model_dump(mode="json"),
            "namespaces": state.regent.namespaces or {},
            "resources": {key: spec.model_dump(mode="json") for key, spec in specs.items()},
        },
        sort_keys=True,
    )


def _outcomes(
    anew: frozenset[str],
    changes: tuple[Change, ...],
    accepted: AcceptedState,
    resolved: Mapping[str, Outcome],
    digest: str,
) -> dict[str, Outcome]:
    """Of what is declared anew: what keeps it from being applied at all, else that it waits."""
    first: dict[str, Change] = {}
    for change in changes:
        for cause in map(str, change.causes):
            first.setdefault(cause, change)
    found = {}
    for key in anew:
        known = resolved.get(key)
        if known is not None and known.reason != "Applying":
            found[key] = known
            continue
        entry = accepted.state.resources[key]
        found[key] = Outcome(
            resource=key,
            generation=entry.generation,
            uid=entry.uid,
            state="Reconciling",
            reason=AWAITING_APPROVAL,
            message=_said(first.get(key), digest),
        )
    return found


def _said(change: Change | None, digest: str) -> str:
    what = f"It would {describe(change)}." if change else "By itself it changes nothing now."
    way_out = f" The Regent lists all that waits: approve digest {digest}." if digest else ""
    return f"It waits for a person's approval. {what}{way_out}"
