"""Deletions whose finalizers were removed before their Regent had heard of them: in a ConfigMap.

A finalizer that goes after 15 or 45 seconds takes the resource with it. Without this memory the
Regent would find it *vanished* when it is back, and go on giving what was deleted (rule 20).

There is one writer at a time, and each write names the version that it replaces: what another
controller wrote meanwhile, such as a leader that was frozen, is read again and kept.

To remember has to be written before anything else may go on; to forget has not: what cannot be
written counts as forgotten in this term, and is written later.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import CONFIG_MAP, JsonObject
from controller.kube.retries import Retries
from controller.names import MANAGED_BY, MANAGER
from shared.errors import PostgRegentError
from shared.keys import ResourceKey
from shared.logging import get_logger

log = get_logger(__name__)
NAME = "postgregent-departures"
CREATOR = "postgregent-creator"
"""A field manager of its own: what it applies to an existing ConfigMap removes no data."""
COMPRESSED = "departures.json.gz"
READABLE_BYTES = 256 * 1024
"""As plain text up to here: for people. Beyond it compressed: 5,000 long names are 0.9 MB."""
LARGEST_BYTES = 1_000_000
"""The API server takes 1 MiB of a ConfigMap."""
TRIES = 20

Known: TypeAlias = Mapping[ResourceKey, frozenset[ResourceKey]]
"""What is gone and still has to be told, by Regent."""


class DeparturesFull(PostgRegentError):
    """More deletions wait for Regents that are away than one ConfigMap can hold."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """The ConfigMap as it was read or written last."""

    version: str
    places: frozenset[str]
    known: Known

    @classmethod
    def of(cls, found: JsonObject) -> _Stored:
        data, binary = found.get("data") or {}, found.get("binaryData") or {}
        version = str(found["metadata"]["resourceVersion"])
        return cls(version, frozenset(data) | frozenset(binary), read(data, binary))


class Departures:
    """What is gone and still has to be told, by Regent."""

    def __init__(
        self,
        api: KubeApi,
        namespace: str,
        name: str = NAME,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.trouble = ""
        """Why the last write failed; empty where it did not."""
        self._api = api
        self._namespace = namespace
        self._name = name
        self._known: Known = {}
        self._stored: _Stored | None = None
        """None while it has to be read (again)."""
        self._forgotten: Known = {}
        """Those of `_known` that count no more, and still have to be written."""
        self.retries: Retries[None] = Retries(clock)
        """Of what could not be forgotten."""
        self._writing = asyncio.Lock()

    @property
    def known(self) -> Known:
        """By Regent, as it was read or written last, without what was forgotten since."""
        return _without(self._known, self._forgotten) if self._forgotten else self._known

    def all(self) -> frozenset[ResourceKey]:
        """Of all Regents."""
        return frozenset().union(*self.known.values())

    async def load(self) -> None:
        """Read what was remembered before; raises ApiError where that cannot be known."""
        async with self._writing:
            try:
                found = await self._api.get(CONFIG_MAP, self._namespace, self._name)
            except ApiError as error:
                if not error.is_not_found:
                    raise
                self._stored, self._known = None, {}
            else:
                self._take(found)

    async def remember(self, gone: Mapping[ResourceKey, Iterable[ResourceKey]]) -> None:
        """Add all of these, by Regent. It is written when this returns: then finalizers may go."""
        added = {regent: frozenset(keys) for regent, keys in gone.items()}
        self._forgotten = _without(self._forgotten, added)

        await self._change(lambda known: _together(known, added))

    async def forget(self, done: Known) -> None:
        """These were told, or are there again. At once here, and written as soon as it can be."""
        self._forgotten = _common(_together(self._forgotten, done), self._known)
        if not self._forgotten:
            self.retries.succeeded(None)
            return
        if not self.retries.is_due(None):
            return
        try:
            await self._change(lambda known: _without(known, self._forgotten))
        except PostgRegentError as error:
            self.retries.failed(None)
            log.warning("departures cannot be forgotten yet", problem=str(error))
        else:
            self.retries.succeeded(None)

    async def _change(self, edit: Callable[[Known], Known]) -> None:
        """Write what `edit` makes of what is stored, as it is stored now."""
        try:
            await self._write_change(edit)
        except PostgRegentError as error:
            self.trouble = str(error)
            raise
        self.trouble = ""

    async def _write_change(self, edit: Callable[[Known], Known]) -> None:
        async with self._writing:
            for tries_left in reversed(range(TRIES)):
                stored = self._stored or await self._read()
                known = edit(stored.known)
                if known == stored.known:
                    return
                # Whatever becomes of the write: what is stored then is what counts.
                self._stored = None
                try:
                    self._take(await self._write(stored, known))
                except ApiError as error:
                    if not (error.is_conflict or error.is_not_found) or not tries_left:
                        raise
                    log.info("departures were changed by somebody else", problem=str(error))
                else:
                    return

    async def _read(self) -> _Stored:
        """As it is now; made where it is not there."""
        try:
            found = await self._api.get(CONFIG_MAP, self._namespace, self._name)
        except ApiError as error:
            if not error.is_not_found:
                raise
            body = {"metadata": {"labels": {MANAGED_BY: MANAGER}}}
            found = await self._api.apply(
                CONFIG_MAP, self._namespace, self._name, body, field_manager=CREATOR
            )
        return self._take(found)

    async def _write(self, stored: _Stored, known: Known) -> JsonObject:
        content = written(known)
        kept = {place for values in content.values() for place in values}
        removed = dict.fromkeys(stored.places - kept)
        body = {
            "metadata": {"resourceVersion": stored.version},
            "data": removed | content["data"],
            "binaryData": removed | content["binaryData"],
        }
        return await self._api.patch(CONFIG_MAP, self._namespace, self._name, body)

    def _take(self, found: JsonObject) -> _Stored:
        stored = _Stored.of(found)
        self._stored, self._known = stored, stored.known
        self._forgotten = _common(self._forgotten, self._known)
        return stored


def _without(known: Known, less: Known) -> Known:
    """What is left of `known`."""
    left = {regent: keys - less.get(regent, frozenset()) for regent, keys in known.items()}
    return {regent: keys for regent, keys in left.items() if keys}


def _common(one: Known, other: Known) -> Known:
    """What is in both."""
    both = {regent: keys & other.get(regent, frozenset()) for regent, keys in one.items()}
    return {regent: keys for regent, keys in both.items() if keys}


def _together(one: Known, other: Known) -> Known:
    """What is in either."""
    regents = one.keys() | other.keys()
    all_of = {key: one.get(key, frozenset()) | other.get(key, frozenset()) for key in regents}
    return {regent: keys for regent, keys in all_of.items() if keys}


def written(known: Known) -> dict[str, dict[str, str]]:
    """`data` and `binaryData` of the ConfigMap, whose keys hold no slash. Raises DeparturesFull."""
    texts = {
        f"{regent.namespace}_{regent.name}": json.dumps(sorted(map(str, keys)))
        for regent, keys in sorted(known.items())
    }
    if sum(len(place) + len(text) for place, text in texts.items()) <= READABLE_BYTES:
        return {"data": texts, "binaryData": {}}
    packed = gzip.compress(json.dumps(texts).encode(), mtime=0)
    if len(packed) > LARGEST_BYTES:
        count = sum(map(len, known.values()))
        raise DeparturesFull(
            f"{count} deletions wait for Regents that are away, and no more can be remembered.",
            way_out="Bring the Regents' servers back, or uninstall those that stay away.",
        )
    return {"data": {}, "binaryData": {COMPRESSED: base64.b64encode(packed).decode()}}


def read(data: Mapping[str, str], binary: Mapping[str, str]) -> Known:
    """The other way round; what somebody else wrote there is left out."""
    known: dict[ResourceKey, frozenset[ResourceKey]] = {}
    for place, text in {**_unpacked(binary), **data}.items():
        namespace, _, name = place.partition("_")
        try:
            keys = frozenset(ResourceKey.parse(one) for one in json.loads(text))
        except (ValueError, TypeError, AttributeError):
            log.warning("departures cannot be read, and are left out", place=place)
            continue
        if namespace and name and keys:
            known[ResourceKey("Regent", namespace, name)] = keys
    return known


def _unpacked(binary: Mapping[str, str]) -> dict[str, Any]:
    try:
        packed = base64.b64decode(binary.get(COMPRESSED, ""))
        found = json.loads(gzip.decompress(packed)) if packed else {}
    except (ValueError, OSError, EOFError):
        log.warning("departures cannot be read, and are left out", place=COMPRESSED)
        return {}
    return found if isinstance(found, dict) else {}
