"""A cloud's token goes to the server that is meant; who writes a Regent names no other place."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from regent.clouds.asking import Cloud
from regent.server.connect import CannotConnectError
from regent.server.tokens import Token
from regent.settings import ServerSettings, connector_of
from shared.resources.regent import Authentication
from tests.integration.false_server import false_server, request
from tests.tls import Authority

IN_CLEAR_TEXT = request(3)


@pytest.mark.found("E350")
@pytest.mark.parametrize(
    "authority", [None, Authority()], ids=["the system's", "one that is named"]
)
async def test_a_false_server_without_tls_is_given_no_token(
    authority: Authority | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks as the clouds' servers do. The twin is in tests/integration/test_cloud_tokens.py."""

    async def gives(_: Cloud) -> Token:
        return Token("canary-token")

    monkeypatch.setattr(Cloud, "ask", gives)
    async with false_server(IN_CLEAR_TEXT) as false:
        settings = ServerSettings(
            host="127.0.0.1",
            port=false.port,
            admin_user="my-admin",
            ca_pem=authority and authority.pem,
            authentication=Authentication.model_validate({"provider": "Azure"}),
        )
        with pytest.raises(CannotConnectError):
            await connector_of(settings).connect("mydb", purpose="work")
        await false.served.wait()
    assert b"canary-token" not in false.heard


@pytest.mark.found("E350")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("region", "eu-central-1.evil.example/"),
        ("region", "evil.example"),
        ("region", "x@evil"),
        ("region", "eu-central-1\n"),
        ("identity", "a\nb"),
        ("identity", "a b"),
        ("endpoint", "https://evil.example"),
    ],
)
def test_who_writes_a_regent_says_no_place_where_a_token_is_asked_for(
    field: str, value: str
) -> None:
    """A region becomes a part of a host name, to which the pod's own proof of identity is sent."""
    said: dict[str, Any] = {"provider": "AWS", field: value}
    with pytest.raises(ValidationError):
        Authentication.model_validate(said)
    right = {"provider": "AWS", "region": "us-gov-west-1", "identity": "arn:aws:iam::1:role/a/b+c"}
    assert Authentication.model_validate(right).region == "us-gov-west-1"
