"""Bodies of thousands of entries, read and written by pydantic alone.

FastAPI would read them by way of Python's values and write them a second time: a tenth of a second
on the loop, for 2,000 Users.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, TypeVar

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError

from shared.json_text import json_text, sendable

JSON = "application/json"


class Legible(JSONResponse):
    """JSON of the other routes, in which no odd text makes an error."""

    def render(self, content: Any) -> bytes:
        """As its base, but for characters that are none."""
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return sendable(text)


BodyT = TypeVar("BodyT", bound=BaseModel)


def described(body: type[BaseModel]) -> dict[str, Any]:
    """What `openapi_extra` says of a body that is read here; another route must describe it."""
    schema = {"$ref": f"#/components/schemas/{body.__name__}"}
    return {"requestBody": {"required": True, "content": {JSON: {"schema": schema}}}}


async def read(request: Request, body: type[BodyT]) -> BodyT:
    """The body. Raises RequestValidationError with every problem, and 400 for what is no text."""
    try:
        sent = (await request.body()).decode()
    except UnicodeDecodeError:
        raise HTTPException(400, "The body is not UTF-8.") from None
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise RequestValidationError(
            [{"type": "content_type", "loc": ("body",), "msg": f"The body must be {JSON}."}]
        )
    try:
        return await asyncio.to_thread(body.model_validate_json, sent)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise RequestValidationError(found) from None


def written(body: BaseModel) -> Response:
    """The answer, without what is absent."""
    return Response(json_text(body, by_alias=True, exclude_none=True), media_type=JSON)
