"""A credential command gives the admin's password, which changes, expires, and is shown nowhere."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.dsn import parse_dsn
from cli.dsn_error import BadDsnError
from regent.server.connect import Connector, WrongPasswordError
from regent.server.credential_command import (
    ABOUT,
    VARIABLE,
    CredentialCommandError,
    read_token,
    unusable,
)
from regent.server.tokens import Token, Tokens
from regent.settings import connector_of
from shared.resources import RegentSpec
from shared.scram import build
from tests.command import flights, postgregent, postgregent_process
from tests.postgres.canary import Canary
from tests.postgres.database import Database
from tests.postgres.server import PostgresServer

USER = "token admin"
PLUGIN = """
import os, pathlib, sys
folder = pathlib.Path(sys.argv[1])
with (folder / "asked").open("a") as asked:
    asked.write(os.environ["POSTGREGENT_EXEC_INFO"] + "\\n")
print((folder / "answer").read_text())
print("not to be shown", file=sys.stderr)
sys.exit(int((folder / "status").read_text()))
"""
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Plugin:
    """A command of the test's own, what it answers, and how often it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "plugin.py").write_text(PLUGIN)
        self.command = shlex.join([sys.executable, str(folder / "plugin.py"), str(folder)])
        self.environment = {VARIABLE: self.command, "HOME": str(folder)}

    def gives(self, token: str, *, seconds: float | None = None, status: int = 0) -> None:
        said: dict[str, Any] = {"token": token}
        if seconds is not None:
            ends = datetime.now(UTC) + timedelta(seconds=seconds)
            said["expirationTimestamp"] = ends.isoformat().replace("+00:00", "Z")
        self.answers(json.dumps({"kind": "ExecCredential", "status": said}), status)

    def answers(self, text: str, status: int = 0) -> None:
        (self.folder / "answer").write_text(text)
        (self.folder / "status").write_text(str(status))

    @property
    def asked(self) -> list[dict[str, Any]]:
        path = self.folder / "asked"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


async def set_password(server: PostgresServer, password: str) -> None:
    admin = await server.connect()
    await admin.execute(f"ALTER ROLE \"{USER}\" PASSWORD '{build(password).value}'")
    await admin.close()


@pytest.fixture
async def plugin(server: PostgresServer, tmp_path: Path) -> Plugin:
    admin = await server.connect()
    await admin.execute(f'CREATE ROLE "{USER}" LOGIN SUPERUSER')
    await admin.close()
    folder = tmp_path / "plugin"
    folder.mkdir()
    return Plugin(folder)


def connector(server: PostgresServer, environment: Mapping[str, str]) -> Connector:
    dsn = f"host=127.0.0.1 port={server.port} dbname=postgres user='{USER}'"
    return connector_of(parse_dsn(dsn, environment).server)


async def connected(one: Connector) -> None:
    connection = await one.connect("postgres", purpose="test")
    await connection.close()


@pytest.mark.found("E293")
@pytest.mark.versions(18)
async def test_a_password_that_changes_is_asked_for_again_and_one_that_does_not_is_not(
    server: PostgresServer, plugin: Plugin
) -> None:
    one = connector(server, plugin.environment)
    await set_password(server, "first")
    plugin.gives("first")
    await connected(one)
    await connected(one)
    assert len(plugin.asked) == 1
    assert plugin.asked[0]["spec"] == {
        "interactive": False,
        "host": "127.0.0.1",
        "port": server.port,
        "user": USER,
    }
    await set_password(server, "second")
    plugin.gives("second")
    await connected(one)
    assert len(plugin.asked) == 2
    plugin.gives("wrong")
    await set_password(server, "third")
    with pytest.raises(WrongPasswordError) as refused:
        await connected(one)
    assert VARIABLE in refused.value.way_out


@pytest.mark.found("E293")
@pytest.mark.versions(18)
async def test_a_token_is_renewed_before_it_expires_and_an_expired_one_is_not_sent(
    server: PostgresServer, plugin: Plugin
) -> None:
    one = connector(server, plugin.environment)
    await set_password(server, "first")
    plugin.gives("first", seconds=20)
    await connected(one)
    plugin.gives("first", seconds=3600)
    await connected(one)
    await connected(one)
    assert len(plugin.asked) == 2
    late = connector(server, plugin.environment)
    plugin.gives("first", seconds=-1)
    with pytest.raises(CredentialCommandError, match="has expired"):
        await connected(late)


