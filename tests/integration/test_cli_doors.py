"""Whatever keeps a command out of a database, or from writing, no command ends with 0 about it.

The *first* database is the one that cannot be read here: the second one is looked at all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.command import Ended, flights, postgregent, postgregent_process
from tests.postgres.database import Database
from tests.postgres.server import PostgresServer

pytestmark = pytest.mark.found("B15")
SMALL = "small-admin"
PASSWORD = "a-small-admins-password"

CASES = {
    "missing": ("", "has no database 'door'"),
    "closed": ("ALTER DATABASE door ALLOW_CONNECTIONS false", "not currently accepting"),
    "forbidden": ("REVOKE CONNECT ON DATABASE door FROM PUBLIC", "CONNECT"),
    "full": ("ALTER DATABASE door CONNECTION LIMIT 0", "CONNECTION LIMIT"),
}
"""By case: what makes `door` unreadable for an admin who is no superuser, and the words for it."""


async def door(database: Database, statement: str) -> str:
    """The DSN of `door` for an admin who is no superuser."""
    admin = await database.connect()
    await admin.execute(
        f"""CREATE ROLE "{SMALL}" LOGIN CREATEROLE CREATEDB PASSWORD '{PASSWORD}'"""
    )
    if statement:
        await admin.execute("CREATE DATABASE door")
        await admin.execute(statement)
    return database.server.dsn("door", SMALL, PASSWORD)


def declared(folder: Path) -> Path:
    """A Role in mydb, served by a Regent whose first database is `door`."""
    directory = flights(folder)
    for path in directory.glob("*.yaml"):
        if path.name != "regent.yaml":
            path.unlink()
    document = yaml.safe_load((directory / "regent.yaml").read_text())
    document["spec"] |= {
        "databaseName": "door",
        "additionalDatabases": ["mydb"],
        "adminUser": SMALL,
    }
    (directory / "regent.yaml").write_text(yaml.safe_dump(document))
    role = {
        "apiVersion": "putnam120.postgregent/v1alpha1",
        "kind": "Role",
        "metadata": {"name": "guest"},
        "spec": {"database": "mydb"},
    }
    (directory / "role.yaml").write_text(yaml.safe_dump(role))
    return directory


def words(ended: Ended) -> str:
    return " ".join((ended.out + ended.err).split())


@pytest.mark.parametrize("case", CASES)
async def test_a_first_database_that_cannot_be_read_is_named_and_hides_no_other(
    database: Database, tmp_path: Path, case: str
) -> None:
    statement, why = CASES[case]
    dsn = await door(database, statement)
    directory = declared(tmp_path)
    arguments = (str(directory), "--dsn", dsn)
    plan = await postgregent("plan", *arguments)
    assert plan.status == 1, words(plan)
    assert "The database 'door' could not be read:" in words(plan)
    assert why in words(plan)
    assert "create role guest" in plan.out
    assert "tried again" not in words(plan)
    untouched = await postgregent("uninstall", "--dsn", dsn, "--yes")
    assert untouched.status != 0, words(untouched)
    assert why in words(untouched)
    applied = await postgregent("apply", *arguments)
    assert applied.status in (1, 3), words(applied)
    assert why in words(applied)
    assert "tried again" not in words(applied)
    if case == "closed":  # one of them: the process takes seconds to start
        once = await postgregent_process("local", *arguments, "--once")
        assert once.status == 3, words(once)
        assert why in words(once)
    removed = await postgregent("uninstall", "--dsn", dsn, "--yes")
    if case == "missing":  # A Regent served it, so it was there: nothing of it can be left.
        assert removed.status == 0, words(removed)
        assert "door: there is no such database any more" in removed.out
    else:  # 1 where nothing could be remembered either: the admin was let in nowhere.
        assert removed.status == (3 if applied.status == 3 else 1), words(removed)
        assert why in words(removed)


async def test_a_server_without_connections_is_told_by_every_command(
    database: Database, tmp_path: Path
) -> None:
    dsn = (await door(database, "")).replace("/door", "/mydb")
    directory = declared(tmp_path)
    (directory / "regent.yaml").write_text(
        (directory / "regent.yaml").read_text().replace("databaseName: door", "databaseName: mydb")
    )
    await database.execute(f'ALTER ROLE "{SMALL}" CONNECTION LIMIT 0')
    for name in ("plan", "apply", "uninstall"):
        given = ("--yes",) if name == "uninstall" else (str(directory),)
        ended = await postgregent(name, *given, "--dsn", dsn)
        assert ended.status == 1, words(ended)
        assert "CONNECTION LIMIT of the user in --dsn is reached" in words(ended)


async def test_an_uninstall_where_nothing_was_installed_says_so(database: Database) -> None:
    """Twin: it is fine, and it is not told as if something had been removed."""
    ended = await postgregent("uninstall", "--dsn", database.dsn(), "--yes")
    assert ended.status == 0, words(ended)
    assert ended.out == "mydb: nothing of PostgRegent was installed\n"


async def test_nothing_is_removed_from_a_standby_where_nothing_is_installed(
    launch_server: Callable[..., PostgresServer],
) -> None:
    server = launch_server(wal_level="replica")
    server.stop()
    (server.data_dir / "standby.signal").touch()
    server.start()
    ended = await postgregent("uninstall", "--dsn", server.dsn(), "--yes")
    assert ended.status == 1, words(ended)
    assert "removed" not in ended.out
    assert "in recovery, a standby" in words(ended)


@pytest.mark.found("E12")
async def test_a_misspelt_home_database_goes_around_no_lock(database: Database) -> None:
    """Of its Regents nothing is known, so what is installed stays; without any it is fine."""
    arguments = ("uninstall", "--dsn", database.dsn(), "--home-database", "postgregnt", "--yes")
    assert (await postgregent(*arguments)).status == 0
    await database.execute("CREATE SCHEMA postgregent")
    ended = await postgregent(*arguments)
    assert ended.status == 1, words(ended)
    assert "There is no home database 'postgregnt' on this server" in words(ended)
    connection = await database.connect()
    assert await connection.fetchval("SELECT to_regnamespace('postgregent') IS NOT NULL")


@pytest.mark.found("E12")
async def test_a_home_database_that_is_not_there_is_not_told_as_dropped(
    database: Database,
) -> None:
    """A name of one's own may be misspelt. The usual one is gone where this is the second time."""
    arguments = ("uninstall", "--dsn", database.dsn(), "--home", "--yes")
    ended = await postgregent(*arguments, "--home-database", "postgregnt")
    assert ended.status == 1, words(ended)
    assert "There is no home database 'postgregnt' on this server" in words(ended)
    assert "--home-database" in words(ended)
    again = await postgregent(*arguments)
    assert again.status == 0, words(again)
    assert "postgregent: not dropped" in words(again)


@pytest.mark.found("E12")
async def test_a_misspelt_database_of_the_dsn_is_no_database_that_went(database: Database) -> None:
    dsn = database.dsn().replace("/mydb", "/mydbb")
    ended = await postgregent("uninstall", "--dsn", dsn, "--yes")
    assert ended.status == 1, words(ended)
    assert "any more" not in words(ended)
