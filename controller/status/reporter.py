"""What everybody said becomes status and Events: written when it is news, and only then.

5,000 Users must not mean 5,000 writes a pass (rule 29): what a Regent says is compared with
what it said before, and only resources of which it says something else are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, assert_never

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.events import EventKind, EventRecorder, News, Reference
from controller.kube.kinds import KIND_OF, JsonObject, is_deleting
from controller.kube.owners import owning_users
from controller.kube.queue import KeyedQueue
from controller.regents.heard import Changed, Drifted, Heard, Left, Met, Said, Took
from controller.regents.outcome import approval_words
from controller.regents.vanished import REASON
from controller.status import older_home
from controller.status.noted import noted
from controller.status.older_home import OlderHomes
from controller.status.patch import (
    RegentNews,
    is_news,
    is_ready,
    is_stalled,
    lists,
    ready_condition,
    status_of,
    status_of_regent,
)
from controller.status.rivals import Rivals
from shared.http import ApprovalBody, StatusBody
from shared.keys import ResourceKey
from shared.outcomes import AWAITING_APPROVAL, Outcome

WRITERS = 8
OF_ITS_REGENT = frozenset({"TakeoverNeeded", "InRecovery"})
"""Reasons that hold for all that a Regent serves: told once, of the Regent."""
LACKS = frozenset(
    {
        "SecretNotFound",
        "SecretKeyNotFound",
        "SecretEmpty",
        "SecretUnreadable",
        "SecretNotSelected",
        "RoleNotFound",
        "PermissionNotFound",
    }
)
"""What is named is not there, or not to be read."""
GOING = frozenset({"Uninstalling", "Uninstalled", "LeftInstalled", "NothingInstalled"})
"""Reasons that nobody waits for of a Regent that is deleted: it has last words of its own."""
PASSING_LACK = "NotInForce"
"""Of a Regent whose process is just being started anew: told where it goes on."""
Find = Callable[[ResourceKey], JsonObject | None]


class Reporter:
    """Keeps the status of every resource of ours as it shall be."""

    def __init__(
        self,
        api: KubeApi,
        find: Find,
        regent_news: Callable[[ResourceKey], RegentNews],
        recorder: EventRecorder,
        troubled: Callable[[], None] = lambda: None,
    ) -> None:
        """`troubled` is called when `trouble` begins or ends."""
        self.writes = self.failed = 0
        """Statuses that were written, and writes that failed."""
        self._troubled = troubled
        self._api = api
        self._find = find
        self._regent_news = regent_news
        self._recorder = recorder
        self._queue: KeyedQueue[ResourceKey] = KeyedQueue()
        self._said: dict[ResourceKey, dict[ResourceKey, Outcome]] = {}
        """By the resource, then by the Regent."""
        self._by_regent: dict[ResourceKey, dict[ResourceKey, Outcome]] = {}
        self._own: dict[ResourceKey, Outcome] = {}
        self._withdrawn: set[ResourceKey] = set()
        self._away: frozenset[ResourceKey] = frozenset()
        self._overdue: frozenset[ResourceKey] = frozenset()
        self._to_be_told: set[ResourceKey] = set()
        """Those of `_overdue` of which no Event has told."""
        self._refused: dict[ResourceKey, str] = {}
        """Why the API server does not take the status of these."""
        self.rivals = Rivals()
        self._older = OlderHomes()

    def is_refused(self, key: ResourceKey) -> bool:
        """Whether the API server did not take its last status, and will not take it in a moment."""
        return key in self._refused

    @property
    def trouble(self) -> str:
        """Why statuses cannot be written, of the first that cannot; empty where all can."""
        return next(iter(self._refused.values()), "")

    async def run(self) -> None:
        """Write what is news, for ever."""
        await self._queue.work(self._write, workers=WRITERS)

    def look_at(self, key: ResourceKey) -> None:
        """Something that its status tells may have changed."""
        self._queue.add(key)

    def hear(self, heard: Heard) -> None:
        """Of what Regents say their outcomes and troubles become status."""
        match heard:
            case Said(regent=regent, status=status, is_behind=is_behind):
                self._note_age(regent, status)
                if is_behind:
                    self.look_at(regent)
                else:
                    self.regent_says(regent, status)
            case Changed(regent=regent):
                self.look_at(regent)
            case Left(regent=regent):
                self.regent_is_gone(regent)
            case Met() | Took() | Drifted():
                pass
            case _:
                assert_never(heard)

    def outcomes(self) -> Mapping[ResourceKey, Mapping[ResourceKey, Outcome]]:
        """What each Regent said last, by Regent."""
        return self._by_regent

    def regent_says(self, regent: ResourceKey, status: StatusBody) -> None:
        """A status arrived."""
        new = {ResourceKey.parse(one.resource): one for one in status.resources}
        old = self._by_regent.get(regent, {})
        self._by_regent[regent] = new
        for key in new.keys() | old.keys():
            if new.get(key) != old.get(key):
                self._note(key, regent, new.get(key))
        self._queue.add(regent)

    def _note_age(self, regent: ResourceKey, status: StatusBody) -> None:
        """What it remembers may be older than what its status does."""
        found = self._find(regent)
        if found is None:
            return
        said = self._older.hear(regent, status, found.get("status") or {})
        if said:
            news = News(Reference.to(found), "Warning", older_home.REASON, "Reconcile", said)
            self._recorder.record(news)

    def _news_of(self, regent: ResourceKey) -> RegentNews:
        news = self._regent_news(regent)
        return replace(news, lack=news.lack or self._older.lack_of(regent, news.status))

    def regent_is_gone(self, regent: ResourceKey) -> None:
        """Nothing that it said counts any more."""
        self._older.forget(regent)
        for key in self._by_regent.pop(regent, {}):
            self._note(key, regent, None)

    def are_away(self, away: frozenset[ResourceKey], raw: Mapping[ResourceKey, JsonObject]) -> None:
        """These Regents have not been seen for long: what was Ready there is Unknown."""
        changed, self._away = self._away ^ away, away
        if changed:
            for key, found in raw.items():
                if key.kind != "Regent" and lists(found.get("status") or {}, changed):
                    self._queue.add(key)

    def are_overdue(self, overdue: frozenset[ResourceKey]) -> None:
        """These Regents have not been right for so long that a person is told of it."""
        self._to_be_told = (self._to_be_told & overdue) | (overdue - self._overdue)
        self._overdue = overdue
        for key in self._to_be_told:
            self._queue.add(key)

    def controller_says(self, own: Mapping[ResourceKey, Outcome]) -> None:
        """The outcomes that no Regent will report; those of before are forgotten."""
        before, self._own = self._own, dict(own)
        self._withdrawn = (self._withdrawn | before.keys()) - own.keys()
        for key in before.keys() | own.keys():
            if before.get(key) != own.get(key):
                self._queue.add(key)

    def forget_except(self, kept: Mapping[ResourceKey, Any]) -> None:
        """What is not there any more needs no status."""
        self._withdrawn &= kept.keys()
        self.rivals.forget_except(kept)
        for key in self._refused.keys() - kept.keys():
            self._note_written(key)
        for key in self._said.keys() - kept.keys():
            self._queue.forget(key)
            if not self._said[key]:  # else a Regent still speaks of it, and says it once
                del self._said[key]

    def _note(self, key: ResourceKey, regent: ResourceKey, outcome: Outcome | None) -> None:
        said = self._said.setdefault(key, {})
        if outcome is None:
            said.pop(regent, None)
        else:
            said[regent] = outcome
        self._queue.add(key)

    async def _write(self, key: ResourceKey) -> None:
        found = self._find(key)
        if found is None:
            return
        status = self._status(key, found)
        before = found.get("status") or {}
        if status is None:
            return
        if not is_news(status, before):
            self._tell(key, found, before, status)
            return
        was_fought_over = bool(self.rivals.trouble)
        if pause := self.rivals.seconds_to_wait(key, found, status):
            self._queue.add_after(key, pause)
            if not was_fought_over:
                self._troubled()
            return
        body = {"metadata": {"uid": found["metadata"]["uid"]}, "status": status}
        try:
            answer = await self._api.patch_status(KIND_OF[key.kind], key.namespace, key.name, body)
        except ApiError as error:
            if error.is_not_found or error.is_conflict:
                return  # it is gone, or another one of its name is there: the cache will tell
            self._note_failed(key, error)
            raise
        self._note_written(key)
        self.rivals.wrote(key, status, answer)
        self.writes += 1
        self._tell(key, found, before, status)

    def _note_failed(self, key: ResourceKey, error: ApiError) -> None:
        """What may pass by itself is counted; what is refused is told as well."""
        self.failed += 1
        if error.is_transient:
            return
        is_first = not self._refused
        self._refused.setdefault(key, str(error))
        if is_first:
            self._troubled()

    def _note_written(self, key: ResourceKey) -> None:
        if self._refused.pop(key, None) is not None and not self._refused:
            self._troubled()

    def _status(self, key: ResourceKey, found: JsonObject) -> dict[str, Any] | None:
        now, own = datetime.now(UTC), self._own.get(key)
        if key.kind == "Regent":
            news = self._news_of(key)
            if news.is_unknown and own is None and ready_condition(found.get("status") or {}):
                return None
            return status_of_regent(found, key, news, own, now)
        said, is_withdrawn = self._said.get(key, {}), key in self._withdrawn
        return status_of(found, own, said, now, is_withdrawn=is_withdrawn, away=self._away)

    def _tell(
        self,
        key: ResourceKey,
        found: JsonObject,
        before: Mapping[str, Any],
        status: Mapping[str, Any],
    ) -> None:
        """An Event where a resource became stalled, or ready after it was not.

        Of a Regent also where what is declared is not in force, or it has long not been right.
        """
        for each, why, note in noted(before, status):
            self._record(found, each, why, note)
        if asked := asked_to_approve(before, status):
            about = Reference.to(found)
            self._recorder.record(News(about, asked[0], AWAITING_APPROVAL, "Reconcile", asked[1]))
        kind, after = event_of(before, status), ready_condition(status)
        is_regent = key.kind == "Regent"
        if kind is None and is_regent and self._is_worth_a_warning(key, before, status):
            kind = "Warning"
        self._to_be_told.discard(key)
        if kind is None or (kind == "Warning" and not is_regent and _is_of_its_regent(after)):
            return
        if is_deleting(found) and after["reason"] in GOING:
            return
        self._record(found, kind, str(after["reason"]), str(after["message"]))

    def _record(self, found: JsonObject, kind: EventKind, why: str, note: str) -> None:
        """Of a lease only warnings: it comes and goes, and is counted (ADR 57)."""
        if kind == "Warning" or not any(owning_users(found["metadata"])):
            self._recorder.record(News(Reference.to(found), kind, why, "Reconcile", note))

    def _is_worth_a_warning(
        self, key: ResourceKey, before: Mapping[str, Any], status: Mapping[str, Any]
    ) -> bool:
        """Of a Regent that waits: it may come right by itself, and has not."""
        if is_ready(status) or is_stalled(status):
            return False
        lack, reason = self._news_of(key).lack, ready_condition(status)["reason"]
        is_of_lack = lack is not None and lack.reason == reason != PASSING_LACK
        is_another = ready_condition(before).get("reason") != reason
        is_overdue = key in self._overdue and reason not in GOING
        is_due = is_overdue and key in self._to_be_told
        return is_due or (is_another and (is_of_lack or is_overdue))


def _is_of_its_regent(after: Mapping[str, Any]) -> bool:
    return after["reason"] in OF_ITS_REGENT


def asked_to_approve(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[EventKind, str] | None:
    """What is said once per digest that waits for approval: louder where something would go."""
    was, now = before.get("approval") or {}, after.get("approval") or {}
    digest = now.get("digest")
    if not digest or digest == was.get("digest"):
        return None
    is_loud = now.get("lossCount") or now.get("deletedCount")
    said = approval_words(ApprovalBody.model_validate(now))
    return ("Warning" if is_loud else "Normal"), said


def event_of(before: Mapping[str, Any], after: Mapping[str, Any]) -> EventKind | None:
    """Which Event a change of status is worth. Waiting is none, and neither is the first Ready.

    But where something that was ready lacks what it names: nobody looks at it every day.
    """
    was, now = ready_condition(before), ready_condition(after)
    if now.get("status") == "True":
        return "Normal" if was.get("status") == "False" else None
    if was.get("status") == "True" and now.get("reason") in LACKS:
        return "Warning"
    is_news = was.get("reason") != now.get("reason") or not is_stalled(before)
    if now.get("reason") == REASON and was.get("message") != now.get("message"):
        is_news = True  # something else has vanished as well
    return "Warning" if is_stalled(after) and is_news else None
