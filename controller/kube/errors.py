"""What a request to the API server can end in. Pure."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import msgspec

from controller.kube.kinds import SECRET, JsonObject, Kind
from shared.censor import censor_text
from shared.errors import PostgRegentError

UNREACHABLE = "Unreachable"
TIMEOUT = "Timeout"
MALFORMED = "Malformed"
NO_ANSWER = 0
_LONGEST_MESSAGE = 600
IMMUTABLE = "field is immutable when `immutable` is set"
"""Of a Secret or ConfigMap that nobody may change any more (validation of the API server)."""
_OF_A_RIGHT = re.compile(
    r'''User "[\w:.@-]+" cannot [a-z]+ resource "secrets" in API group ""'''
    r"""(?: in the namespace "[\w.-]+")?"""
    r"""|ValidatingAdmissionPolicy '[\w.-]+' with binding '[\w.-]+' denied request"""
)
"""How the API server itself refuses a Secret: it says who may not, and nothing of what is in it."""


class ApiError(PostgRegentError):
    """The API server refused a request, or did not answer it.

    `status` is the HTTP status, 0 where there was no answer: then the request may have been
    carried out all the same. `reason` is the API's word for it, such as AlreadyExists.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        retry_after_seconds: float | None = None,
        causes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds
        self.causes = causes

    @property
    def is_unanswered(self) -> bool:
        """Nobody knows whether the request was carried out."""
        return self.status == NO_ANSWER

    @property
    def is_transient(self) -> bool:
        """Trying the same again later may help."""
        return self.is_unanswered or self.status == HTTPStatus.TOO_MANY_REQUESTS or self.is_broken

    @property
    def is_broken(self) -> bool:
        """The server failed, not the request."""
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def is_not_found(self) -> bool:
        """No such object, no such kind, or no such namespace."""
        return self.status == HTTPStatus.NOT_FOUND

    @property
    def is_forbidden(self) -> bool:
        """Not for this account, or not while the namespace ends (see `causes`)."""
        return self.status in {HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED}

    @property
    def is_conflict(self) -> bool:
        """Someone else wrote first, holds the field, or made the object."""
        return self.status == HTTPStatus.CONFLICT

    @property
    def is_gone(self) -> bool:
        """The resource version or the page is no longer kept: list again."""
        return self.status == HTTPStatus.GONE or self.reason in {"Expired", "Gone"}

    @property
    def is_namespace_ending(self) -> bool:
        """The namespace is being deleted and takes nothing new."""
        return self.is_forbidden and "NamespaceTerminating" in self.causes

    @property
    def says_nothing_of_objects(self) -> bool:
        """What is asked for is out of reach: that is no news of the objects (rule 17)."""
        return self.is_forbidden or self.is_not_found


def refusal(
    kind: Kind, path: str, status: int, body: bytes, retry_after: str | None = None
) -> ApiError:
    """The error in an answer that is not a 2xx; its body may also be a proxy's page."""
    return from_status(kind, path, _status_object(body) or {"code": status}, retry_after)


def from_status(
    kind: Kind, path: str, said: JsonObject, retry_after: str | None = None
) -> ApiError:
    """The error in a Status object, also as a watch sends it."""
    status = said.get("code")
    status = status if isinstance(status, int) else HTTPStatus.INTERNAL_SERVER_ERROR.value
    details = said.get("details") or {}
    causes = details.get("causes") or ()
    return ApiError(
        status,
        said.get("reason") or _phrase(status),
        f"{path}: {status} {_message(kind, said, causes)}",
        retry_after_seconds=_seconds(retry_after, details),
        causes=tuple(str(cause.get("reason", "")) for cause in causes),
    )


def unreachable(path: str, problem: BaseException) -> ApiError:
    """No connection, or it broke before the answer was there."""
    said = str(problem) or type(problem).__name__
    return ApiError(NO_ANSWER, UNREACHABLE, f"{path}: {censor_text(said)}")


def timed_out(path: str, seconds: float) -> ApiError:
    """Nothing came for so long."""
    return ApiError(NO_ANSWER, TIMEOUT, f"{path}: no answer within {seconds:g} s")


def malformed(path: str, what: str) -> ApiError:
    """What came is not what the API sends."""
    return ApiError(NO_ANSWER, MALFORMED, f"{path}: {what}")


def _message(kind: Kind, said: JsonObject, causes: Any) -> str:
    """What the server says; of a Secret the fields and what can quote no value of it."""
    text = str(said.get("message") or said.get("reason") or _phrase(said.get("code")))
    if kind == SECRET:
        fields = ", ".join(str(cause.get("field", "")) for cause in causes)
        words = f"{said.get('reason') or 'refused'} {fields}".strip()
        known = _OF_A_RIGHT.search(text)
        more = known.group() if known else IMMUTABLE if IMMUTABLE in text else ""
        return f"{words}: {more}" if more else words
    return censor_text(text)[:_LONGEST_MESSAGE]


def _status_object(body: bytes) -> JsonObject | None:
    try:
        said = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
    is_status = isinstance(said, dict) and said.get("kind") == "Status" and "code" in said
    return said if is_status else None


def _phrase(status: object) -> str:
    try:
        return HTTPStatus(int(str(status))).phrase.replace(" ", "")
    except ValueError:
        return "Unknown"


def _seconds(header: str | None, details: JsonObject) -> float | None:
    """Retry-After; the form with a date is not used by API servers."""
    said = header if header is not None else details.get("retryAfterSeconds")
    try:
        return max(0.0, float(said)) if said else None
    except ValueError:
        return None
