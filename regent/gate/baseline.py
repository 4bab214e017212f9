"""What losses are counted against: the last state whose losses were let through (rule 20). Pure.

Every end that is explicit in the new state is already in it, so that none of these is counted.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from regent.accept.ends import ended
from regent.desired import Desired
from regent.gate.deletions import are_all_logins, are_few, deletions
from regent.gate.given import states_since
from regent.plan.handing_over import Names
from regent.remembered import AcceptedState, BrakeMemory
from shared.resources import RegentSpec
from shared.state import Entry, RegentEntry


def baselines(
    memory: BrakeMemory, accepted: AcceptedState, now: datetime
) -> tuple[AcceptedState, ...]:
    """What was given, with every explicit end in it."""
    states = given_by(memory, accepted, now)
    return tuple(explicit_baseline(one, accepted, memory, now) for one in states)


def given_by(
    memory: BrakeMemory, accepted: AcceptedState, now: datetime
) -> tuple[AcceptedState, ...]:
    """The baseline, and what was given since, layer by layer: all that is remembered of it."""
    baseline = memory.baseline or nothing_yet(accepted, memory, now)
    return (baseline, *states_since(baseline, memory.given))


def explicit_baseline(
    baseline: AcceptedState, accepted: AcceptedState, memory: BrakeMemory, now: datetime
) -> AcceptedState:
    """What ends.py lists is ended in it, `allow` is as narrow as now, few deletions are done.

    And nothing is in it of a namespace that is not served any more.
    """
    new, departed = accepted.state.resources, {**baseline.departed}
    out = {key: one for key, one in accepted.departed.items() if one.is_shut_out}
    resources = {
        key: ended(entry, new.get(key), now)
        for key, entry in baseline.state.resources.items()
        if key not in out
    }
    departed.update((key, one) for key, one in out.items() if key in baseline.state.resources)
    deleted = deletions(memory, accepted)
    if are_few(deleted, memory, now) and not are_all_logins(deleted, resources):
        for key in deleted:
            if _speaks_for_public(resources.get(key)):
                continue  # everybody loses by it, and not one who leaves
            resources.pop(key, None)
            departed[key] = accepted.departed[key]
    regent = _as_before(accepted.state.regent, baseline.state.regent.spec)
    state = baseline.state.model_copy(update={"resources": resources, "regent": regent})
    return baseline.model_copy(update={"state": state, "departed": departed})


def _speaks_for_public(entry: Entry | None) -> bool:
    return entry is not None and entry.kind == "Role" and entry.spec.is_public


def _as_before(regent: RegentEntry, before: RegentSpec | None) -> RegentEntry:
    """The Regent as it is now, but for what it said of roles that nobody declares, and of PUBLIC.

    To disable them is a loss: of roles that the baseline left alone, or did not look at. And so is
    what PUBLIC had while nobody declared it.
    """
    update: dict[str, object] = {
        "unmanaged_roles": before.unmanaged_roles if before else None,
        "public_privileges": before.public_privileges if before else None,
    }
    if before is not None and before.public_privileges is not None:
        # Of a database that is served since, PUBLIC was left alone.
        update |= {
            "database_name": before.database_name,
            "additional_databases": before.additional_databases,
        }
    if before is not None and regent.spec.unmanaged_roles == "Disable":
        ignored = (*(before.ignore_roles or ()), *(regent.spec.ignore_roles or ()))
        update["ignore_roles"] = tuple(dict.fromkeys(ignored))
    return regent.model_copy(update={"spec": regent.spec.model_copy(update=update)})


def nothing_yet(accepted: AcceptedState, memory: BrakeMemory, now: datetime) -> AcceptedState:
    """The baseline before anything was ever let through: it gives nothing.

    Few deletions are believed at once here too: of roles that are taken back from a lost home.
    """
    gone = {key: one.entry for key, one in accepted.departed.items()}
    is_last = are_all_logins(gone, {**accepted.state.resources, **gone})
    departed = accepted.departed if are_few(gone, memory, now) and not is_last else {}
    regent = _as_before(accepted.state.regent, None)
    state = accepted.state.model_copy(
        update={"resources": {}, "held": {}, "deleted": (), "regent": regent}
    )
    empty = {"state": state, "departed": departed, "before": {}, "since": {}}
    return accepted.model_copy(update=empty)


def without_authority_over(desired: Desired, names: Names) -> Desired:
    """What is desired, with these roles in nobody's authority; memberships stay declared."""
    if not names:
        return desired
    return replace(
        desired,
        roles={name: role for name, role in desired.roles.items() if name not in names},
        endings=tuple(one for one in desired.endings if one.name not in names),
        grants=desired.grants_without(names),
        defaults=desired.defaults_without(names),
        owners=tuple(one for one in desired.owners if one.owner not in names),
        adopted=desired.adopted - names,
    )
