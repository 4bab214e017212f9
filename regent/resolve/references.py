"""Which Permissions and Roles each resource lists, when they can be had (rules 3, 18)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from regent.accept.ends import ended
from regent.accept.merge import REFERENCE_PATIENCE, is_waiting, references
from regent.resolve.context import References
from regent.resolve.situation import Findings, Situation
from shared.guesses import Guesses
from shared.keys import Kind, ResourceKey
from shared.outcomes import ACCESS_LATER, ACCESS_NOW, ACCESS_OVER
from shared.problems import capitalised, meant
from shared.state import Entry, UserEntry
from shared.utc import utc


def look_up(situation: Situation, findings: Findings) -> References:
    """Resolve every reference, hold what waits for one, go on without what is gone."""
    resources = situation.accepted.state.resources
    for held, trouble in situation.accepted.state.held.items():
        findings.trouble(held, trouble.reason, trouble.message)
    listed = References()
    pushed = _Names(lambda: map(ResourceKey.parse, resources))
    seen = frozenset(map(ResourceKey.parse, situation.accepted.ever_seen))
    for text in sorted(resources):  # a restart reads them back in another order
        key = ResourceKey.parse(text)
        entry: Entry | None = resources[text]
        if is_waiting(key, resources[text], seen):
            entry = _form_that_counts(situation, text, findings, pushed)
        if entry is None:
            continue
        if entry.kind == "Permission":
            listed.available[key] = entry
        else:
            listed.entries[key] = entry
    there = _Names(lambda: (*listed.available, *listed.entries))
    for key, lister in listed.entries.items():
        permissions = _references(key, "Permission", lister.spec.permissions)
        listed.permissions[key] = _found(key, permissions, listed.available, findings, there)
        if lister.kind == "User":
            names = (*lister.spec.roles, *_access(situation, key, lister, findings))
            roles = _references(key, "Role", names)
            listed.roles[key] = _found(key, roles, listed.entries, findings, there)
    return listed


class _Names:
    """What there is beside a name that is wrong: of its kind, in its namespace."""

    def __init__(self, existing: Callable[[], Iterable[ResourceKey]]) -> None:
        """`existing` is asked where a name is wrong, and once."""
        self._existing = existing
        self._beside: dict[tuple[Kind, str], list[str]] = {}
        self._guesses = Guesses()

    def way_out(self, reference: ResourceKey) -> str:
        """`did you mean read?`; empty where nothing is like it."""
        if not self._beside:
            for one in self._existing():
                self._beside.setdefault((one.kind, one.namespace), []).append(one.name)
        of = (reference.kind, reference.namespace)
        return meant(self._guesses.nearest(reference.name, of, lambda: self._beside.get(of, ())))


def _form_that_counts(
    situation: Situation, key: str, findings: Findings, names: _Names
) -> Entry | None:
    """Of an entry that waits for a reference: itself when it waited long enough, else as it was.

    Less what it ends in so many words: that waits for nothing.
    """
    accepted = situation.accepted
    deadline = accepted.since.get(key, accepted.accepted_at) + REFERENCE_PATIENCE
    if situation.now >= deadline:
        return accepted.state.resources[key]
    findings.due_at(deadline, situation.now)
    before = accepted.before.get(key)
    findings.is_waiting = findings.is_waiting or before is not None
    findings.trouble(
        key,
        "WaitingForReference",
        f"It lists what does not exist yet: {_missing(situation, key, names)}; "
        + ("what it gave before stays meanwhile." if before else "it gives nothing meanwhile.")
        + f" At {deadline:%H:%M:%S} UTC it goes on without.",
    )
    if before is None:
        return None
    new = accepted.state.resources[key]
    if new.kind == "User":
        for end in (new.spec.valid_until, *(one.until for one in new.spec.access)):
            if end is not None:
                findings.due_at(end, situation.now)
    return ended(before, new, situation.now)


def _missing(situation: Situation, key: str, names: _Names) -> str:
    """`Permission 'raed' (did you mean read?)`."""
    accepted = situation.accepted
    said = []
    for one in dict.fromkeys(references(ResourceKey.parse(key), accepted.state.resources[key])):
        if str(one) not in accepted.ever_seen:
            near = names.way_out(one)
            said.append(f"{one.kind} {one.name!r}" + (f" ({near})" if near else ""))
    return ", ".join(said)


def _references(key: ResourceKey, kind: Kind, names: tuple[str, ...]) -> list[ResourceKey]:
    """Names are looked up in the namespace of the one who names them, each once."""
    if not names:
        return []
    return [ResourceKey(kind, key.namespace, name) for name in dict.fromkeys(names)]


def _found(
    key: ResourceKey,
    listed: Iterable[ResourceKey],
    existing: Mapping[ResourceKey, object],
    findings: Findings,
    names: _Names,
) -> tuple[ResourceKey, ...]:
    found: list[ResourceKey] = []
    for reference in listed:
        if reference in existing:
            found.append(reference)
        elif not findings.is_in_trouble(key):
            near = names.way_out(reference)
            findings.trouble(
                key,
                f"{reference.kind}NotFound",
                f"{reference.kind} {reference.name!r} is not in namespace {key.namespace!r};"
                " the rest holds without it. "
                + (f"{capitalised(near)} " if near else "")
                + "Create it, or take it out of the list.",
            )
    return tuple(found)


def _access(
    situation: Situation, key: ResourceKey, entry: UserEntry, findings: Findings
) -> tuple[str, ...]:
    """Roles that are given for a time, and now is in it."""
    roles: list[str] = []
    for access in entry.spec.access:
        start = access.starts_at or situation.now
        findings.due_at(start, situation.now)
        findings.due_at(access.until, situation.now)
        role, end = f"Role {access.role!r}", utc(access.until)
        if situation.now >= access.until:
            findings.note(key, f"{ACCESS_OVER}{role} ended at {end}.")
        elif start <= situation.now:
            roles.append(access.role)
            findings.note(key, f"{ACCESS_NOW}{role} until {end}.")
        else:
            findings.note(key, f"{ACCESS_LATER}{role} from {utc(start)} until {end}.")
    return tuple(roles)
