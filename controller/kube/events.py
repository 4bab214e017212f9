"""Kubernetes Events about our objects: sent from the background, a repetition only counted.

Events are news for people, never state: one that cannot be sent is dropped and counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NoReturn, TypeAlias

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import EVENT, JsonObject
from controller.kube.lease import NotLeader
from shared.censor import censor_text
from shared.logging import get_logger

log = get_logger(__name__)

EventKind: TypeAlias = Literal["Normal", "Warning"]

REPORTER = "putnam120.postgregent/controller"
LONGEST_NOTE_BYTES = 1024
LONGEST_NAME = 253
_LONGEST_INSTANCE = 128
_LONGEST_QUEUE = 1_000
_REMEMBERED = 4_096


@dataclass(frozen=True, slots=True)
class Reference:
    """The object that an Event is about."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str = ""

    @classmethod
    def to(cls, found: JsonObject) -> Reference:
        """To an object that has apiVersion and kind, such as one of ours."""
        metadata = found["metadata"]
        return cls(
            found["apiVersion"],
            found["kind"],
            metadata.get("namespace", ""),
            metadata["name"],
            metadata.get("uid", ""),
        )

    @property
    def event_namespace(self) -> str:
        """The API server takes Events only in the namespace of what they are about."""
        return self.namespace or "default"

    def as_body(self) -> JsonObject:
        """As the API wants it."""
        body = {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "namespace": self.namespace,
            "name": self.name,
            "uid": self.uid,
        }
        return {name: value for name, value in body.items() if value}


@dataclass(frozen=True, slots=True)
class News:
    """What an Event tells. `otherwise` is told of it where `regarding`'s namespace takes none.

    It may be ending, or be gone, or our rights in it went before it.
    """

    regarding: Reference
    type: EventKind
    reason: str
    action: str
    note: str
    otherwise: Reference | None = None


@dataclass(slots=True)
class _Told:
    """An Event that was sent, and how often its news came."""

    namespace: str
    name: str
    last: float
    count: int = 1


class EventRecorder:
    """Takes news at any time and sends them from `run`."""

    def __init__(
        self,
        api: KubeApi,
        *,
        instance: str,
        series_seconds: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`instance` names this process; the same news within `series_seconds` are one series."""
        self.dropped = 0
        self._api = api
        self._instance = instance[:_LONGEST_INSTANCE]
        self._series_seconds = series_seconds
        self._clock = clock
        self._waiting: asyncio.Queue[News] = asyncio.Queue(_LONGEST_QUEUE)
        self._told: OrderedDict[News, _Told] = OrderedDict()

    def record(self, news: News) -> None:
        """At once and without waiting; dropped where too many wait already."""
        try:
            self._waiting.put_nowait(news)
        except asyncio.QueueFull:
            self.dropped += 1

    async def run(self) -> NoReturn:
        """Send what is recorded, for ever."""
        while True:
            await self._take(await self._waiting.get())

    async def flush(self, seconds: float) -> None:
        """Send what still waits, for at most so long: the last words of a process."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._waiting.empty():
                    await self._take(self._waiting.get_nowait())

    async def _take(self, news: News) -> None:
        try:
            await self._send(news)
        except NotLeader:
            # As right after a freeze: the term is over, and what still holds the next leader tells.
            log.info("an event is left to the present leader", reason=news.reason)
        except ApiError as problem:
            self.dropped += 1
            if problem.is_namespace_ending:
                log.info("an event came too late for its namespace", reason=news.reason)
                return
            log.warning("an event could not be sent", reason=news.reason, problem=str(problem))

    async def _send(self, news: News) -> None:
        told, now = self._told.get(news), self._clock()
        if told and now - told.last < self._series_seconds and await self._repeat(told, now):
            return
        about = news.regarding
        try:
            name = await self._create(about, news)
        except ApiError as problem:
            if not problem.says_nothing_of_objects or news.otherwise is None:
                raise
            about = news.otherwise
            name = await self._create(about, news)
        self._told[news] = _Told(about.event_namespace, name, now)
        self._told.move_to_end(news)
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)

    async def _create(self, about: Reference, news: News) -> str:
        body = event_body(news, about, self._instance, datetime.now(UTC))
        await self._api.create(EVENT, about.event_namespace, body)
        return str(body["metadata"]["name"])

    async def _repeat(self, told: _Told, now: float) -> bool:
        """Count it on the Event that was sent; False where that is gone: they last an hour."""
        told.last = now
        told.count += 1
        if not is_worth_telling(told.count):
            return True
        series = {"count": told.count, "lastObservedTime": micro_time(datetime.now(UTC))}
        try:
            await self._api.patch(EVENT, told.namespace, told.name, {"series": series})
        except ApiError as problem:
            if problem.is_not_found:
                return False
            raise
        return True


def is_worth_telling(count: int) -> bool:
    """2, 4, 8, …: how often, without a write each time."""
    return count & (count - 1) == 0


def event_body(news: News, about: Reference, instance: str, now: datetime) -> JsonObject:
    """The Event as events.k8s.io/v1 takes it; what is too long is cut.

    Beside another object its note says whom it is about: kubectl does not show `related`.
    """
    whom, is_beside = news.regarding, about != news.regarding
    note = f"{whom.kind} {whom.namespace}/{whom.name}: {news.note}" if is_beside else news.note
    body: JsonObject = {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.name,
        "metadata": {"namespace": about.event_namespace, "name": _name(news, about, now)},
        "eventTime": micro_time(now),
        "reportingController": REPORTER,
        "reportingInstance": instance,
        "type": news.type,
        "reason": news.reason,
        "action": news.action,
        "note": cut(censor_text(note), LONGEST_NOTE_BYTES),
        "regarding": about.as_body(),
    }
    if is_beside:
        body["related"] = whom.as_body()
    return body


def cut(text: str, longest_bytes: int) -> str:
    """The text, or its beginning with an ellipsis, in so many bytes of UTF-8."""
    if len(text.encode()) <= longest_bytes:
        return text
    return text.encode()[: longest_bytes - 3].decode(errors="ignore") + "…"


def micro_time(moment: datetime) -> str:
    """As Kubernetes writes a MicroTime."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _name(news: News, about: Reference, now: datetime) -> str:
    """Of its own for each Event, and beginning with the object's name, as kubectl shows it."""
    told = repr((news, now.timestamp())).encode()
    suffix = hashlib.blake2b(told, digest_size=8).hexdigest()
    return f"{about.name[: LONGEST_NAME - len(suffix) - 1].rstrip('.-')}.{suffix}"
