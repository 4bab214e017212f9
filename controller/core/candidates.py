"""Which Regents a resource may belong to (rules 1 to 4), as far as manifests can tell.

Which of several it belongs to, only their accepted states say: here they are candidates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shared.keys import ResourceKey
from shared.resources import (
    AllowedNamespace,
    AnyResource,
    LabelSelector,
    Permission,
    Regent,
    Role,
    User,
)

Labels = Mapping[str, str]


def candidates(
    database: str,
    namespace: str,
    selector: LabelSelector | None,
    regents: Iterable[Regent],
    namespace_labels: Labels | None = None,
) -> tuple[Regent, ...]:
    """The Regents that serve this database for this namespace.

    Those of the namespace itself come before foreign ones that allow it. With a selector it is
    every match. Without `namespace_labels`, an `allowedNamespaces` by label counts as a match.
    """
    serving = [
        regent
        for regent in regents
        if database in regent.spec.databases and _may_use(namespace, regent, namespace_labels)
    ]
    if selector is not None:
        return tuple(regent for regent in serving if selector.matches(regent.metadata.labels))
    own = [regent for regent in serving if regent.metadata.namespace == namespace]
    return tuple(own or serving)


def regents_of(
    resource: Permission | Role | User,
    resources: Mapping[ResourceKey, AnyResource],
    regents: Iterable[Regent],
) -> tuple[Regent, ...]:
    """The candidates of a resource. A User's are those of its roles, else of its database."""
    regents = tuple(regents)
    namespace = resource.metadata.namespace
    if not isinstance(resource, User):
        spec = resource.spec
        return candidates(spec.database, namespace, spec.regent_selector, regents)
    named = [*resource.spec.roles, *(access.role for access in resource.spec.access)]
    found: dict[ResourceKey, Regent] = {}
    for name in named:
        role = resources.get(ResourceKey("Role", namespace, name))
        if isinstance(role, Role):
            found.update((regent.key, regent) for regent in regents_of(role, resources, regents))
    if not resource.spec.roles and resource.spec.database is not None:
        spec_database = resource.spec.database
        by_database = candidates(spec_database, namespace, resource.spec.regent_selector, regents)
        found.update((regent.key, regent) for regent in by_database)
    return tuple(found.values())


def served_databases(namespace: str, regents: Iterable[Regent]) -> dict[str, list[str]]:
    """Each database that this namespace may name, with the Regents that serve it."""
    served: dict[str, list[str]] = {}
    for regent in regents:
        if _may_use(namespace, regent, None):
            for database in regent.spec.databases:
                served.setdefault(database, []).append(regent.metadata.name)
    return served


def _may_use(namespace: str, regent: Regent, labels: Labels | None) -> bool:
    if namespace == regent.metadata.namespace:
        return True
    return any(_lets_in(entry, namespace, labels) for entry in regent.spec.allowed_namespaces)


def _lets_in(entry: AllowedNamespace, namespace: str, labels: Labels | None) -> bool:
    if entry.selector is not None:
        return labels is None or entry.selector.matches(labels)
    return namespace in entry.names
