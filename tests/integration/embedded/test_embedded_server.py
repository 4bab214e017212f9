"""The embedded server: there at once, behind a password, and gone with whoever started it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import asyncpg
import pytest

from cli.embedded import EmbeddedServer, OtherPasswordError
from cli.postgres.account import server_account
from cli.postgres.process import ServerStartError
from tests.postgres.canary import Canary

STARTER = """
import asyncio, sys
from cli.embedded import EmbeddedServer
async def main():
    server = await EmbeddedServer.start(admin_user="a", admin_password="p")
    print(server.process.data, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_it_has_its_databases_and_leaves_no_data() -> None:
    async with await EmbeddedServer.start(
        admin_user="my-admin", admin_password="pä ss'w", databases=("mydb", "Other Db")
    ) as server:
        connection = await server.connect("Other Db")
        assert await connection.fetchval("SELECT session_user::text") == "my-admin"
        await connection.close()
        assert await server.add_database("mydb") is False
        folder = server.process.data
        assert folder.exists()
    assert not folder.parent.exists()


async def test_nobody_gets_in_without_the_password() -> None:
    async with await EmbeddedServer.start(admin_user="a", admin_password="right") as server:
        server.admin_password = "wrong"
        with pytest.raises(asyncpg.InvalidPasswordError):
            await server.connect()


async def test_it_never_runs_as_root_not_even_when_we_do() -> None:
    account = server_account()
    async with await EmbeddedServer.start(admin_user="a", admin_password="p") as server:
        owner = server.process.data.stat().st_uid
        assert owner == (account.uid if account else os.geteuid()) != 0


async def test_an_admin_added_later_gets_in_and_its_password_can_be_changed() -> None:
    canary, other = Canary(), Canary()
    async with await EmbeddedServer.start(admin_user="a", admin_password="p") as server:
        await server.add_admin("second admin", other.password)
        await server.add_admin("second admin", canary.password)
        server.admin_user, server.admin_password = "second admin", canary.password
        connection = await server.connect()
        assert (
            await connection.fetchval("SELECT pg_catalog.current_setting('is_superuser')") == "on"
        )
        await connection.close()
        canary.assert_nowhere({"log": server.log_path, "repr": repr(server)})


async def test_kept_data_is_there_again(open_folder: Path) -> None:
    first = await EmbeddedServer.start(
        admin_user="a", admin_password="p", databases=("mydb",), data=open_folder
    )
    connection = await first.connect("mydb")
    await connection.execute("CREATE TABLE kept ()")
    await connection.close()
    await first.stop()
    assert sorted(path.name for path in open_folder.iterdir()) == ["data", "postgresql.log"]
    async with await EmbeddedServer.start(
        admin_user="a", admin_password="p", databases=("mydb",), data=open_folder
    ) as second:
        connection = await second.connect("mydb")
        assert await connection.fetchval("SELECT 'kept'::regclass::text") == "kept"
        await connection.close()


async def test_kept_data_of_another_password_is_an_error_that_says_so(open_folder: Path) -> None:
    first = await EmbeddedServer.start(admin_user="a", admin_password="p", data=open_folder)
    await first.stop()
    with pytest.raises(OtherPasswordError, match="the one it was made with"):
        await EmbeddedServer.start(
            admin_user="a", admin_password="q", databases=("mydb",), data=open_folder
        )


async def test_two_servers_never_share_a_data_folder(open_folder: Path) -> None:
    async with await EmbeddedServer.start(
        admin_user="a", admin_password="p", data=open_folder
    ) as first:
        with pytest.raises(ServerStartError, match="another postmaster"):
            await EmbeddedServer.start(admin_user="a", admin_password="p", data=open_folder)
        connection = await first.connect()
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()


async def test_it_ends_and_its_data_goes_when_its_starter_is_killed() -> None:
    starter = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STARTER, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert starter.stdout
    folder = Path((await starter.stdout.readline()).decode().strip())
    pid = int((folder / "postmaster.pid").read_text().splitlines()[0])
    starter.send_signal(signal.SIGKILL)
    await starter.wait()
    while (
        folder.parent.exists() or Path(f"/proc/{pid}").exists()
    ):  # the test's own timeout bounds it
        await asyncio.sleep(0.02)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
