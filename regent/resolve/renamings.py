"""A resource that takes over the role of another: `renamedFrom` (rule 7), and where it is missing.

GitOps engines apply before they prune, so the new resource comes while the old one is there: it
waits, and takes the role over when the old one is deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from regent.remembered import Mark
from regent.resolve.context import Context, References
from regent.resolve.rename_hints import departed, note_hints
from regent.resolve.situation import Situation
from shared.keys import ResourceKey
from shared.state import RoleEntry, UserEntry


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
    mark = situation.marked.by_role.get(name)
    is_managed = mark is not None and not mark.released
    return name in situation.server.roles and not is_managed


def waits_for(
    situation: Situation, listed: References, declared_by: Collection[ResourceKey]
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
    gone = tuple(departed(context.situation))
    former_names = {(one.key.namespace, one.name) for one in gone}
    for key, entry in context.listed.entries.items():
        former, claim = entry.spec.renamed_from, context.granted.get(key)
        if former is None or claim is None or former in managed:
            continue
        if is_unmanaged(context.situation, former):
            way_out = (
                f"A role {former!r} exists and is not managed: adopt it under its own name first to"
                " rename it, or take the field out."
            )
        elif claim.name in managed and (key.namespace, former) in former_names:
            continue  # a resource that was deleted lately had this name: it was renamed
        elif claim.mark is not None:
            note = f"spec.renamedFrom: {former!r} is no role of this namespace any more, and"
            note = f"{note} {claim.name!r} is managed here: the field does nothing. Take it out."
            context.findings.note(key, note)
            continue
        else:
            way_out = "Correct the name."
        context.findings.note(
            key,
            f"spec.renamedFrom: no role {former!r} of this namespace is managed here, so"
            f" {claim.name!r} is a role of its own. {way_out}",
        )
    note_hints(context, gone)
