"""A Regent's API, as the controller uses it. One request each: retries are the caller's."""

from __future__ import annotations

import gzip
import json
import ssl
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, assert_never

import httpx

from controller.regents.answers import (
    HTTP_TROUBLE,
    RegentUnreachable,
    UnexpectedAnswer,
    etag_of,
    expect,
    problem_of,
    read,
    read_history,
    read_resources,
    read_status,
    whole,
)
from shared.consent import Consent
from shared.http import (
    HAD_DISABLED_HEADER,
    HAD_IN_FORCE_HEADER,
    HAD_STATE_HEADER,
    LONGEST_NAMES,
    DriftPage,
    FieldProblem,
    HistoryPage,
    InForce,
    PlanBody,
    StatusBody,
    UninstalledBody,
    VerifiersBody,
)
from shared.state import DesiredState, Verifier, WrittenState

__all__ = ["RegentClient", "RegentUnreachable", "UnexpectedAnswer"]

TIMEOUT_SECONDS = 15.0
"""For each step of an answer, such as its first byte."""
LONGEST_SECONDS = 60.0
"""For a whole answer, after what it may wait."""
_WORTH_COMPRESSING_BYTES = 2_000


@dataclass(frozen=True, slots=True)
class Accepted:
    """The state is stored; the next push names this etag."""

    etag: str


@dataclass(frozen=True, slots=True)
class Stale:
    """The Regent has accepted another state than the one this push replaces."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The Regent cannot accept this state; nothing changed."""

    problems: tuple[FieldProblem, ...]


@dataclass(frozen=True, slots=True)
class TakeoverNeeded:
    """What is accepted is from elsewhere, or newer: a person must let this one replace it."""

    message: str


@dataclass(frozen=True, slots=True)
class InRecovery:
    """Its server is a standby, where no push can be remembered."""

    message: str


PushAnswer = Accepted | Stale | Refused | TakeoverNeeded | InRecovery


@dataclass(frozen=True, slots=True)
class AcceptedState:
    """What the Regent has accepted.

    `resources` are bound to it (rule 1): what it has an entry for. Not what it merely holds: that
    may be news to it, held by every Regent of the namespace.
    """

    etag: str
    resources: frozenset[str]


