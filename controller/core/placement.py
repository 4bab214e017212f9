"""Which Regents each resource belongs to: candidates, and where it is bound already. Pure.

Rules 1 to 4. A resource of a foreign namespace belongs to a Regent that allows its namespace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, assert_never

from controller.core.candidates import preferred, served_databases, serving
from controller.core.namespaces import NO_LABELS, Namespaces, may_use
from shared.keys import ResourceKey
from shared.outcomes import Outcome, State
from shared.problems import Problem
from shared.resources import (
    SUCCEEDS_ANNOTATION,
    AnyResource,
    LabelSelector,
    Permission,
    Regent,
    Role,
    User,
)


class Declared(Protocol):
    """A resource that was found, with its model or with what is wrong with it."""

    @property
    def key(self) -> ResourceKey:
        """How it is named."""
        ...

    @property
    def resource(self) -> AnyResource | None:
        """Its model, when it could be read."""
        ...

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with it."""
        ...

    @property
    def is_valid(self) -> bool:
        """Whether it can be used. One that cannot is held."""
        ...


Resources = Mapping[ResourceKey, Declared]
Bound = Mapping[ResourceKey, frozenset[ResourceKey]]
"""What the accepted state of each Regent lists."""
Former = Callable[[ResourceKey], frozenset[ResourceKey]]
"""The Regents on which a resource was last seen, of those that may be gone since."""
REGENT_GONE = "RegentGone"


def nowhere_before(_: ResourceKey) -> frozenset[ResourceKey]:
    """Of nothing it is known where it was."""
    return frozenset()


@dataclass(frozen=True, slots=True)
class Placement:
    """The Regents of one resource; without any, the outcome says why."""

    regents: frozenset[ResourceKey] = frozenset()
    outcome: Outcome | None = None


def place(
    resources: Resources,
    bound: Bound,
    *,
    is_whole: bool = True,
    namespaces: Namespaces = NO_LABELS,
    former: Former = nowhere_before,
) -> Mapping[ResourceKey, Placement]:
    """Where every valid Permission, Role and User belongs.

    Unless `is_whole`, what is absent may be declared where nobody could read.
    """
    placing = _Placing(resources, bound, namespaces, former, is_whole=is_whole)
    return {
        key: placing.of(key)
        for key, declared in resources.items()
        if declared.is_valid and key.kind != "Regent"
    }


class _Placing:
    def __init__(
        self,
        resources: Resources,
        bound: Bound,
        namespaces: Namespaces,
        former: Former,
        *,
        is_whole: bool,
    ) -> None:
        self._resources = resources
        self._is_whole = is_whole
        self._bound = bound
        self._namespaces = namespaces
        self._former = former
        self._known: dict[ResourceKey, Placement] = {}
        self._valid: list[Regent] = []
        self._usable: dict[str, list[Regent]] = {}
        """By namespace, the Regents that its resources may belong to."""
        self._broken: list[ResourceKey] = []
        for key, declared in resources.items():
            if key.kind == "Regent" and not declared.is_valid:
                self._broken.append(key)
            elif isinstance(declared.resource, Regent):
                self._valid.append(declared.resource)

    def of(self, key: ResourceKey) -> Placement:
        """Where a valid resource belongs."""
        if key not in self._known:
            resource = self._resources[key].resource
            match resource:
                case User():
                    self._known[key] = self._of_user(key, resource)
                case Permission() | Role():
                    spec = resource.spec
                    selector = spec.regent_selector
                    self._known[key] = self._serving(key, resource, spec.database, selector)
                case Regent() | None:
                    self._known[key] = Placement()
                case _:
                    assert_never(resource)
        return self._known[key]

    def _serving(
        self, key: ResourceKey, resource: AnyResource, database: str, selector: LabelSelector | None
    ) -> Placement:
        regents = self._usable_by(key.namespace)
        broken = [one for one in self._broken if one.namespace == key.namespace]
        found = serving(database, key.namespace, selector, regents, self._namespaces)
        here = frozenset(one.key for one in preferred(found, key.namespace, selector))
        if selector is not None and here:
            return Placement(here)
        # What is bound stays bound, before a Regent of its own namespace that has come since.
        if bound_here := self._binding(key, (one.key for one in found)):
            return Placement(bound_here)
        if stuck := self._binding(key, self._broken) or (broken if not here else ()):
            return _nowhere(resource, "Reconciling", "RegentInvalid", _broken_text(stuck))
        if not here:
            served = sorted(served_databases(key.namespace, regents, self._namespaces))
            has_selector = selector is not None
            text = _unserved_text(database, key.namespace, served, has_selector=has_selector)
            return _nowhere(resource, "Stalled", "NoRegent", text)
        if gone := self._gone(key, here):
            is_there = not gone.isdisjoint(one.key for one in self._valid)
            text = _gone_text(database, gone, here, is_there=is_there)
            return _nowhere(resource, "Stalled", REGENT_GONE, text)
        if len(here) > 1 and (back := here & self._former(key)):
            return Placement(back)
        if len(here) > 1:
            return _nowhere(
                resource, "Stalled", "AmbiguousRegent",
                f"Database {database} is served by several Regents: {_names(here)}."
                " Name the one that is meant by its labels in spec.regentSelector.",
            )  # fmt: skip
        return Placement(here)

    def _gone(self, key: ResourceKey, here: frozenset[ResourceKey]) -> frozenset[ResourceKey]:
        """Where it was in its own namespace, if none of these may take it from there by itself.

        Nothing goes to a foreign Regent, nor from one that is gone to another of its namespace.
        """
        own = frozenset(one for one in self._former(key) if one.namespace == key.namespace)
        if own & here:
            return frozenset()
        if all(one.namespace != key.namespace for one in here):
            return own
        succeeded = {(r.key, r.metadata.succeeds) for r in self._valid}
        valid = {regent for regent, _ in succeeded}
        return frozenset(
            one
            for one in own - valid
            if not any((regent, one.name) in succeeded for regent in here)
        )

    def _of_user(self, key: ResourceKey, user: User) -> Placement:
        listed = [*user.spec.roles, *(access.role for access in user.spec.access)]
        keys = [ResourceKey("Role", key.namespace, name) for name in dict.fromkeys(listed)]
        roles = {role: self.of(role) for role in keys if self._is_usable(role)}
        regents = frozenset().union(*(placement.regents for placement in roles.values()))
        by_database = self._by_database(key, user, regents)
        regents |= by_database.regents
        unknown = [role for role in keys if self._may_still_come(role, roles.get(role))]
        if unknown:
            valid = (regent.key for regent in self._usable_by(key.namespace))
            regents |= self._binding(key, valid)
        if regents:
            return Placement(regents)
        return _no_regent_of_roles(user, keys, roles, by_database)

    def _by_database(
        self, key: ResourceKey, user: User, regents: frozenset[ResourceKey]
    ) -> Placement:
        """By its own database, which counts when it lists no roles (rule 1).

        Where those that it lists lead nowhere, it stays where it is.
        """
        database, lists_roles = user.spec.database, bool(user.spec.roles)
        if database is None or (lists_roles and regents):
            return Placement()
        found = self._serving(key, user, database, user.spec.regent_selector)
        if lists_roles and not found.outcome:
            return Placement(self._binding(key, found.regents))
        return found

    def _may_still_come(self, role: ResourceKey, placement: Placement | None) -> bool:
        """Not to be read now, or never seen: then the User stays where it is (rule 18).

        A Role that a Regent lists and that is gone was deleted, and takes the User with it.
        """
        if placement is not None:
            outcome = placement.outcome
            return outcome is not None and outcome.reason == "RegentInvalid"
        if role in self._resources or not self._is_whole:
            return True
        return not any(role in listed for listed in self._bound.values())

    def _is_usable(self, key: ResourceKey) -> bool:
        declared = self._resources.get(key)
        return declared is not None and declared.is_valid

    def _usable_by(self, namespace: str) -> list[Regent]:
        if namespace not in self._usable:
            self._usable[namespace] = [
                one for one in self._valid if may_use(one, namespace, self._namespaces)
            ]
        return self._usable[namespace]

    def _binding(self, key: ResourceKey, regents: Iterable[ResourceKey]) -> frozenset[ResourceKey]:
        return frozenset(r for r in regents if key in self._bound.get(r, ()))


