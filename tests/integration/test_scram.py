"""Our verifiers against real servers: they log in with them, and ours fit theirs."""

from __future__ import annotations

import asyncpg
import pytest

from shared.names import quote_literal
from shared.scram import build, fits
from shared.state import Verifier
from tests.postgres.server import PostgresServer

PASSWORDS = (
    "plain",
    " quote's \\ and $1 ",
    "pässwörd",
    "密码",
    "e\u0301 decomposed",
    "Ⅸ ª \uff46ullwidth",
    "soft\u00adhyphen",
    "no\u00a0break",
    "\u0627\u0628",
    "\u0627 mixed directions",
    "🔒 unassigned in Unicode 3.2",
)
ODD = ("a\u200bb", "a\u0340b", "é\u0007", "\u00ad", "\ue000", "\ufb1d1", "\U0002f868", "\u2028x")


@pytest.mark.every_version
@pytest.mark.rule("19")
async def test_a_user_logs_in_with_the_password_of_our_verifier(server: PostgresServer) -> None:
    admin = await server.connect()
    try:
        await admin.execute("CREATE ROLE of_scram LOGIN")
        for password in PASSWORDS:
            await admin.execute(f"ALTER ROLE of_scram PASSWORD '{build(password).value}'")
            user = await server.connect(user="of_scram", password=password)
            await user.close()
            with pytest.raises(asyncpg.InvalidPasswordError):
                await server.connect(user="of_scram", password=password + "!")
    finally:
        await admin.close()


@pytest.mark.every_version
@pytest.mark.rule("19")
async def test_a_password_fits_the_verifier_that_the_server_made_of_it(
    server: PostgresServer,
) -> None:
    """Also where PostgreSQL leaves the RFC, and other clients with it."""
    admin = await server.connect()
    try:
        await admin.execute("SET password_encryption = 'scram-sha-256'")
        await admin.execute("CREATE ROLE of_scram LOGIN")
        for password in (*PASSWORDS, *ODD):
            await admin.execute(f"ALTER ROLE of_scram PASSWORD {quote_literal(password)}")
            stored = await admin.fetchval(
                "SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolname = 'of_scram'"
            )
            assert fits(password, Verifier(stored)), ascii(password)
            assert not fits(password + "!", Verifier(stored))
    finally:
        await admin.close()


@pytest.mark.every_version
@pytest.mark.rule("19")
async def test_the_server_takes_a_malformed_verifier_for_a_clear_password(
    server: PostgresServer,
) -> None:
    """Why such a value must never be sent."""
    malformed = build("x").value[:-8]
    admin = await server.connect()
    try:
        await admin.execute(f"CREATE ROLE of_scram LOGIN PASSWORD '{malformed}'")
        user = await server.connect(user="of_scram", password=malformed)
        await user.close()
    finally:
        await admin.close()