class RegentClient:
    """The API of one Regent, an async context manager. The token is in no repr and no error."""

    def __init__(
        self,
        base_url: str,
        token: str | None,
        *,
        ssl_context: ssl.SSLContext | None = None,
        server_name: str | None = None,
        before_write: Callable[[], object] = lambda: None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`server_name` is whose certificate is asked for, where the address does not say it.

        `before_write` raises when nothing may be pushed any more.
        """
        self._before_write = before_write
        self._base_url = base_url
        self._extensions = {"sni_hostname": server_name} if server_name else {}
        self._http = httpx.AsyncClient(
            base_url=base_url,
            headers={"Accept-Encoding": "identity"}
            | ({"Authorization": f"Bearer {token}"} if token else {}),
            timeout=TIMEOUT_SECONDS,
            verify=ssl_context if ssl_context is not None else True,
            transport=transport,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        with suppress(*HTTP_TROUBLE):
            await self._http.aclose()

    async def put_state(
        self,
        written: WrittenState,
        *,
        if_match: str | None,
        had_state: str = "",
        had_disabled: Collection[str] = (),
        had_in_force: InForce | None = None,
    ) -> PushAnswer:
        """Push; `if_match` is the etag that this state replaces, None for the first push.

        `had_state` is the server on which the Regent is remembered to have had a state, and
        `had_disabled` are roles whose LOGIN it had taken there. `had_in_force` is told with each
        later push: a Regent that knows of less may be an older copy.
        """
        headers = {"If-None-Match": "*"} if if_match is None else {"If-Match": f'"{if_match}"'}
        if if_match is None and had_state:
            headers[HAD_STATE_HEADER] = had_state
            if had_disabled:
                headers[HAD_DISABLED_HEADER] = _names(had_disabled)
        if if_match is not None and had_in_force is not None:
            headers[HAD_IN_FORCE_HEADER] = "{} {}".format(*had_in_force)
        answer = await self._send("PUT", "/v1/state", body=written.body, headers=headers)
        if answer.status_code == HTTPStatus.ACCEPTED:
            return Accepted(etag_of(answer))
        problem = problem_of(answer)
        match answer.status_code:
            case HTTPStatus.PRECONDITION_FAILED:
                return Stale()
            case HTTPStatus.UNPROCESSABLE_ENTITY if problem:
                return Refused(problem.problems)
            case HTTPStatus.CONFLICT if problem and problem.reason == "TakeoverNeeded":
                return TakeoverNeeded(f"{problem.detail} {problem.way_out}".strip())
            case HTTPStatus.CONFLICT if problem and problem.reason == "InRecovery":
                return InRecovery(f"{problem.detail} {problem.way_out}".strip())
        raise UnexpectedAnswer(answer.status_code, problem)

    async def state(self) -> AcceptedState | None:
        """What the Regent accepted last; None when it has accepted nothing yet."""
        answer = await self._send("GET", "/v1/state")
        problem = problem_of(answer)
        if answer.status_code == HTTPStatus.NOT_FOUND and problem and problem.reason == "NoState":
            return None
        return AcceptedState(etag_of(answer), read_resources(answer))

    async def verifiers(self) -> Mapping[str, Verifier]:
        """The verifiers in force, by the User's key as text."""
        answer = await self._send("GET", "/v1/verifiers")
        return read(answer, VerifiersBody).verifiers

    async def status(self, *, after: int = 0, wait_seconds: float = 0) -> StatusBody | None:
        """The status once its sequence is another than `after`; None when the wait is over."""
        answer = await self._send(
            "GET", "/v1/status", query={"after": after, "wait": wait_seconds}, patience=wait_seconds
        )
        return None if answer.status_code == HTTPStatus.NO_CONTENT else read_status(answer)

    async def drift(self, *, continue_: str | None = None) -> DriftPage:
        """What is not as declared now; one page."""
        query = {"continue": continue_} if continue_ else {}
        return read(await self._send("GET", "/v1/drift", query=query), DriftPage)

    async def history(self, *, after: int = 0, wait_seconds: float = 0) -> HistoryPage:
        """Drift with an id over `after`, oldest first; empty when the wait is over."""
        answer = await self._send(
            "GET",
            "/v1/history",
            query={"after": after, "wait": wait_seconds},
            patience=wait_seconds,
        )
        return read_history(answer)

    async def plan(self, state: DesiredState | None = None) -> PlanBody:
        """What a pass would do with this state, or with the accepted one."""
        body = None if state is None else WrittenState.of(state).body
        return read(await self._send("POST", "/v1/plan", body=body, patience=60), PlanBody)

    async def reconcile(self) -> None:
        """Ask for a full pass."""
        expect(await self._send("POST", "/v1/reconcile"), HTTPStatus.ACCEPTED)

    async def consent(self, given: Consent) -> None:
        """Let exactly this happen, once. UnexpectedAnswer 409: something else waits, or nothing."""
        match given.kind:
            case "Brake":
                path, body = "/v1/brake/release", {"digest": given.digest}
            case "Approval":
                path, body = "/v1/approval", {"digest": given.digest}
            case "Takeover":
                path, body = "/v1/takeover/accept", {"token": given.digest}
            case _:
                assert_never(given.kind)
        answer = await self._send("POST", path, json=body)
        expect(answer, HTTPStatus.ACCEPTED)

    async def uninstall(self) -> tuple[str, ...]:
        """Have it stop for good and take off what it installed; what was done."""
        answer = await self._send("POST", "/v1/uninstall", patience=30)
        return read(answer, UninstalledBody).done

    async def is_ready(self) -> bool:
        """Home database reachable, lock held, connected."""
        try:
            return (await self._send("GET", "/readyz")).status_code == HTTPStatus.OK
        except RegentUnreachable:
            return False

    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        patience: float = 0,
    ) -> httpx.Response:
        if method != "GET":
            self._before_write()
        sent_headers = dict(headers or {})
        if body is not None:
            sent_headers["Content-Type"] = "application/json"
            if len(body) >= _WORTH_COMPRESSING_BYTES:
                body = gzip.compress(body, compresslevel=1)
                sent_headers["Content-Encoding"] = "gzip"
        sending = self._http.stream(
            method,
            path,
            params=query,
            content=body,
            json=json,
            headers=sent_headers,
            extensions=self._extensions,
            timeout=TIMEOUT_SECONDS + patience,
        )
        try:
            async with sending as answer:
                return await whole(answer, LONGEST_SECONDS + patience)
        except HTTP_TROUBLE as error:
            raise RegentUnreachable(
                f"The Regent at {self._base_url} does not answer ({type(error).__name__}).",
                way_out="Look whether it runs, and at its log.",
            ) from error


def _names(names: Collection[str]) -> str:
    """As many of them as a header may be long."""
    kept = list(names)
    while len(text := json.dumps(kept)) > LONGEST_NAMES:
        kept.pop()
    return text
