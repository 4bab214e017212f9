"""Which namespaces a Regent serves besides its own, and by which entry of its list (rule 3). Pure.

The first entry of `allowedNamespaces` that names a namespace, or selects it by its labels, counts
for it, and that one alone: nothing is put together from two entries that nobody wrote together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from shared.resources import Regent

NAME_LABEL = "kubernetes.io/metadata.name"
"""Kubernetes gives it to every namespace, and nobody can give it another value."""
Labels = Mapping[str, str]


class Unknown(Enum):
    """It cannot be told now: the labels of the namespace could not be read."""

    UNKNOWN = auto()


UNKNOWN = Unknown.UNKNOWN
Entry = int | Unknown | None
"""The entry's place in the list; None where no entry lets the namespace in."""


@dataclass(frozen=True, slots=True)
class Namespaces:
    """The labels of those that are there.

    `why_unknown` is empty where these are all that have any.
    """

    labels: Mapping[str, Labels] = field(default_factory=dict)
    why_unknown: str = ""

    def labels_of(self, namespace: str) -> Labels | None:
        """None where they are not known."""
        found = self.labels.get(namespace)
        if found is None and self.why_unknown:
            return None
        return {**(found or {}), NAME_LABEL: namespace}

    def is_there(self, namespace: str) -> bool:
        """Whether its labels were seen: of one that is gone, nothing is to be concluded."""
        return namespace in self.labels


NO_LABELS = Namespaces()
"""Where nobody has labels."""


def entry_for(regent: Regent, namespace: str, namespaces: Namespaces) -> Entry:
    """Which entry of a Regent's `allowedNamespaces` counts for a foreign namespace."""
    for index, entry in enumerate(regent.spec.allowed_namespaces):
        if entry.selector is None:
            if namespace in entry.names:
                return index
            continue
        labels = namespaces.labels_of(namespace)
        if labels is None:
            return UNKNOWN
        if entry.selector.matches(labels):
            return index
    return None


def may_use(regent: Regent, namespace: str, namespaces: Namespaces) -> bool:
    """Whether resources of this namespace may belong to the Regent, as far as is known."""
    is_own = namespace == regent.metadata.namespace
    return is_own or entry_for(regent, namespace, namespaces) is not None


def goes_by_labels(regent: Regent) -> bool:
    """Whether it has to be known which labels namespaces have."""
    return any(entry.selector is not None for entry in regent.spec.allowed_namespaces)


def is_shut_out(regent: Regent, namespace: str, namespaces: Namespaces) -> bool:
    """Whether it is said that this namespace may not be served: by the list, or by its labels.

    Where labels count, and a namespace is not there to have any, nobody has said it.
    """
    if may_use(regent, namespace, namespaces):
        return False
    return not goes_by_labels(regent) or namespaces.is_there(namespace)
