"""Roles of ours that nothing declares any more: marked, or known by a lost home (rule 27).

Each mark in force is after resolving the role of a claim, or ends, or is told: its holder is held,
waits, or was refused and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from regent.desired import DesiredRole, Ending, Listed
from regent.remembered import Mark
from regent.resolve.allowed import heir_standing, may_be_ended
from regent.resolve.claims import is_public
from regent.resolve.context import Context
from regent.resolve.kept import kept_names
from regent.resolve.renamings import former_names
from regent.resolve.situation import Situation
from shared.keys import ResourceKey


def endings(context: Context, roles: Mapping[str, DesiredRole]) -> tuple[Ending, ...]:
    """What our marks hold and no resource that still exists does.

    A holder that exists and could not be resolved ends nothing. One that has another role by now
    has left this one, which ends like a leaver's (ADR 39): it is not dropped where its resource is
    to be retained, and what it owns goes where that one's would. A role that goes on under another
    name, which its oid tells, does not end; one that was renamed behind us ends under its new name.
    One that somebody made anew is not ours to drop, nor is what it owns ours to hand on. One that
    was released is not dropped: only the login of whoever has another role by now ends.
    """
    accepted = context.situation.accepted
    observed = context.situation.server.roles
    names = {name for one in roles.values() for name in (one.name, one.renamed_from) if name}
    oids = {observed[name].oid for name in names if name in observed}
    marks = context.situation.marked
    heirs = _Heirs.of(context, roles)
    found = []
    for name, mark in sorted(marks.held.items()):
        holder = str(mark.holder)
        is_there = holder in accepted.state.resources or holder in accepted.state.held
        if name in names or mark.role_oid in oids:
            continue
        if is_there and not _has_left(context, mark.holder):
            continue
        if mark.released and not (is_there and _logs_in(context, mark)):
            continue
        departed = accepted.departed.get(holder)
        entry = departed.entry if departed else accepted.state.resources.get(holder)
        if entry is not None and entry.kind == "Permission":
            entry = None
        is_remade = marks.is_remade(mark)
        is_retained = entry is not None and entry.spec.deletion_policy == "Retain"
        named = entry.spec.reassign_owned_to if entry and not is_remade else None
        heir, listed, refusal = heirs.named(named, mark.holder.namespace)
        found.append(
            Ending(
                name=marks.observed_name(mark) or name,
                holder=mark.holder,
                created=mark.origin == "created"
                and not is_remade
                and not mark.released
                and not (is_there and is_retained),
                marked_as=name,
                retain=is_retained and not is_there,
                reassign_to=heir,
                listed=listed,
                refusal=refusal,
                ended_at=departed.at if departed else accepted.since.get(holder),
            )
        )
    return (*found, *_taken_back(context, roles, heirs))


def _has_left(context: Context, holder: ResourceKey) -> bool:
    """Whether this resource, which still exists, has another role, or is one that makes none."""
    if holder in context.granted:
        return True
    entry = context.listed.entries.get(holder)
    return entry is not None and is_public(entry)


def _logs_in(context: Context, mark: Mark) -> bool:
    """Whether somebody may still log in by it: an admin's role is never ours to end."""
    situation = context.situation
    role = situation.server.roles.get(situation.marked.observed_name(mark) or "")
    return role is not None and role.login and role.name not in situation.standing.admins


@dataclass(frozen=True, slots=True)
class _Heirs:
    """Who gets what leavers owned: the managed roles by namespace, and what some were called."""

    situation: Situation
    own: Mapping[str, frozenset[str]]
    former: Mapping[tuple[str, str], str]

    @classmethod
    def of(cls, context: Context, roles: Mapping[str, DesiredRole]) -> _Heirs:
        own: dict[str, set[str]] = {}
        for name, one in roles.items():
            own.setdefault(one.holder.namespace, set()).add(name)
        frozen = {namespace: frozenset(names) for namespace, names in own.items()}
        called = {**kept_names(context), **former_names(context)}
        return cls(context.situation, frozen, called)

    def named(self, name: str | None, namespace: str) -> tuple[str | None, Listed, str]:
        """The role that `reassignOwnedTo` means now, and its standing.

        A former name goes on meaning the role that took its place.
        """
        own = self.own.get(namespace, frozenset())
        if name is not None and name not in own:
            name = self.former.get((namespace, name), name)
        return name, *heir_standing(self.situation, namespace, name, own)


def _taken_back(
    context: Context, roles: Mapping[str, DesiredRole], heirs: _Heirs
) -> Iterator[Ending]:
    """What was deleted after the home database was lost, and before a person had accepted that.

    It was declared to this Regent since, so it would be taken back; being deleted, it is ended. It
    is not dropped: whether we made it is not known any more.
    """
    accepted, observed = context.situation.accepted, context.situation.server.roles
    marked = {mark.role for mark in context.situation.marks}
    for key, departed in sorted(accepted.departed.items()):
        entry = departed.entry
        if entry.kind == "Permission" or entry.spec.deletion_policy == "Retain":
            continue
        if entry.kind == "Role" and entry.spec.is_public:
            continue
        holder = ResourceKey.parse(key)
        name = entry.spec.postgres_name(holder.name)
        is_back = accepted.is_home_lost or name in accepted.takes_back
        if not is_back or name in roles or name in marked or name not in observed:
            continue
        if not may_be_ended(context.situation, holder.namespace, name):
            continue
        context.findings.taken_back.add(name)
        heir, listed, refusal = heirs.named(entry.spec.reassign_owned_to, holder.namespace)
        yield Ending(
            name=name,
            holder=holder,
            created=False,
            reassign_to=heir,
            listed=listed,
            refusal=refusal,
            is_taken_back=True,
            ended_at=departed.at,
        )


def note_heirs(context: Context, roles: Mapping[str, DesiredRole]) -> None:
    """Say while the resource is still there that its `reassignOwnedTo` would get nothing."""
    heirs, stays = _Heirs.of(context, roles), kept_names(context)
    for key, entry in context.listed.entries.items():
        named = entry.spec.reassign_owned_to
        heir, _, refusal = heirs.named(named, key.namespace)
        if heir != named and (key.namespace, named) not in stays:
            said = f"spec.reassignOwnedTo: {named!r} is called {heir!r} now; write the new name."
            context.findings.note(key, said)
        if refusal:
            context.findings.note(key, f"spec.reassignOwnedTo: {refusal}")
