"""Cloud SQL: an access token of OAuth that is good for logging in, and for nothing else.

https://cloud.google.com/sql/docs/postgres/iam-logins
"""

from __future__ import annotations

from datetime import UTC

import google.auth
from google.auth.transport.requests import Request

from regent.server.tokens import Token

SCOPE = "https://www.googleapis.com/auth/sqlservice.login"


def token() -> Token:
    """Of the Application Default Credentials; for an hour, or less where one is reused."""
    request = Request()
    credentials, _ = google.auth.default(scopes=[SCOPE], request=request)
    credentials.refresh(request)  # type: ignore[no-untyped-call] # the library's own
    expires = credentials.expiry
    return Token(credentials.token or "", expires and expires.replace(tzinfo=UTC))
