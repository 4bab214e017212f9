"""Roles of ours that nothing declares any more: marked, or known by a lost home (rule 27)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from regent.desired import DesiredRole, Ending, Listed
from regent.resolve.allowed import heir_standing, may_be_ended
from regent.resolve.context import Context
from regent.resolve.renamings import former_names
from regent.resolve.situation import Situation
from shared.keys import ResourceKey


def endings(context: Context, roles: Mapping[str, DesiredRole]) -> tuple[Ending, ...]:
    """What our marks hold and no resource that still exists does.

    A holder that exists and could not be resolved (a conflict, an invalid name) ends nothing, and
    neither does a role that goes on under another name, which its oid tells. A role that was
    renamed behind us ends under its new name. One that somebody made anew is not ours to drop, nor
    is what it owns ours to hand on.
    """
    accepted = context.situation.accepted
    observed = context.situation.server.roles
    names = {name for one in roles.values() for name in (one.name, one.renamed_from) if name}
    oids = {observed[name].oid for name in names if name in observed}
    marks = context.situation.marked
    heirs = _Heirs.of(context, roles)
    found = []
    for name, mark in sorted(marks.mine.items()):
        holder = str(mark.holder)
        still_there = holder in accepted.state.resources or holder in accepted.state.held
        if name in names or still_there or mark.role_oid in oids:
            continue
        departed = accepted.departed.get(holder)
        entry = departed.entry if departed and departed.entry.kind != "Permission" else None
        is_remade = marks.is_remade(mark)
        named = entry.spec.reassign_owned_to if entry and not is_remade else None
        heir, listed, refusal = heirs.named(named, mark.holder.namespace)
        found.append(
            Ending(
                name=marks.observed_name(mark) or name,
                holder=mark.holder,
                created=mark.origin == "created" and not is_remade,
                marked_as=name,
                retain=entry is not None and entry.spec.deletion_policy == "Retain",
                reassign_to=heir,
                listed=listed,
                refusal=refusal,
                ended_at=departed.at if departed else None,
            )
        )
    return (*found, *_taken_back(context, roles, heirs))


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
        return cls(context.situation, frozen, former_names(context))

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
    heirs = _Heirs.of(context, roles)
    for key, entry in context.listed.entries.items():
        named = entry.spec.reassign_owned_to
        heir, _, refusal = heirs.named(named, key.namespace)
        if heir != named:
            said = f"spec.reassignOwnedTo: {named!r} is called {heir!r} now; write the new name."
            context.findings.note(key, said)
        if refusal:
            context.findings.note(key, f"spec.reassignOwnedTo: {refusal}")
