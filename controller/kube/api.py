"""Requests to the API server: raw JSON in and out, each with a timeout.

The generated client decodes 5,000 Secrets in seconds where msgspec needs milliseconds, has no
timeout of its own, and its Watch cannot be trusted; so of it only the credentials are used.

Long because every verb is a method of its own, and most are a few lines.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeAlias

import aiohttp
import msgspec
from kubernetes_asyncio.client.configuration import Configuration

from controller.kube.answers import (
    Objects,
    as_api_errors,
    items,
    more_after,
    object_in,
    refuse,
    version,
)
from controller.kube.connection import authorization, credentials, open_session
from controller.kube.errors import ApiError
from controller.kube.giving_up import reset_when_given_up
from controller.kube.kinds import JsonObject, Kind
from controller.kube.stream import Lines
from controller.kube.timely import TimelyBody

FIELD_MANAGER = "postgregent"
REQUEST_SECONDS = 15.0
PAGE = 500

MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
_APPLY_PATCH = "application/apply-patch+yaml"  # JSON is YAML

LineBatch: TypeAlias = list[bytes]


@dataclass(frozen=True)
class KubeApi:
    """One API server. Errors are ApiError, also where nobody answers.

    `seconds_to_write` is asked right before each request that changes something: what it raises
    is raised and nothing is sent, and the request ends within what it answers. It is asked again
    when the connection is there.
    """

    session: aiohttp.ClientSession = field(repr=False)
    configuration: Configuration = field(repr=False)
    request_seconds: float = REQUEST_SECONDS
    seconds_to_write: Callable[[], float] | None = field(default=None, repr=False)

    @classmethod
    @contextlib.asynccontextmanager
    async def connect(
        cls,
        kubeconfig: str | None = None,
        context: str | None = None,
        *,
        request_seconds: float = REQUEST_SECONDS,
    ) -> AsyncIterator[Self]:
        """Open a session; NoCluster where there is no way to one. Nothing is asked yet."""
        async with credentials(kubeconfig, context) as found, open_session(found) as session:
            yield cls(session, found, request_seconds)

    def writing_while(self, seconds_left: Callable[[], float]) -> KubeApi:
        """The same server over the same session, for one who must be leader to write."""
        return dataclasses.replace(self, seconds_to_write=seconds_left)

    async def get(self, kind: Kind, namespace: str | None, name: str) -> JsonObject:
        """One object, as it is now."""
        return await self._ask(kind, "GET", kind.path(namespace, name))

    async def list(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> tuple[Objects, str]:
        """All objects at one moment, and the resource version to watch from.

        By pages; when the pages expire meanwhile, once more in one piece.
        """
        path = kind.path(namespace)
        selected = _without_none(labelSelector=label_selector, fieldSelector=field_selector)
        try:
            return await self._pages(kind, path, selected)
        except ApiError as problem:
            if not problem.is_gone:
                raise
        whole = await self._ask(kind, "GET", path, query=selected)
        return items(whole, path), version(whole, path)

    async def create(self, kind: Kind, namespace: str | None, body: JsonObject) -> JsonObject:
        """A new object; ApiError with `is_conflict` where it is there already."""
        return await self._ask(kind, "POST", kind.path(namespace), body=body, query=_MANAGER)

    async def replace(
        self, kind: Kind, namespace: str | None, name: str, body: JsonObject
    ) -> JsonObject:
        """Put an object whole; with a resourceVersion in it, only over that version."""
        return await self._ask(kind, "PUT", kind.path(namespace, name), body=body, query=_MANAGER)

    async def apply(
        self,
        kind: Kind,
        namespace: str | None,
        name: str,
        body: JsonObject,
        *,
        field_manager: str = FIELD_MANAGER,
        force: bool = True,
    ) -> JsonObject:
        """Server-side apply: the object is made, or has these fields; what we gave up goes."""
        return await self._apply(kind, kind.path(namespace, name), name, body, field_manager, force)

    async def patch_status(
        self,
        kind: Kind,
        namespace: str | None,
        name: str,
        body: JsonObject,
        *,
        field_manager: str = FIELD_MANAGER,
    ) -> JsonObject:
        """Server-side apply of `{"status": …}`; an object that is not there is not made.

        With a `metadata.resourceVersion` in the body it fails (`is_conflict`) on any other
        version; a uid is not compared for custom resources.
        """
        path = kind.path(namespace, name, "status")
        return await self._apply(kind, path, name, body, field_manager, force=True)

    async def patch(
        self,
        kind: Kind,
        namespace: str | None,
        name: str,
        body: JsonObject | Objects,
        *,
        field_manager: str = FIELD_MANAGER,
        subresource: str | None = None,
    ) -> JsonObject:
        """A JSON patch where the body is a list, a merge patch otherwise."""
        return await self._ask(
            kind,
            "PATCH",
            kind.path(namespace, name, subresource),
            body=body,
            content_type=JSON_PATCH if isinstance(body, list) else MERGE_PATCH,
            query={"fieldManager": field_manager},
        )

    async def delete(
        self,
        kind: Kind,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
        propagation: str = "Background",
    ) -> None:
        """Ask for its end; with a uid, only of that very object. ApiError where it is gone."""
        only = _without_none(uid=uid, resourceVersion=resource_version)
        options: JsonObject = {"propagationPolicy": propagation}
        if only:
            options["preconditions"] = only
        await self._ask(kind, "DELETE", kind.path(namespace, name), body=options)

    async def watch_lines(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        resource_version: str,
        timeout_seconds: int,
        inactivity_seconds: float,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> AsyncGenerator[LineBatch, None]:
        """Lines of a watch, those that arrived together in one list; close it with `aclosing`.

        It ends when the server ends it, after about `timeout_seconds`. ApiError where the server
        refuses, the connection breaks, or not even a bookmark comes for `inactivity_seconds`.
        """
        path = kind.path(namespace)
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(timeout_seconds),
            **_without_none(labelSelector=label_selector, fieldSelector=field_selector),
        }
        quiet = aiohttp.ClientTimeout(
            total=None, sock_connect=self.request_seconds, sock_read=inactivity_seconds
        )
        lines = Lines()
        with as_api_errors(path, inactivity_seconds):
            async with self._request("GET", path, query=query, quiet=quiet) as answer:
                await refuse(kind, path, answer)
                async for chunk in answer.content.iter_any():
                    if whole := [*lines.feed(chunk)]:
                        yield whole

    async def _pages(
        self, kind: Kind, path: str, selected: Mapping[str, str]
    ) -> tuple[Objects, str]:
        found: Objects = []
        query = {**selected, "limit": str(PAGE)}
        while True:
            page = await self._ask(kind, "GET", path, query=query)
            found += items(page, path)
            more = more_after(page)
            if not more:
                return found, version(page, path)
            query["continue"] = more

    async def _apply(
        self, kind: Kind, path: str, name: str, body: JsonObject, manager: str, force: bool
    ) -> JsonObject:
        whole = {
            **body,
            "apiVersion": kind.api_version,
            "kind": kind.name,
            "metadata": {**body.get("metadata", {}), "name": name},
        }
        return await self._ask(
            kind,
            "PATCH",
            path,
            body=whole,
            content_type=_APPLY_PATCH,
            query={"fieldManager": manager, "force": "true" if force else "false"},
        )

    async def _ask(
        self,
        kind: Kind,
        method: str,
        path: str,
        *,
        body: Any = None,
        content_type: str = "application/json",
        query: Mapping[str, str] | None = None,
    ) -> JsonObject:
        """One request and its whole answer, within `request_seconds`."""
        data = None if body is None else msgspec.json.encode(body)
        headers = {"Content-Type": content_type} if data else {}
        with as_api_errors(path, self.request_seconds):
            async with self._request(
                method, path, query=query or {}, data=data, headers=headers
            ) as answer:
                await refuse(kind, path, answer)
                said = await answer.read()
        return object_in(said, path)

    @contextlib.asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str],
        quiet: aiohttp.ClientTimeout | None = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        found = self.configuration
        shown = await authorization(found, path)
        seconds = self.request_seconds
        timely: bytes | TimelyBody | None = data
        if method != "GET" and self.seconds_to_write:
            seconds = min(seconds, self.seconds_to_write())
            timely = TimelyBody(data or b"", self.seconds_to_write)
        request = self.session.request(
            method,
            f"{found.host}{path}",
            params=query,
            data=timely,
            headers={**_PLAIN, **(headers or {}), **shown},
            # aiohttp would give a request of more than 5 s up to a second more.
            timeout=quiet or aiohttp.ClientTimeout(total=seconds, ceil_threshold=math.inf),
            allow_redirects=False,  # a redirect would take our token elsewhere
            proxy=found.proxy,
            server_hostname=found.tls_server_name,
        )
        with reset_when_given_up():
            async with request as answer:
                yield answer


_MANAGER = {"fieldManager": FIELD_MANAGER}
_PLAIN = {"Accept": "application/json", "Accept-Encoding": "identity"}
"""Without gzip: inside a cluster it costs both sides more time than it saves."""


def _without_none(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}
