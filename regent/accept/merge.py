"""A push becomes the accepted state: merged with what must be held from before. Pure.

What cannot be compiled any more keeps the entry that was accepted for it; what refers to something
never seen keeps the form it had before, for a while; what is gone is remembered until its end is
done (rules 18, 20, 27).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from regent.accept.evidence import past
from regent.remembered import AcceptedState, Departed
from shared.keys import Kind, ResourceKey
from shared.state import DesiredState, Entry, RegentEntry, Trouble

REFERENCE_PATIENCE = timedelta(seconds=60)
"""How long a Permission or Role never seen yet is waited for (rule 18)."""


@dataclass(frozen=True, slots=True)
class LastInForce:
    """What is in force where the last push waits for approval; None: nothing yet (rule 20a)."""

    state: AcceptedState | None


def vanished(entry: Entry) -> Trouble:
    """The object is named by its uid: letting it go lets nothing else of its name go later."""
    which = f" (uid {entry.uid})" if entry.uid else ""
    return Trouble(
        reason="Vanished",
        message=f"It is gone from the API server{which}, and its deletion was not seen. What it"
        " gave is kept. Apply it again; its Regent's status says how to end its access instead.",
    )


def accept(
    previous: AcceptedState | None,
    pushed: DesiredState,
    push_etag: str,
    now: datetime,
    *,
    instead: LastInForce | None = None,
) -> AcceptedState:
    """Merge a push into what was accepted before.

    The result is a new edition where it says something else than `previous`, and only there.
    Where `previous` waits for approval an entry goes on with its form in the state `instead`, and
    with nothing where that has none.
    """
    standing = instead.state if instead else previous
    old: Mapping[str, Entry] = previous.state.resources if previous else {}
    forms: Mapping[str, Entry] = standing.state.resources if standing else {}
    gone = set(old) - set(pushed.resources) - set(pushed.held)
    unseen = gone - set(pushed.deleted) if pushed.absent_means == "Vanished" else set()
    unseen &= forms.keys()  # what was never in force has given nothing
    kept = {
        key: _standing(forms[key], one)
        for key, one in old.items()
        if key in forms and (key in pushed.held or key in unseen)
    }
    resources = {**kept, **pushed.resources}
    held = {**pushed.held, **{key: vanished(old[key]) for key in sorted(unseen)}}
    ever_seen = frozenset(k for k in resources if not k.startswith("User/"))
    if previous:
        ever_seen |= previous.ever_seen & _named(resources, previous.before)
    if standing:
        ever_seen |= standing.ever_seen & _named(kept)
    departed = _departed(previous, standing, pushed, resources, now)
    in_force = [*kept, *(key for key, one in departed.items() if not one.is_shut_out)]
    regent = _with_gone_namespaces((standing, previous), pushed.regent, in_force)
    same = {key for key, entry in resources.items() if key in old and old[key].spec == entry.spec}
    settled, settled_restore = _settled(previous, pushed, now)
    merged = AcceptedState(
        push_etag=push_etag,
        accepted_at=now,
        state=pushed.model_copy(update={"resources": resources, "held": held, "regent": regent}),
        since=_since(previous, resources, same, now),
        before=_before(standing, resources, ever_seen),
        ever_seen=ever_seen,
        departed=departed,
        past=past(previous, pushed, resources, now),
        settled=settled,
        settled_restore=settled_restore,
        is_home_lost=previous.is_home_lost if previous else False,
        had_disabled=previous.had_disabled if previous else (),
        may_follow_a_loss=previous.may_follow_a_loss if previous else False,
        takes_back=previous.takes_back if previous else frozenset(),
        must_be_approved=_must_be_approved(previous, pushed, instead) or None,
    )
    return merged.model_copy(update={"edition": _edition(previous, merged)})


def _must_be_approved(
    previous: AcceptedState | None, pushed: DesiredState, instead: LastInForce | None
) -> bool:
    is_manual = pushed.regent.spec.approval == "Manual"
    return is_manual or instead is not None or (previous is not None and previous.is_manual)


def _standing(form: Entry, last: Entry) -> Entry:
    """The form that is in force, as of the object that was pushed last: an older one is told so."""
    if form is last:
        return last
    return form.model_copy(update={"generation": last.generation, "uid": last.uid})


def _settled(
    previous: AcceptedState | None, pushed: DesiredState, now: datetime
) -> tuple[int, int]:
    """Until when restores are settled, and by which. A clock ahead settles nothing to come."""
    if previous is not None and not previous.lets_in:
        return previous.settled, previous.settled_restore
    return min(pushed.revision, int(now.timestamp() * 1000)), pushed.restored or 0


def _with_gone_namespaces(
    states: Sequence[AcceptedState | None], regent: RegentEntry, kept: Iterable[str]
) -> RegentEntry:
    """With the entries of namespaces that are gone, and of which something is held, or ends.

    A namespace that is gone has no labels: that is no word against what is held of it, or waits for
    a person to let it end. Its entry goes on, with what it allows now, as long as it is in the
    list: the one of the first of these `states` that has it there.
    """
    now = [(one.names, one.selector) for one in regent.spec.allowed_namespaces]
    found = dict(regent.namespaces or {})
    for namespace in {ResourceKey.parse(key).namespace for key in kept}:
        if regent.serves(namespace):
            continue
        for state in states:
            if state is not None and (whom := _listed_by(state.state.regent, namespace)) in now:
                found.setdefault(namespace, now.index(whom))
    return regent.model_copy(update={"namespaces": found or None})


def _listed_by(regent: RegentEntry, namespace: str) -> tuple[object, object] | None:
    index = (regent.namespaces or {}).get(namespace)
    if index is None or index >= len(regent.spec.allowed_namespaces):
        return None
    one = regent.spec.allowed_namespaces[index]
    return one.names, one.selector


def references(key: ResourceKey, entry: Entry) -> Iterator[ResourceKey]:
    """The Permissions and Roles that an entry names, in its own namespace (rule 3)."""
    if entry.kind == "Permission":
        return
    listed: list[tuple[Kind, str]] = [("Permission", name) for name in entry.spec.permissions]
    if entry.kind == "User":
        listed += [("Role", name) for name in entry.spec.roles]
        listed += [("Role", access.role) for access in entry.spec.access]
    for kind, name in listed:
        yield ResourceKey(kind, key.namespace, name)


def _named(*all_entries: Mapping[str, Entry]) -> Set[str]:
    """What any of these names: only of that it matters whether it was ever seen."""
    return {
        str(reference)
        for entries in all_entries
        for key, entry in entries.items()
        for reference in references(ResourceKey.parse(key), entry)
    }


def is_waiting(key: ResourceKey, entry: Entry, seen: Container[ResourceKey]) -> bool:
    """True when the entry names a Permission or Role that was never seen yet."""
    return any(reference not in seen for reference in references(key, entry))


def _edition(previous: AcceptedState | None, merged: AcceptedState) -> int:
    if previous is None:
        return 1
    is_known = previous.edition > 0 and merged.says_the_same_as(previous)
    return previous.edition if is_known else previous.edition + 1


def _since(
    previous: AcceptedState | None, resources: Mapping[str, Entry], same: Set[str], now: datetime
) -> dict[str, datetime]:
    known = previous.since if previous else {}
    return {key: known.get(key, now) if key in same else now for key in resources}


def _before(
    standing: AcceptedState | None, resources: Mapping[str, Entry], ever_seen: frozenset[str]
) -> dict[str, Entry]:
    """What has the form that is in force already may wait, and have replaced another."""
    if standing is None:
        return {}
    seen = frozenset(map(ResourceKey.parse, ever_seen))
    before: dict[str, Entry] = {}
    for key, entry in resources.items():
        earlier = standing.before.get(key) or standing.state.resources.get(key)
        if earlier is None:
            continue
        if earlier.spec != entry.spec and is_waiting(ResourceKey.parse(key), entry, seen):
            before[key] = earlier
    return before


def _departed(
    previous: AcceptedState | None,
    standing: AcceptedState | None,
    pushed: DesiredState,
    resources: Mapping[str, Entry],
    now: datetime,
) -> dict[str, Departed]:
    """What ends by the state in force ends still where a push said otherwise and is illegible."""
    departed = {**standing.departed} if standing else {}
    departed |= previous.departed if previous else {}
    old: Mapping[str, Entry] = previous.state.resources if previous else {}
    elsewhere = frozenset(pushed.elsewhere)
    for key, entry in old.items():
        if key not in resources and key not in pushed.held and entry.kind != "Permission":
            is_out = key in elsewhere and not pushed.regent.serves(ResourceKey.parse(key).namespace)
            gone = Departed(entry=_without_verifier(entry), at=now, is_shut_out=is_out)
            departed[key] = gone
    return {key: one for key, one in departed.items() if key not in resources}


def _without_verifier(entry: Entry) -> Entry:
    """No end needs the password of the one who left."""
    return entry.model_copy(update={"password": None}) if entry.kind == "User" else entry


def without_ended(accepted: AcceptedState, holders: Container[str]) -> AcceptedState:
    """Less the departed whose end is done: `holders` are those whom a mark of ours still names."""
    kept = {key: one for key, one in accepted.departed.items() if key in holders}
    if len(kept) == len(accepted.departed):
        return accepted
    return accepted.model_copy(update={"departed": kept})
