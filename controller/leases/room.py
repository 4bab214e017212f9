"""How many leases there may be, and how many may be asked for at a time. Pure.

Whoever asks for too many stops nobody but who asks for the same: the others of a User stop at its
own number, the Users of a namespace at that of the namespace, and no number counts over namespaces.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import contextmanager

from shared.errors import PostgRegentError
from shared.keys import ResourceKey

MOST_LEASES = 100
"""Of one User."""
MOST_AT_A_TIME = 8
"""Requests for leases of one User that wait together."""
MOST_IN_A_NAMESPACE = 64
"""The same, of all Users of a namespace."""


class TooMany(PostgRegentError):
    """There are as many leases of this User, or requests for them, as there may be."""


class Room:
    """The requests under way. Nothing is awaited between counting and taking."""

    def __init__(self) -> None:
        self._asked: dict[ResourceKey, set[str]] = {}
        """By User, the names of the leases that are being asked for."""

    @contextmanager
    def taken(self, user: ResourceKey, lease: str, there: Set[str]) -> Iterator[None]:
        """A place for one more; `there` are the leases that it has. Raises TooMany."""
        asked = self._asked.get(user, set())
        near = sum(len(one) for key, one in self._asked.items() if key.namespace == user.namespace)
        if len(asked) >= MOST_AT_A_TIME or near >= MOST_IN_A_NAMESPACE:
            raise TooMany(
                f"{len(asked)} leases of User {user.namespace}/{user.name} are being asked for"
                f" already, {near} in its namespace.",
                way_out="Ask again in a few seconds.",
            )
        if len(there | asked) >= MOST_LEASES:
            raise TooMany(
                f"User {user.namespace}/{user.name} has {MOST_LEASES} leases, which is the most.",
                way_out="Renew one, revoke those that nobody needs, or shorten their ttl.",
            )
        asked = self._asked.setdefault(user, set())
        asked.add(lease)
        try:
            yield
        finally:
            asked.discard(lease)
            if not asked:
                self._asked.pop(user, None)
