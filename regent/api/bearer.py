"""`/v1` is for whoever knows the token; health and metrics are for everybody."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from regent.api.problems import problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

OPEN_PATHS = frozenset({"/livez", "/readyz", "/metrics"})


class BearerToken:
    """Refuses before a byte of the body is read. Tokens are compared in constant time."""

    def __init__(self, app: ASGIApp, *, token: str) -> None:
        self._app = app
        self._expected = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 401."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS or self._is_known(scope):
            await self._app(scope, receive, send)
            return
        answer = problem(
            401,
            "Unauthorized",
            "The Authorization header holds no token that this Regent knows.",
            "Send the one that the Regent was started with, in the scheme Bearer.",
            headers={"WWW-Authenticate": 'Bearer realm="postgregent"'},
        )
        await answer(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(given) != 1:
            return False
        scheme, _, token = given[0].partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), self._expected)
