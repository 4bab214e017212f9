"""Which Regents a resource may belong to (rules 1 to 4), as far as manifests can tell.

Which of several it belongs to, only their accepted states say: here they are candidates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from controller.core.namespaces import NO_LABELS, Namespaces, may_use
from shared.keys import ResourceKey
from shared.resources import (
    AnyResource,
    LabelSelector,
    Permission,
    Regent,
    Role,
    User,
)


def serving(
    database: str,
    namespace: str,
    selector: LabelSelector | None,
    regents: Iterable[Regent],
    namespaces: Namespaces = NO_LABELS,
) -> tuple[Regent, ...]:
    """Every Regent that serves this database for this namespace, and is selected where one is.

    One of which that is not known, as labels of the namespace are not, counts as one that does.
    """
    return tuple(
        regent
        for regent in regents
        if database in regent.spec.databases
        and may_use(regent, namespace, namespaces)
        and (selector is None or selector.matches(regent.metadata.labels))
    )


def preferred(
    found: Iterable[Regent], namespace: str, selector: LabelSelector | None
) -> tuple[Regent, ...]:
    """Those of the namespace itself come before foreign ones. With a selector it is every match."""
    found = tuple(found)
    own = tuple(regent for regent in found if regent.metadata.namespace == namespace)
    return found if selector is not None else own or found


def candidates(
    database: str,
    namespace: str,
    selector: LabelSelector | None,
    regents: Iterable[Regent],
    namespaces: Namespaces = NO_LABELS,
) -> tuple[Regent, ...]:
    """To which of them it may belong that belongs to none yet."""
    found = serving(database, namespace, selector, regents, namespaces)
    return preferred(found, namespace, selector)


def regents_of(
    resource: Permission | Role | User,
    resources: Mapping[ResourceKey, AnyResource],
    regents: Iterable[Regent],
    namespaces: Namespaces = NO_LABELS,
) -> tuple[Regent, ...]:
    """The candidates of a resource. A User's are those of its roles, else of its database."""
    regents = tuple(regents)
    namespace = resource.metadata.namespace
    if not isinstance(resource, User):
        spec = resource.spec
        return candidates(spec.database, namespace, spec.regent_selector, regents, namespaces)
    named = [*resource.spec.roles, *(access.role for access in resource.spec.access)]
    found: dict[ResourceKey, Regent] = {}
    for name in named:
        role = resources.get(ResourceKey("Role", namespace, name))
        if isinstance(role, Role):
            of_role = regents_of(role, resources, regents, namespaces)
            found.update((regent.key, regent) for regent in of_role)
    if not resource.spec.roles and resource.spec.database is not None:
        spec_database = resource.spec.database
        selector = resource.spec.regent_selector
        by_database = candidates(spec_database, namespace, selector, regents, namespaces)
        found.update((regent.key, regent) for regent in by_database)
    return tuple(found.values())


def served_databases(
    namespace: str, regents: Iterable[Regent], namespaces: Namespaces = NO_LABELS
) -> dict[str, list[str]]:
    """Each database that this namespace may name, with the Regents that serve it."""
    served: dict[str, list[str]] = {}
    for regent in regents:
        if may_use(regent, namespace, namespaces):
            for database in regent.spec.databases:
                served.setdefault(database, []).append(regent.metadata.name)
    return served
