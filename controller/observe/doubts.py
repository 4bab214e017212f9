"""What was in doubt when it was read: what synced since proves nothing of it.

A look awaits much between reading the caches and pushing. A cache that syncs in between knows what
the look does not: judged by it, what was not listed yet would be taken for deleted (rule 17).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.core.secrets import Secret, SecretName

EVERYWHERE = ""
"""The place of whatever is watched in the whole cluster, and of namespaces that are not watched."""


@dataclass(frozen=True, slots=True)
class Doubts:
    """Why, by watched place, not all that is there was known; empty where it was."""

    by_place: Mapping[str, str] = field(default_factory=dict)

    def why_not_synced(self, namespace: str) -> str:
        """Why nothing of this namespace may be taken for all there is; empty when it may."""
        place = namespace if namespace in self.by_place else EVERYWHERE
        return self.by_place.get(place, "")


@dataclass(frozen=True, slots=True)
class SecretsRead:
    """The named Secrets that were there, and where it could not be known whether they were."""

    values: Mapping[SecretName, Secret]
    awaited: frozenset[str] = frozenset()
    """The namespaces whose Secrets may be there in a moment: nothing can be said of passwords."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """By namespace, why Secrets could not be read."""
