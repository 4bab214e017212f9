"""Request bodies: gzip is accepted, and none is longer than the limit, sent or inflated."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from regent.api.problems import problem

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_GZIP = 16 + zlib.MAX_WBITS


class _NotAcceptableBody(Exception):
    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


class BoundedBody:
    """Reads a request's whole body, inflates it, and hands it on in one piece."""

    def __init__(self, app: ASGIApp, *, largest: int) -> None:
        self._app = app
        self._largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on with the whole body, or answer why not."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "DELETE", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        try:
            body = await self._read(headers, receive)
        except _NotAcceptableBody as refused:
            await refused.answer(scope, receive, send)
            return
        if body is None:
            return
        kept = [
            (name, value)
            for name, value in scope["headers"]
            if name not in (b"content-encoding", b"content-length")
        ]
        kept.append((b"content-length", str(len(body)).encode()))
        await self._app({**scope, "headers": kept}, _replay(body, receive), send)

    async def _read(self, headers: dict[bytes, bytes], receive: Receive) -> bytes | None:
        """The whole body; None when the client went away."""
        encoding = headers.get(b"content-encoding", b"identity").strip().lower()
        if encoding not in (b"identity", b"gzip"):
            raise _NotAcceptableBody(
                problem(
                    415,
                    "BadEncoding",
                    "The body has a Content-Encoding that this Regent does not read.",
                    "Send it as it is, or with gzip.",
                )
            )
        if headers.get(b"content-length", b"0").isdigit() and (
            int(headers.get(b"content-length", b"0")) > self._largest
        ):
            raise self._too_large()
        pieces: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            piece = message.get("body", b"")
            size += len(piece)
            if size > self._largest:
                raise self._too_large()
            pieces.append(piece)
            if not message.get("more_body", False):
                break
        body = b"".join(pieces)
        return self._inflated(body) if encoding == b"gzip" else body

    def _inflated(self, body: bytes) -> bytes:
        stream = zlib.decompressobj(_GZIP)
        try:
            inflated = stream.decompress(body, self._largest + 1)
        except zlib.error:
            raise _broken_gzip() from None
        if len(inflated) > self._largest:
            raise self._too_large()
        if not stream.eof or stream.unused_data:
            raise _broken_gzip()
        return inflated

    def _too_large(self) -> _NotAcceptableBody:
        return _NotAcceptableBody(
            problem(
                413,
                "TooLarge",
                f"The body is longer than {self._largest} bytes.",
                "Declare fewer resources for one Regent.",
            )
        )


def _broken_gzip() -> _NotAcceptableBody:
    return _NotAcceptableBody(
        problem(400, "BadEncoding", "The body is not the one gzip stream that its header says.")
    )


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body first, then whatever comes, which is the client's going away."""
    is_sent = False

    async def next_message() -> Message:
        nonlocal is_sent
        if is_sent:
            return await receive()
        is_sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return next_message
