"""From everything that is declared to one desired state per Regent. Pure, but for its passwords.

Rules 1 to 4, 17 and 18. References stay unresolved (interface 1): a Regent gets its own
resources, the Permissions that they name, and the names of what is there and cannot be used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, assert_never

from controller.core.namespaces import (
    NO_LABELS,
    UNKNOWN,
    Namespaces,
    entry_for,
    goes_by_labels,
    is_shut_out,
    may_use,
)
from controller.core.placement import (
    Bound,
    Declared,
    Former,
    Placement,
    Resources,
    nowhere_before,
    place,
)
from shared.keys import ResourceKey
from shared.outcomes import Outcome
from shared.problems import Problem, capitalised
from shared.resources import AnyResource, Permission, Regent, Role, User, UserSpec
from shared.state import (
    DesiredState,
    Entry,
    PasswordEntry,
    PermissionEntry,
    RegentEntry,
    RoleEntry,
    Trouble,
    UserEntry,
)

Passwords = Callable[[Regent, ResourceKey, UserSpec], PasswordEntry | None]
"""What is known of a User's password on a Regent; None when it is not managed."""

UNREAD = Trouble(
    reason="SourceUnreadable",
    message="Something that was to be read could not be; it may be declared there.",
)


@dataclass(frozen=True, slots=True)
class Push:
    """What all states of one compilation share: where they come from, and what absence means.

    `deleted` are resources whose deletion was seen. `is_whole` is False when part of the source
    could not be read: then nothing that is absent is taken for gone (rule 17). `has_uids`: an
    API server gave them, so they and the generations prove how old it is; a file's prove nothing.
    `restored`: when the source was last seen to have gone back in time, in ms; 0 for never.
    """

    origin: str
    revision: int
    absent_means: Literal["Deleted", "Vanished"]
    deleted: frozenset[ResourceKey] = frozenset()
    is_whole: bool = True
    has_uids: bool = False
    restored: int = 0


@dataclass(frozen=True, slots=True)
class Compiled:
    """A state for each Regent that can be used, and the outcomes that no Regent will report."""

    states: Mapping[ResourceKey, DesiredState]
    outcomes: Mapping[ResourceKey, Outcome] = field(default_factory=dict)
    failed: Mapping[ResourceKey, Exception] = field(default_factory=dict)
    """The Regents that have no state, by a mistake of ours: what they accepted goes on."""
    unsure: Mapping[ResourceKey, str] = field(default_factory=dict)
    """The Regents that have no state, as it is not known which namespaces they serve, and why."""


def users_of(
    states: Mapping[ResourceKey, DesiredState],
) -> dict[ResourceKey, frozenset[ResourceKey]]:
    """The Users of each Regent."""
    return {
        regent: frozenset(
            ResourceKey.parse(name) for name in state.resources if name.startswith("User/")
        )
        for regent, state in states.items()
    }


SHOWN_PROBLEMS = 20
NOTHING_BEFORE: Mapping[ResourceKey, DesiredState] = {}


def compile_states(
    resources: Resources,
    *,
    bound: Bound,
    passwords: Passwords,
    push: Push,
    before: Mapping[ResourceKey, DesiredState] = NOTHING_BEFORE,
    namespaces: Namespaces = NO_LABELS,
    former: Former = nowhere_before,
) -> Compiled:
    """Every Regent's desired state, and what belongs to none.

    `bound` is what each Regent's accepted state lists; a Regent whose state is not known yet has
    no entry, and must not be pushed to before it has one. Entries that are as they were in the
    states of `before` are taken from there: the result is the same, and sooner there. `former` says
    on which Regents a resource was, also of those that are gone.
    """
    present = {key: found for key, found in resources.items() if key not in push.deleted}
    placements = place(present, bound, is_whole=push.is_whole, namespaces=namespaces, former=former)
    compiling = _Compiling(present, placements, bound, passwords, push, before, namespaces)
    regents = [
        r.resource for r in present.values() if isinstance(r.resource, Regent) and r.is_valid
    ]
    outcomes = {key: invalid(found) for key, found in present.items() if not found.is_valid}
    outcomes.update({key: p.outcome for key, p in placements.items() if p.outcome is not None})
    states: dict[ResourceKey, DesiredState] = {}
    failed: dict[ResourceKey, Exception] = {}
    unsure: dict[ResourceKey, str] = {}
    for regent in regents:
        try:
            if why := compiling.why_unsure(regent):
                unsure[regent.key] = why
            else:
                states[regent.key] = compiling.state(regent)
        except Exception as error:  # noqa: BLE001 - the caller logs it; no other Regent may feel it
            failed[regent.key] = error
    return Compiled(states, outcomes, failed, unsure)


