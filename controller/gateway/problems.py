"""Every answer of the gateway that is not the one asked for is an RFC 9457 problem."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi.responses import JSONResponse, Response

from shared.http import PROBLEM_MEDIA_TYPE, PROBLEM_TYPES


def problem(
    status: int, reason: str, detail: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The response; `reason` is for machines, `detail` for people."""
    body = {
        "type": f"{PROBLEM_TYPES}{reason}",
        "status": status,
        "reason": reason,
        "detail": detail,
    }
    return JSONResponse(body, status_code=status, media_type=PROBLEM_MEDIA_TYPE, headers=headers)
