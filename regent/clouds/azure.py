"""Azure Database for PostgreSQL: an access token of Microsoft Entra for its databases.

https://learn.microsoft.com/en-us/azure/postgresql/flexible-server/how-to-connect-with-managed-identity
"""

from __future__ import annotations

from datetime import UTC, datetime

from azure.identity import DefaultAzureCredential

from regent.server.tokens import Token

SCOPE = "https://ossrdbms-aad.database.windows.net/.default"


def token() -> Token:
    """Of the first credential that DefaultAzureCredential finds; for up to a day."""
    with DefaultAzureCredential() as credential:
        found = credential.get_token(SCOPE)
    return Token(found.token, datetime.fromtimestamp(found.expires_on, UTC))
