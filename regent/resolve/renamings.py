"""A resource that takes over the role of another: `renamedFrom` (rule 7), and where it is missing.

GitOps engines apply before they prune, so the new resource comes while the old one is there: it
waits, and takes the role over when the old one is deleted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from regent.remembered import Mark
from regent.resolve.context import Context, Listed
from regent.resolve.situation import Situation
from shared.keys import ResourceKey
from shared.state import RoleEntry, UserEntry

TOGETHER = timedelta(minutes=10)
"""A deletion and a creation so near to each other may be one rename."""

_NAMES = {"renamed_from": None, "adopt": None, "role_name": None, "user_name": None}


def former_mark(
    situation: Situation, key: ResourceKey, entry: RoleEntry | UserEntry
) -> Mark | None:
    """The mark on the role that `renamedFrom` names, where its holder's namespace is the same."""
    former = entry.spec.renamed_from
    mark = situation.marked.mine.get(former) if former else None
    return mark if mark is not None and mark.holder.namespace == key.namespace else None


def is_there(situation: Situation, holder: ResourceKey) -> bool:
    """Whether the resource still exists, be it held."""
    state = situation.accepted.state
    return str(holder) in state.resources or str(holder) in state.held


def is_unmanaged(situation: Situation, name: str) -> bool:
    """Whether a role of this name is there, and no Regent of this server manages it."""
    is_managed = any(mark.role == name and not mark.released for mark in situation.marks)
    return name in situation.server.roles and not is_managed


def waits_for(
    situation: Situation, listed: Listed, declared_by: Collection[ResourceKey]
) -> tuple[str, str] | None:
    """Reason and message where the role to take over still has its resource."""
    for key in declared_by:
        mark = former_mark(situation, key, listed.entries[key])
        if mark is not None and mark.holder not in declared_by and is_there(situation, mark.holder):
            message = (
                f"spec.renamedFrom: the role {mark.role!r} still belongs to {mark.holder}. When"
                " that is deleted the role is renamed and keeps what it has; until then nothing"
                f" is made. Delete {mark.holder}, or take renamedFrom out to have a new role made."
            )
            return "WaitingForRename", message
    return None


def note_cleared_password(
    context: Context, user: ResourceKey | None, observed_name: str | None
) -> None:
    """Say before a rename that it clears a password which nothing sets again."""
    observed = context.situation.server.roles.get(observed_name or "")
    if observed is not None and observed.loses_its_password_by_a_rename:
        context.findings.note(
            user,
            f"Renaming {observed.name!r} clears its md5 password, which PostgreSQL ties to the"
            " name. Nobody can log in with it then: set it anew, or name a passwordSecretRef.",
        )


def edges_kept(
    situation: Situation, role: ResourceKey, entry: RoleEntry | UserEntry, member: str
) -> Iterator[tuple[str, str]]:
    """The membership in the former role of one who lists the Role that waits for it."""
    mark = former_mark(situation, role, entry)
    if mark is not None:
        yield mark.role, member


def former_names(context: Context) -> Mapping[tuple[str, str], str]:
    """What the roles that took another's place are called, by namespace and `renamedFrom`."""
    return {
        (key.namespace, former): claim.name
        for key, claim in context.granted.items()
        if (former := context.listed.entries[key].spec.renamed_from) and claim.mark is not None
    }


def note_renames(context: Context) -> None:
    """Say where `renamedFrom` names nothing that is managed, and where it seems to be missing."""
    managed = context.situation.marked.mine
    gone = tuple(_departed(context.situation))
    for key, entry in context.listed.entries.items():
        former, claim = entry.spec.renamed_from, context.granted.get(key)
        if former is None or claim is None or former in managed:
            continue
        if is_unmanaged(context.situation, former):
            way_out = (
                f"A role {former!r} exists and is not managed: adopt it under its own name first to"
                " rename it, or take the field out."
            )
        elif claim.name in managed and _was_of(former, key, gone):
            continue
        else:
            way_out = "Correct the name; if the rename was done earlier, take the field out."
        context.findings.note(
            key,
            f"spec.renamedFrom: no role {former!r} of this namespace is managed here, so"
            f" {claim.name!r} is a role of its own. {way_out}",
        )
    _note_hints(context, gone)


@dataclass(frozen=True, slots=True)
class _Gone:
    key: ResourceKey
    name: str
    entry: RoleEntry | UserEntry
    at: datetime


def _was_of(former: str, key: ResourceKey, gone: Iterable[_Gone]) -> bool:
    """Whether a resource of the namespace that was deleted lately had this name: it was renamed."""
    return any(one.name == former and one.key.namespace == key.namespace for one in gone)


def _departed(situation: Situation) -> Iterator[_Gone]:
    for text, departed in situation.accepted.departed.items():
        key, entry = ResourceKey.parse(text), departed.entry
        if entry.kind != "Permission":
            yield _Gone(key, entry.spec.postgres_name(key.name), entry, departed.at)


def _note_hints(context: Context, gone: Iterable[_Gone]) -> None:
    """Only where one came for one that left: of several nobody knows which it was."""
    situation, entries = context.situation, context.listed.entries
    leavers = [one for one in gone if _has_its_role(situation, one)]
    newcomers = {k: e for k, e in entries.items() if _makes_its_role(situation, k, e)}
    pairs = [
        (one, key)
        for one in leavers
        for key, entry in newcomers.items()
        if _may_be_renamed(situation, one, key, entry)
    ]
    left, came = Counter(one.key for one, _ in pairs), Counter(key for _, key in pairs)
    for one, key in pairs:
        if left[one.key] == came[key] == 1:
            new = newcomers[key].spec.postgres_name(key.name)
            context.findings.note(
                key,
                f"It looks like a rename of {one.key}, which was deleted: so its role"
                f" {one.name!r} ends, and {new!r} is a new one."
                f" With renamedFrom: {one.name} in the same change the role is renamed, and keeps"
                " what it has.",
            )


def _has_its_role(situation: Situation, one: _Gone) -> bool:
    """Whether its role is still there as marked for it, and could be renamed by us."""
    mark = situation.marked.mine.get(one.name)
    observed = situation.server.roles.get(one.name)
    if mark is None or observed is None or observed.attributes.superuser:
        return False
    return (mark.holder, mark.role_oid) == (one.key, observed.oid)


def _makes_its_role(situation: Situation, key: ResourceKey, entry: RoleEntry | UserEntry) -> bool:
    """Whether the role is made for it: not one that somebody else made."""
    name = entry.spec.postgres_name(key.name)
    if entry.spec.renamed_from is not None:
        return False
    mark = situation.marked.mine.get(name)
    return name not in situation.server.roles or (mark is not None and mark.holder == key)


def _may_be_renamed(
    situation: Situation, one: _Gone, key: ResourceKey, entry: RoleEntry | UserEntry
) -> bool:
    since = situation.accepted.since.get(str(key))
    if since is None or abs(one.at - since) > TOGETHER:
        return False
    if (one.key.kind, one.key.namespace) != (key.kind, key.namespace):
        return False
    return one.name != entry.spec.postgres_name(key.name) and _is_alike(one.entry, entry)


def _is_alike(old: RoleEntry | UserEntry, new: RoleEntry | UserEntry) -> bool:
    """Whether they declare the same, but for names."""
    return old.spec.model_copy(update=_known(old)) == new.spec.model_copy(update=_known(new))


def _known(entry: RoleEntry | UserEntry) -> dict[str, None]:
    return {name: value for name, value in _NAMES.items() if name in type(entry.spec).model_fields}
