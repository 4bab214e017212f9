"""The committed description of the controller's API of leases.

`python -m controller.gateway.openapi > docs/openapi/controller.json` writes it; a test says when it
is stale. The controller serves none: it tells strangers nothing.
"""

from __future__ import annotations

import json
import sys
from typing import Any, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from controller.gateway.authorization import Gatekeeper
from controller.gateway.lease_bodies import AskBody, RenewBody
from controller.gateway.lease_routes import add_lease_routes
from controller.leases.asking import Leases
from shared.http import PROBLEM_MEDIA_TYPE

_FASTAPIS_OWN = ("HTTPValidationError", "ValidationError")
_PROBLEMS = {
    "401": "The token is missing, unknown, or not for the audience postgregent.",
    "403": "The User is not there, has no leases, or does not list the caller; or it is not the"
    " caller's lease.",
    "503": "Not in force in time, with the words of the status; or this controller is a standby.",
}
_OF_BODIES = {
    "408": "The body did not arrive in time.",
    "409": "The User is disabled, has expired, or has a name that is too long for leases.",
    "413": "The body is too large.",
    "422": "The body is not what is taken here.",
}
_PROBLEM = {
    "title": "Problem",
    "description": "Why a request was not answered as asked (RFC 9457).",
    "type": "object",
    "required": ["type", "status", "reason", "detail"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "integer"},
        "reason": {"type": "string", "description": "CamelCase, for machines."},
        "detail": {"type": "string", "description": "For people, with the way out."},
    },
}


def document() -> dict[str, Any]:
    """OpenAPI 3.1, with the problems and the token that FastAPI cannot know of."""
    nobody = cast("Any", object())
    app = FastAPI(title="PostgRegent controller: leases", openapi_url=None)
    add_lease_routes(app, cast("Leases", nobody), cast("Gatekeeper", nobody), lambda: None)
    described = get_openapi(title=app.title, version="v1", routes=app.routes)
    schemas = described["components"]["schemas"]
    for name in _FASTAPIS_OWN:
        schemas.pop(name, None)
    for body in (AskBody, RenewBody):
        schemas[body.__name__] = body.model_json_schema(by_alias=True)
    schemas["Problem"] = _PROBLEM
    described["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for path, operations in described["paths"].items():
        for verb, operation in operations.items():
            _describe(operation, asks=path == "/v1/leases", has_body=verb != "delete")
    return described


def text() -> str:
    """As committed: sorted, so that a change of order is no change."""
    return json.dumps(document(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _describe(operation: dict[str, Any], *, asks: bool, has_body: bool) -> None:
    operation["security"] = [{"token": []}]
    operation["parameters"] = [
        one for one in operation.get("parameters", ()) if one["name"] != "authorization"
    ]
    responses = operation["responses"]
    responses.pop("422", None)
    problems = _PROBLEMS | (_OF_BODIES if has_body else {})
    if asks:
        problems |= {"429": "As many leases, or requests for them, as there may be."}
    content = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status, said in problems.items():
        responses[status] = {"description": said, "content": content}


if __name__ == "__main__":
    sys.stdout.write(text())