def _no_regent_of_roles(
    user: User,
    keys: list[ResourceKey],
    roles: Mapping[ResourceKey, Placement],
    by_database: Placement,
) -> Placement:
    if by_database.outcome is not None:
        return by_database
    if lost := [role.name for role in keys if role not in roles]:
        text = f"No usable Role {', '.join(lost)} in namespace {user.metadata.namespace}."
        text += (
            " Without a Role it belongs to no Regent: it has no login, and one that it had ends."
        )
        way_out = "Declare or correct the Role; with spec.database it has a login without one."
        return _nowhere(user, "Reconciling", "RoleNotFound", f"{text} {way_out}")
    first = next(placement.outcome for placement in roles.values() if placement.outcome)
    text = f"None of its roles is on a Regent. {first.resource}: {first.message}"
    return _nowhere(user, first.state, first.reason, text)


def _nowhere(resource: AnyResource, state: State, reason: str, message: str) -> Placement:
    outcome = Outcome(
        resource=str(resource.key),
        generation=resource.metadata.generation,
        state=state,
        reason=reason,
        message=message,
    )
    return Placement(outcome=outcome)


def _broken_text(regents: Iterable[ResourceKey]) -> str:
    return (
        f"Regent {_names(regents)} cannot be used as it is declared; until it is corrected, what"
        " it accepted before goes on."
    )


def _gone_text(
    database: str, own: Iterable[ResourceKey], others: Iterable[ResourceKey], *, is_there: bool
) -> str:
    """A Regent that is made anew is away for seconds: what it had must not follow another one."""
    first = min(own)
    way_out = (
        f"Add {database} to its additionalDatabases"
        if is_there
        else f"Declare it again; or annotate the one of its namespace that takes its place with"
        f" {SUCCEEDS_ANNOTATION}: {first.name}"
    )
    return (
        f"It was on Regent {_names(own)} of its own namespace, which does not serve database"
        f" {database} now. It is not moved to {_names(others)} by itself: its login and password"
        f" would be made on that server. {way_out}; or name the one that is meant by its labels in"
        " spec.regentSelector."
    )


def _unserved_text(
    database: str, namespace: str, served: Iterable[str], *, has_selector: bool
) -> str:
    those = f"served are {', '.join(served)}" if served else "there is no Regent"
    which = " with the labels of regentSelector" if has_selector else ""
    return (
        f"No Regent of namespace {namespace}, and none that allows it,{which} serves database"
        f" {database}; {those}. Correct the name, add it to a Regent's additionalDatabases, or add"
        f" {namespace} to a Regent's allowedNamespaces."
    )


def _names(regents: Iterable[ResourceKey]) -> str:
    """By their names, and where two have one name or another namespace, by that too."""
    found = sorted(regents)
    is_one_place = len({regent.namespace for regent in found}) == 1
    return ", ".join(one.name if is_one_place else f"{one.namespace}/{one.name}" for one in found)
