"""The committed description of the Regent's API.

`python -m regent.api.openapi > docs/openapi/regent.json` writes it; a test says when it is stale.
The Regent serves none: it tells strangers nothing.
"""

from __future__ import annotations

import json
import sys
from typing import Any, cast

from fastapi.openapi.utils import get_openapi

from regent.api.app import create_app
from regent.api.bearer import OPEN_PATHS
from regent.service import Service
from shared.http import PROBLEM_MEDIA_TYPE, ProblemDetails

_REF = "#/components/schemas/ProblemDetails"
_REF_TEMPLATE = "#/components/schemas/{model}"
_FASTAPIS_OWN = ("HTTPValidationError", "ValidationError")


def document() -> dict[str, Any]:
    """OpenAPI 3.1, with the problems and the token that FastAPI cannot know of."""
    nobody = cast("Service", object())
    app = create_app(nobody, token=None, metrics=lambda: b"")
    described = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        routes=app.routes,
        separate_input_output_schemas=False,
    )
    components = described.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in _FASTAPIS_OWN:
        schemas.pop(name, None)
    problem = ProblemDetails.model_json_schema(by_alias=True, ref_template=_REF_TEMPLATE)
    schemas.update(problem.pop("$defs"))
    schemas["ProblemDetails"] = problem
    schemas["PasswordEntry"]["properties"]["verifier"] = {
        "anyOf": [{"type": "string"}, {"const": True}],
        "description": "A SCRAM-SHA-256 verifier in a push; only `true` in an answer.",
    }
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for path, operations in described["paths"].items():
        for operation in operations.values():
            _describe_problems(operation, is_open=path in OPEN_PATHS)
    return described


def text() -> str:
    """As committed: sorted, so that a change of order is no change."""
    return json.dumps(document(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _describe_problems(operation: dict[str, Any], *, is_open: bool) -> None:
    responses = operation["responses"]
    if not is_open:
        operation["security"] = [{"token": []}]
        responses.setdefault("401", {"description": "The token is missing or unknown."})
    for status, response in responses.items():
        if status.startswith(("4", "5")):
            if response.get("description") == "Validation Error":
                response["description"] = "Refused, with every problem."
            response["content"] = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": _REF}}}


if __name__ == "__main__":
    sys.stdout.write(text())
