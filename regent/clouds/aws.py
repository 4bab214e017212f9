"""RDS and Aurora: a request to connect, signed for this host, port, user and region alone.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import botocore.session
from botocore.config import Config

from regent.server.address import ServerAddress
from regent.server.tokens import Token

LIFETIME = timedelta(minutes=15)
"""Of a token. It ends earlier where the credentials do that signed it: then the server refuses it,
and another one is asked for."""
_PATIENCE = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})


def token(address: ServerAddress, region: str | None) -> Token:
    """Signed here: only the credentials that sign it may be asked for over the network."""
    now = datetime.now(UTC)
    session = botocore.session.Session()
    session.set_default_client_config(_PATIENCE)
    client = session.create_client("rds", region_name=region)
    try:
        value = client.generate_db_auth_token(address.host, address.port, address.admin_user)
    finally:
        client.close()
    return Token(value, now + LIFETIME)