class _Compiling:
    def __init__(
        self,
        resources: Resources,
        placements: Mapping[ResourceKey, Placement],
        bound: Bound,
        passwords: Passwords,
        push: Push,
        before: Mapping[ResourceKey, DesiredState],
        namespaces: Namespaces,
    ) -> None:
        self._resources = resources
        self._placements = placements
        self._bound = bound
        self._passwords = passwords
        self._push = push
        self._before = before
        self._namespaces = namespaces
        self._places = frozenset(key.namespace for key in resources)

    def why_unsure(self, regent: Regent) -> str:
        """Why it is not known which namespaces with resources it serves; empty where it is.

        Who is served cannot be guessed: one taken for gone would lose its access (rule 17).
        """
        bound = {key.namespace for key in self._bound_to(regent)}
        here = self._places
        for one in sorted((here | bound) - {regent.metadata.namespace}):
            entry = entry_for(regent, one, self._namespaces)
            if entry is UNKNOWN:
                return f"labels of namespace {one}: {self._namespaces.why_unknown}"
            is_lost = entry is None and goes_by_labels(regent) and one in here & bound
            if is_lost and not self._namespaces.is_there(one):
                return (
                    f"namespace {one} was served by its labels, and is not there to have any. Add"
                    " its manifest, kind: Namespace, with the labels that it has."
                )
        return ""

    def _bound_to(self, regent: Regent) -> frozenset[ResourceKey]:
        return self._bound.get(regent.key, frozenset())

    def _is_served(self, regent: Regent, namespace: str) -> bool:
        return may_use(regent, namespace, self._namespaces)

    def _foreign(self, regent: Regent, keys: Iterable[ResourceKey]) -> Mapping[str, int] | None:
        """Which entry of the list bounds each of the other namespaces; None where there is none."""
        there = {key.namespace for key in keys} - {regent.metadata.namespace}
        entries = {one: entry_for(regent, one, self._namespaces) for one in sorted(there)}
        found = {one: entry for one, entry in entries.items() if isinstance(entry, int)}
        return found or None

    def state(self, regent: Regent) -> DesiredState:
        """Everything that belongs to one Regent."""
        keys = self._belonging(regent)
        held = self._held(regent)
        seen, moved = self._deleted(regent, keys, held)
        before = self._before.get(regent.key)
        known = before.resources if before else {}
        texts = {str(key): key for key in sorted(keys)}
        return DesiredState(
            origin=self._push.origin,
            revision=self._push.revision,
            regent=RegentEntry(
                namespace=regent.metadata.namespace,
                name=regent.metadata.name,
                generation=regent.metadata.generation,
                uid=self._uid(regent),
                spec=regent.spec,
                namespaces=self._foreign(regent, keys | held.keys() | self._bound_to(regent)),
            ),
            resources={
                text: self._entry(regent, key, known.get(text)) for text, key in texts.items()
            },
            held={str(key): held[key] for key in sorted(held)},
            deleted=tuple(sorted(str(key) for key in seen | moved)),
            elsewhere=tuple(sorted(str(key) for key in moved)),
            absent_means=self._push.absent_means,
            restored=self._push.restored or None,
        )

    def _belonging(self, regent: Regent) -> frozenset[ResourceKey]:
        placed = {key for key, place in self._placements.items() if regent.key in place.regents}
        named = {
            permission
            for key in placed
            for permission in self._named_permissions(key)
            if self._goes_along(permission, key, regent)
        }
        return frozenset(placed | named)

    def _named_permissions(self, key: ResourceKey) -> Iterable[ResourceKey]:
        resource = self._resources[key].resource
        if isinstance(resource, Role | User):
            for name in resource.spec.permissions:
                permission = ResourceKey("Permission", key.namespace, name)
                if permission in self._placements:
                    yield permission

    def _goes_along(self, permission: ResourceKey, lister: ResourceKey, regent: Regent) -> bool:
        """Where it serves no database of theirs, a Role's Permission is a mistake to report.

        A User's is none: its roles may live on several Regents (rule 2).
        """
        resource = self._resources[permission].resource
        is_served = (
            isinstance(resource, Permission) and resource.spec.database in regent.spec.databases
        )
        return is_served or lister.kind == "Role" or not self._placements[permission].regents

    def _entry(self, regent: Regent, key: ResourceKey, before: Entry | None) -> Entry:
        resource = self._resources[key].resource
        generation = resource.metadata.generation if resource else 0
        uid = self._uid(resource) if resource else None
        known = before
        if before is not None and (before.generation, before.uid) != (generation, uid):
            known = None
        match resource:
            case Permission() | Role() if known is not None and known.spec is resource.spec:
                return known
            case Permission():
                return PermissionEntry(generation=generation, uid=uid, spec=resource.spec)
            case Role():
                return RoleEntry(generation=generation, uid=uid, spec=resource.spec)
            case User():
                password = self._passwords(regent, key, resource.spec)
                spec = self._spec_for(regent, key, resource.spec)
                if (
                    isinstance(known, UserEntry)
                    and known.spec is spec
                    and known.password == password
                ):
                    return known
                return UserEntry(generation=generation, uid=uid, spec=spec, password=password)
            case Regent() | None:
                raise TypeError(f"{key} is neither Permission, Role nor User")
            case _:
                assert_never(resource)

    def _uid(self, resource: AnyResource) -> str | None:
        return resource.metadata.uid if self._push.has_uids else None

    def _spec_for(self, regent: Regent, user: ResourceKey, spec: UserSpec) -> UserSpec:
        """Without the Roles and Permissions that live on other Regents: it cannot know of them.

        One that is here by `access` alone still says where it lives, as every User must. One with
        leases does not log in itself, and has no password (ADR 57).
        """

        def is_here(kind: Literal["Role", "Permission"], name: str) -> bool:
            place = self._placements.get(ResourceKey(kind, user.namespace, name))
            if place is None or not place.regents or regent.key in place.regents:
                return True
            return kind == "Permission" and self._goes_along(
                ResourceKey(kind, user.namespace, name), user, regent
            )

        roles = tuple(name for name in spec.roles if is_here("Role", name))
        update: dict[str, object] = {
            "database": spec.database or (None if roles else regent.spec.database_name),
            "roles": roles,
            "access": tuple(access for access in spec.access if is_here("Role", access.role)),
            "permissions": tuple(n for n in spec.permissions if is_here("Permission", n)),
        }
        if spec.has_leases:
            update |= {"enabled": False, "credentials": None}
        is_same = all(getattr(spec, name) == value for name, value in update.items())
        return spec if is_same else spec.model_copy(update=update)

    def _held(self, regent: Regent) -> dict[ResourceKey, Trouble]:
        """What is there and cannot be used: where it is bound, or everywhere if nobody knows.

        Of other namespaces only what is bound: their authors' mistakes are no Regent's business.
        """
        bound, own = self._bound_to(regent), regent.metadata.namespace
        held = {
            key: trouble_of(found)
            for key, found in self._resources.items()
            if key.kind != "Regent"
            and not found.is_valid
            and (key in bound or (key.namespace == own and not self._is_bound(key)))
            and self._is_served(regent, key.namespace)
        }
        if not self._push.is_whole:
            absent = bound - self._resources.keys() - self._push.deleted
            served = (key for key in absent if self._is_served(regent, key.namespace))
            held.update(dict.fromkeys(served, UNREAD))
        return held

    def _deleted(
        self,
        regent: Regent,
        keys: frozenset[ResourceKey],
        held: Mapping[ResourceKey, Trouble],
    ) -> tuple[frozenset[ResourceKey], frozenset[ResourceKey]]:
        """Seen to be deleted; and still there, but not this Regent's any more.

        What is of a namespace that is not served any more is among the latter, seen or not.
        """
        bound = self._bound_to(regent)
        out = {
            one
            for one in {key.namespace for key in bound}
            if is_shut_out(regent, one, self._namespaces)
        }
        seen = {
            key
            for key in self._push.deleted
            if key.namespace not in out and (key in bound or self._is_served(regent, key.namespace))
        }
        moved = {key for key in bound if key in self._resources or key.namespace in out}
        kept = keys | held.keys()
        return frozenset(seen - kept), frozenset(moved - seen - kept)

    def _is_bound(self, key: ResourceKey) -> bool:
        return any(key in listed for listed in self._bound.values())


def trouble_of(found: Declared) -> Trouble:
    """Why a resource cannot be used: all its problems, or so many and how many more there are."""
    if not found.problems:
        return Trouble(reason="Invalid", message="It cannot be read.")
    said = " ".join(map(_sentence, found.problems[:SHOWN_PROBLEMS]))
    more = len(found.problems) - SHOWN_PROBLEMS
    return Trouble(reason="Invalid", message=f"{said} (and {more} more)" if more > 0 else said)


def invalid(found: Declared) -> Outcome:
    """The outcome of a resource that cannot be used: what it gave before, it goes on giving."""
    trouble = trouble_of(found)
    generation = found.resource.metadata.generation if found.resource else 0
    return Outcome(
        resource=str(found.key),
        generation=generation,
        state="Stalled",
        reason=trouble.reason,
        message=trouble.message,
    )


def _sentence(problem: Problem) -> str:
    place = f"{problem.place}: " if problem.file else ""
    way_out = capitalised(problem.way_out)
    return f"{place}{problem.sentence}. {way_out}{'' if way_out.endswith('?') else '.'}"