@pytest.mark.found("E293")
@pytest.mark.versions(18)
async def test_what_is_wrong_with_a_command_is_said_and_nothing_that_it_wrote(
    server: PostgresServer, plugin: Plugin
) -> None:
    one = connector(server, plugin.environment)
    plugin.gives("s3cr3t", status=3)
    with pytest.raises(CredentialCommandError, match="ended with status 3") as failed:
        await connected(one)
    plugin.answers("s3cr3t")
    with pytest.raises(CredentialCommandError, match="not JSON") as odd:
        await connected(one)
    missing = connector(server, {VARIABLE: "/nowhere/to/be-found"})
    with pytest.raises(CredentialCommandError, match="cannot be run"):
        await connected(missing)
    for error in (failed.value, odd.value):
        assert "s3cr3t" not in str(error) + error.way_out
        assert "not to be shown" not in str(error) + error.way_out


@pytest.mark.found("E293")
@pytest.mark.versions(18)
async def test_a_plan_and_the_child_of_local_log_in_by_the_command(
    database: Database, plugin: Plugin, tmp_path: Path, canary: Canary
) -> None:
    await set_password(database.server, canary.password)
    plugin.gives(canary.password, seconds=3600)
    directory = str(flights(tmp_path))
    dsn = f"host=127.0.0.1 port={database.server.port} dbname=mydb user='{USER}'"
    ended = [
        await postgregent_process(*arguments, "--dsn", dsn, environment=plugin.environment)
        for arguments in (("plan", directory), ("local", directory, "--once"))
    ]
    assert [one.status for one in ended] == [2, 0], [one.err for one in ended]
    two = await postgregent(
        "plan", directory, "--dsn", dsn, environment={**plugin.environment, "PGPASSWORD": "x"}
    )
    assert two.status == 1
    assert "Keep one way to log in" in " ".join(two.err.split())
    canary.assert_nowhere({str(i): one.everything for i, one in enumerate((*ended, two))})
    assert ABOUT not in os.environ


@pytest.mark.found("E293")
def test_two_ways_are_refused_and_an_odd_variable_is() -> None:
    dsn = "host=h dbname=d user=u"
    for more, environment in (
        (" password=x", {VARIABLE: "c"}),
        (" passfile=x", {VARIABLE: "c"}),
        ("", {VARIABLE: "c", "PGPASSWORD": "x"}),
    ):
        with pytest.raises(BadDsnError, match="one way to log in"):
            parse_dsn(dsn + more, environment)
    with pytest.raises(BadDsnError, match="never closed"):
        parse_dsn(dsn, {VARIABLE: "c 'x"})
    assert parse_dsn(dsn, {VARIABLE: "c 'a b'"}).server.credential_command == ("c", "a b")


@pytest.mark.found("E293")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "no object of kind"),
        ('{"kind": "Secret", "status": {"token": "t"}}', "no object of kind"),
        ('{"kind": "ExecCredential"}', "no status.token"),
        ('{"kind": "ExecCredential", "status": {"token": ""}}', "no status.token"),
        ('{"kind": "ExecCredential", "status": {"token": "a\\u0000"}}', "no password can be"),
        (
            '{"kind": "ExecCredential", "status": {"token": "t", "expirationTimestamp": "soon"}}',
            "no time with its zone",
        ),
    ],
)
def test_what_is_no_credential_is_told_apart(text: str, said: str) -> None:
    with pytest.raises(CredentialCommandError, match=said):
        read_token(text.encode())


@pytest.mark.found("E293")
async def test_a_token_without_an_end_is_kept_until_it_is_refused() -> None:
    given = iter([Token("first"), Token("second", NOW + timedelta(seconds=31))])

    async def ask() -> Token:
        return next(given)

    now = [NOW]
    tokens = Tokens(ask, unusable=unusable, clock=lambda: now[0])
    assert [await tokens.password(), await tokens.password()] == ["first", "first"]
    tokens.refused("another")
    assert await tokens.password() == "first"
    tokens.refused("first")
    assert await tokens.password() == "second"
    now[0] += timedelta(seconds=1)
    with pytest.raises(StopIteration):
        next(given)
    assert "second" not in repr(Token("second"))


@pytest.mark.found("E293")
def test_no_field_of_a_regent_names_a_command() -> None:
    """An author of resources must not run code where a Regent runs."""
    assert not any("command" in name or "exec" in name for name in RegentSpec.model_fields)
