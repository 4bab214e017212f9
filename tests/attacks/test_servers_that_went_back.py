"""A server that is back as it was before: who was deleted since does not keep what they had."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import flights
from tests.integration.test_local import eventually, local, role
from tests.postgres.database import flights as database_of
from tests.postgres.server import PostgresServer

LOGIN = "SELECT coalesce((SELECT rolcanlogin FROM pg_roles WHERE rolname = 'leaver'), false)"
LEAVER = role("leaver", "connect-to-mydb", kind="User")


def put_back(server: PostgresServer, copy: Path) -> None:
    """The data folder is what it was when it was copied."""
    server.stop()
    shutil.rmtree(server.data_dir)
    shutil.copytree(copy, server.data_dir, symlinks=True)
    server.data_dir.chmod(0o700)
    if server.cluster.account:
        server.cluster.account.own(server.data_dir)
    server.start()


def copied(server: PostgresServer, copy: Path) -> None:
    """A cold copy."""
    server.stop()
    shutil.copytree(server.data_dir, copy, symlinks=True)
    server.start()


@pytest.mark.usefixtures("running_server")
@pytest.mark.found("E120")
@pytest.mark.rule("17")
@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_a_server_that_went_back_is_pushed_to_anew(
    launch_server: Callable[..., PostgresServer], tmp_path: Path
) -> None:
    """Its Regent answers all the time, so nothing but what it goes by tells that it went back."""
    server = launch_server()
    directory = flights(tmp_path)
    (directory / "leaver.yaml").write_text(LEAVER)
    async with database_of(server) as database, local(directory, database) as running:
        await asyncio.to_thread(copied, server, tmp_path / "copy")
        await eventually(database, LOGIN, expected=True)
        (directory / "leaver.yaml").unlink()
        await eventually(database, LOGIN, expected=False)
        await asyncio.to_thread(put_back, server, tmp_path / "copy")
        await eventually(database, LOGIN, expected=False)
        assert await running.interrupt() == 130
