"""The objects of one kind as last heard of, and what each news of them changes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from controller.kube.kinds import JsonObject, Key, key_of


@dataclass(frozen=True, slots=True)
class Seen:
    """One object before and after; None is: not there."""

    key: Key
    before: JsonObject | None
    after: JsonObject | None


class ObjectCache:
    """What the API server has, as far as it has told.

    `metadata.managedFields` is left out: nobody here reads it, and it is half of every object.
    """

    def __init__(self) -> None:
        self._objects: dict[Key, JsonObject] = {}
        self.view: Mapping[Key, JsonObject] = MappingProxyType(self._objects)

    def missing_from(self, listed: Iterable[JsonObject]) -> set[Key]:
        """What is here and not in a whole list."""
        return self._objects.keys() - {key_of(item) for item in listed}

    def is_past(self, item: JsonObject, whole_at: int) -> bool:
        """No store that only goes on shows this object: it was seen newer, or was gone.

        `whole_at` is the version at which everything was known.
        """
        before = self._objects.get(key_of(item))
        if before is None:
            return 0 < version_of(item) <= whole_at
        return _same(before, item, "uid") and version_of(item) < version_of(before)

    def replace(self, listed: Iterable[JsonObject]) -> list[Seen]:
        """Take a whole list for what there is: deletions first, then what is new or other."""
        items = {key_of(item): item for item in listed}
        gone = [self.remove(key) for key in self._objects.keys() - items.keys()]
        came = [self.put(item) for item in items.values()]
        return [seen for each in (*gone, *came) for seen in each]

    def put(self, item: JsonObject) -> list[Seen]:
        """An object as it is now; nothing where this is known already.

        One that was deleted and made again under its name is told as both.
        """
        key = key_of(item)
        before = self._objects.get(key)
        if before is not None and not _same(before, item, "uid"):
            return [*self.remove(key), *self.put(item)]
        item["metadata"].pop("managedFields", None)
        if before is not None and _is_known(before, item):
            return []
        self._objects[key] = item
        return [Seen(key, before, item)]

    def remove(self, key: Key) -> list[Seen]:
        """An object is gone; nothing where it was not known."""
        before = self._objects.pop(key, None)
        return [] if before is None else [Seen(key, before, None)]


def _is_known(before: JsonObject, item: JsonObject) -> bool:
    """Nothing is new; items of a list lack their type. A restored etcd gives a version twice."""
    told = (before.keys() | item.keys()) - {"kind", "apiVersion"}
    return _same(before, item, "resourceVersion") and all(
        before.get(name) == item.get(name) for name in told
    )


def version_of(item: JsonObject) -> int:
    """Its resource version as a number; 0 where that is none."""
    told = str(item["metadata"].get("resourceVersion", ""))
    return int(told) if told.isdecimal() else 0


def _same(one: JsonObject, other: JsonObject, field: str) -> bool:
    return bool(one["metadata"].get(field) == other["metadata"].get(field))
