"""`/v1/leases`: a service account asks for a lease, renews it, and gives it back (ADR 57)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from fastapi import FastAPI, Header, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ValidationError

from controller.gateway.authorization import Gatekeeper, Refused
from controller.gateway.lease_bodies import AskBody, IssuedBody, RenewBody, RenewedBody
from controller.gateway.problems import problem
from controller.kube.errors import ApiError
from controller.kube.lease import NotLeader
from controller.leases.asking import Denied, LeaseNotInForce, Leases, NotNow
from controller.leases.room import TooMany
from shared.censor import censor_text
from shared.errors import PostgRegentError
from shared.keys import ResourceKey

LARGEST_BODY_BYTES = 4_096
BODY_SECONDS = 10.0
NO_STORE = {"Cache-Control": "no-store"}
BodyT = TypeVar("BodyT", bound=BaseModel)


def add_lease_routes(
    app: FastAPI, leases: Leases, gatekeeper: Gatekeeper, require_leader: Callable[[], None]
) -> None:
    """`gatekeeper` knows tokens for leases; `require_leader` raises where this one is a standby."""
    for error, answer in _PROBLEMS.items():
        app.add_exception_handler(error, answer)

    async def caller(authorization: str) -> str:
        who = await gatekeeper.who(authorization)
        require_leader()
        return who.name

    @app.post(
        "/v1/leases",
        status_code=201,
        response_model=IssuedBody,
        openapi_extra=_described(AskBody),
        summary="Ask for a lease of a User",
    )
    async def ask(request: Request, authorization: str = Header("")) -> Response:
        """The answer comes once the lease is in force. Its password is told this once."""
        who = await caller(authorization)
        body = await _read(request, AskBody)
        user = ResourceKey("User", body.namespace, body.user)
        return _answer(201, IssuedBody.of_issued(await leases.ask(who, user, body.seconds)))

    @app.put(
        "/v1/leases/{namespace}/{name}",
        response_model=RenewedBody,
        openapi_extra=_described(RenewBody),
        summary="Let a lease go on",
    )
    async def renew(
        request: Request, namespace: str, name: str, authorization: str = Header("")
    ) -> Response:
        """Until so long from now, and at most maxTTL from when it was made."""
        who = await caller(authorization)
        body = await _read(request, RenewBody)
        lease = ResourceKey("User", namespace, name)
        return _answer(200, RenewedBody.of(await leases.renew(who, lease, body.seconds)))

    @app.delete("/v1/leases/{namespace}/{name}", status_code=202, summary="Give a lease back")
    async def revoke(namespace: str, name: str, authorization: str = Header("")) -> Response:
        """It is ended: LOGIN and sessions go as soon as its Regents hear of it, then the role."""
        who = await caller(authorization)
        await leases.revoke(who, ResourceKey("User", namespace, name))
        return Response(status_code=202, headers=NO_STORE)


_RETRY_SECONDS = {429: "5", 503: "5"}


def _handler(status: int, reason: str) -> Any:
    async def answer(_request: Request, error: PostgRegentError) -> Response:
        said = censor_text(" ".join(filter(None, (error.message, error.way_out))))
        retry = {"Retry-After": _RETRY_SECONDS[status]} if status in _RETRY_SECONDS else {}
        return problem(status, reason, said, NO_STORE | retry)

    return answer


async def _read(request: Request, body: type[BodyT]) -> BodyT:
    """Raises Refused: for what is too large or too slow, and for what is not such a body."""
    sent = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                sent += chunk
                if len(sent) > LARGEST_BODY_BYTES:
                    said = f"The body is larger than {LARGEST_BODY_BYTES} bytes."
                    raise Refused(413, "TooLarge", said)
    except TimeoutError:
        raise Refused(408, "TooSlow", "The body did not arrive in time.") from None
    try:
        found = body.model_validate_json(bytes(sent) or b"{}")
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'the body'}: {one['msg']}"
            for one in error.errors(include_url=False, include_input=False)
        )
        raise Refused(422, "Refused", censor_text(f"Not what is taken here: {wrong}.")) from None
    if isinstance(found, RenewBody) and found.is_too_short:
        raise Refused(422, "Refused", f"ttl: {found.ttl} is shorter than 60s. Write a longer one.")
    return found


def _described(body: type[BaseModel]) -> dict[str, Any]:
    """What the document says of a body that is read here."""
    schema = {"$ref": f"#/components/schemas/{body.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _answer(status: int, body: BaseModel) -> Response:
    said = body.model_dump(mode="json", by_alias=True, exclude_none=True)
    return JSONResponse(said, status_code=status, headers=NO_STORE)


_PROBLEMS: Mapping[type[PostgRegentError], Any] = {
    Denied: _handler(403, "Forbidden"),
    NotNow: _handler(409, "NotNow"),
    TooMany: _handler(429, "TooMany"),
    LeaseNotInForce: _handler(503, "LeaseNotInForce"),
    NotLeader: _handler(503, "NotReady"),
    ApiError: _handler(503, "NotReady"),
}
