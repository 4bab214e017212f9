"""A push names the state that it replaces: an old leader cannot undo a newer one (rule 17)."""

from __future__ import annotations

import re

from regent.api.problems import ProblemError

_ETAG = re.compile(r'"([!#-~]+)"')


def replaced_etag(if_match: str | None, if_none_match: str | None) -> str | None:
    """The etag that the push replaces; None for the first push. Raises ProblemError."""
    if if_match is None and if_none_match is None:
        raise ProblemError(
            428,
            "PreconditionRequired",
            "The push does not say which state it replaces.",
            'Send If-Match with the ETag of GET /v1/state, or If-None-Match: "*" for the first.',
        )
    if if_match is not None and if_none_match is not None:
        raise _bad("If-Match and If-None-Match exclude each other.")
    if if_match is None:
        if if_none_match == "*":
            return None
        raise _bad("If-None-Match knows only *, for a Regent that has no state yet.")
    etag = _ETAG.fullmatch(if_match.strip())
    if etag is None:
        raise _bad("If-Match takes exactly one strong ETag in double quotes.")
    return etag[1]


def quoted(etag: str) -> str:
    """As a header's value."""
    return f'"{etag}"'


def _bad(detail: str) -> ProblemError:
    return ProblemError(
        400, "BadPrecondition", detail, "Send one of the two, as GET /v1/state says."
    )
