"""The desired state in, and what is accepted of it out."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from regent.api.large_bodies import described, read
from regent.api.preconditions import quoted, replaced_etag
from regent.api.problems import ProblemError
from regent.service import Service
from shared.consent import Consent
from shared.http import (
    HAD_DISABLED_HEADER,
    HAD_IN_FORCE_HEADER,
    HAD_STATE_HEADER,
    LONGEST_NAMES,
    AcceptanceBody,
    ApproveBody,
    PassBody,
    PlanBody,
    ReleaseBody,
    UninstalledBody,
    VerifiersBody,
)
from shared.state import REVEAL, DesiredState

IN_FORCE = r"^\S{1,64} [0-9]{1,18}$"


def _names_in(text: str | None) -> tuple[str, ...]:
    """None where it is no list of names: what is not understood is not lost, only not told."""
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return ()
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()


def state_routes(service: Service) -> APIRouter:
    """Push, read back, plan, reconcile, release, accept."""
    router = APIRouter(prefix="/v1", tags=["state"])

    @router.put(
        "/state",
        status_code=202,
        response_class=Response,
        summary="Replace the desired state, whole",
        responses={
            202: {"description": "Stored; a pass is on its way. ETag names the state."},
            400: {"description": "The precondition or the encoding cannot be read."},
            409: {
                "description": "TakeoverNeeded: the accepted state came from elsewhere, or is"
                " newer than this one. The detail names the token that lets it in. InRecovery: the"
                " server is a standby, where nothing can be remembered."
            },
            412: {"description": "Stale: another state is accepted than If-Match names."},
            413: {"description": "The body is too long."},
            422: {"description": "Refused whole, with every problem. Nothing changed."},
            428: {"description": "Neither If-Match nor If-None-Match was sent."},
        },
        openapi_extra=described(DesiredState),
    )
    async def put_state(
        request: Request,
        if_match: Annotated[str | None, Header(description="ETag that this push replaces.")] = None,
        if_none_match: Annotated[str | None, Header(description="`*` for the first push.")] = None,
        had_state: Annotated[
            str | None,
            Header(
                alias=HAD_STATE_HEADER,
                max_length=64,
                description="On the first push: the system identifier of the server on which this"
                " Regent is remembered to have had a state, or `unknown`.",
            ),
        ] = None,
        had_disabled: Annotated[
            str | None,
            Header(
                alias=HAD_DISABLED_HEADER,
                max_length=LONGEST_NAMES,
                description="Beside it: roles that nobody declares and whose LOGIN it had taken"
                " there, a JSON list in ASCII.",
            ),
        ] = None,
        had_in_force: Annotated[
            str | None,
            Header(
                alias=HAD_IN_FORCE_HEADER,
                pattern=IN_FORCE,
                description="On a later push: the system identifier of the server and, after a"
                " space, the newest revision that this Regent was seen to have in force there."
                " Where it remembers an older one, and a person approves, nothing is approved.",
            ),
        ] = None,
    ) -> Response:
        state = await read(request, DesiredState)
        replaced = replaced_etag(if_match, if_none_match)
        server, _, revision = (had_in_force or "").partition(" ")
        etag = await service.accept(
            state,
            if_match=replaced,
            had_state=had_state,
            had_disabled=_names_in(had_disabled),
            had_in_force=(server, int(revision)) if revision else None,
        )
        return Response(status_code=202, headers={"ETag": quoted(etag)})

    @router.get(
        "/state",
        response_model=DesiredState,
        response_model_exclude_none=True,
        summary="The accepted state; a verifier shows as true",
        responses={404: {"description": "NoState: nothing was accepted yet."}},
    )
    async def get_state(response: Response) -> DesiredState:
        accepted = await service.state()
        if accepted is None:
            raise ProblemError(
                404,
                "NoState",
                "This Regent has accepted no state yet.",
                "Push one with If-None-Match: *.",
            )
        response.headers["ETag"] = quoted(accepted.etag)
        return accepted.state

    @router.get(
        "/verifiers",
        response_model=VerifiersBody,
        summary="The verifiers in force, for the controller alone",
    )
    async def get_verifiers() -> Response:
        body = VerifiersBody(verifiers=dict(await service.verifiers()))
        return Response(
            body.model_dump_json(by_alias=True, context=REVEAL),
            media_type="application/json",
            headers={"Cache-Control": "no-store"},
        )

    @router.post(
        "/plan",
        response_model=PlanBody,
        response_model_exclude_none=True,
        summary="What a pass would do with this state, or without a body with the accepted one",
        responses={
            404: {"description": "NoState: no body, and nothing was accepted yet."},
            422: {"description": "Refused, with every problem."},
        },
    )
    async def post_plan(state: DesiredState | None = None) -> PlanBody:
        if state is None and await service.state() is None:
            raise ProblemError(
                404, "NoState", "This Regent has accepted no state yet.", "Send one to plan."
            )
        return await service.plan(state)

    @router.post(
        "/reconcile", status_code=202, response_model=PassBody, summary="Ask for a full pass"
    )
    async def post_reconcile() -> PassBody:
        return PassBody(pass_id=await service.reconcile())

    @router.post(
        "/brake/release",
        status_code=202,
        response_class=Response,
        summary="Let exactly these losses through, once",
        responses={
            202: {"description": "A pass takes them away."},
            409: {
                "description": "DigestMismatch: other losses are withheld now, or none. InRecovery."
            },
        },
    )
    async def post_release(release: ReleaseBody) -> Response:
        await service.consent(Consent("Brake", release.digest))
        return Response(status_code=202)

    @router.post(
        "/approval",
        status_code=202,
        response_class=Response,
        summary="Approve exactly this plan, once",
        responses={
            202: {"description": "A pass carries it out, unless it is another plan by then."},
            409: {
                "description": "DigestMismatch: something else waits for approval, or nothing."
                " InRecovery."
            },
        },
    )
    async def post_approval(approval: ApproveBody) -> Response:
        await service.consent(Consent("Approval", approval.digest))
        return Response(status_code=202)

    @router.post(
        "/takeover/accept",
        status_code=202,
        response_class=Response,
        summary="Let exactly this takeover happen",
        responses={
            202: {"description": "A pass goes on, or the push that was refused is let in."},
            409: {
                "description": "TokenMismatch: something else waits now, or nothing. InRecovery."
            },
        },
    )
    async def post_acceptance(acceptance: AcceptanceBody) -> Response:
        await service.consent(Consent("Takeover", acceptance.token))
        return Response(status_code=202)

    @router.post(
        "/uninstall",
        response_model=UninstalledBody,
        summary="Stop for good: triggers and schema off, marks released, roles left as they are",
        responses={503: {"description": "The server cannot be reached; ask again."}},
    )
    async def post_uninstall() -> UninstalledBody:
        return UninstalledBody(done=await service.uninstall())

    return router
