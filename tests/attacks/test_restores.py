"""A dump of a served database is restored, and is refused, as docs/operations.md says (B18)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from itertools import count
from pathlib import Path

import pytest

from regent.detect.install import damage, install
from tests.integration.docs.console import ROOT, Block, blocks
from tests.postgres.database import Database

PAGE = (ROOT / "docs/operations.md").read_text("utf-8")
TAKEN_BY_NAME = """
; Archive created at some time
3; 2615 16385 SCHEMA - postgregent admin
4; 2615 16386 SCHEMA - schema1 postgregent
210; 1259 16390 TABLE postgregent event admin
211; 1259 16391 TABLE public postgregent app_owner
212; 1259 16392 TABLE public flights postgregent
3500; 0 0 ACL - SCHEMA postgregent admin
3501; 0 0 ACL postgregent TABLE event admin
3502; 0 0 COMMENT - SCHEMA postgregent admin
3503; 3466 16393 EVENT TRIGGER - postgregent_change admin
3504; 3466 16394 EVENT TRIGGER - postgregent_drop admin
3505; 3466 16395 EVENT TRIGGER - theirs postgregent
"""
KEPT_BY_NAME = (4, 211, 212, 3505)


def documented() -> Block:
    """The block of commands that the page gives for a restore."""
    return next(block for block in blocks() if block.name == "docs/operations.md: pg_dump -Fc")


class Shell:
    """Types the page's commands, with the programs of the server's own version."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._server, self._folder = database.server, folder
        self._owner = database.owner

    def run(self, command: str, user: str = "", database: str = "restored") -> tuple[int, str]:
        """Exit status and standard error; `user` stands for app_owner."""
        server, user = self._server, user or self._owner
        password = server.password_of(user)
        command = command.replace("/tmp/", f"{self._folder}/")  # noqa: S108 - the page's
        command = command.replace(
            "app_owner:…@db.example.com/restored", f"db.example.com/{database}"
        )
        command = command.replace("app_owner:…@", "").replace("db.example.com", "")
        programs = Path(server.cluster.binaries.program("pg_dump")).parent
        environment: Mapping[str, str] = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PGHOST": server.host,
            "PGPORT": str(server.port),
            "PGUSER": user,
            "PGPASSWORD": password or "",
            "LC_ALL": "C",
        }
        done = subprocess.run(
            ["/bin/bash", "-c", command],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stderr


@pytest.mark.found("B18")
@pytest.mark.every_version
async def test_a_dump_is_restored_by_the_documented_commands(
    database: Database, tmp_path: Path
) -> None:
    """By owner and superuser, in one transaction or not, beside a detector or without one."""
    server, shell = database.server, Shell(database, tmp_path)
    admin = await database.connect()
    await install(admin)
    table = "CREATE TABLE schema1.t (); GRANT SELECT ON schema1.t TO PUBLIC"
    await database.execute(table, database.owner)
    *prepare, restore = (step.command for step in documented().steps)
    for command in prepare:
        assert shell.run(command) == (0, ""), command
    assert " -1 " in restore
    for user, how, has_detector in (
        (database.owner, "-1", False),
        (database.owner, "--exit-on-error", True),
        (server.superuser, "-1", True),
        (server.superuser, "--exit-on-error", False),
    ):
        case = (user, how, has_detector)
        await admin.execute(f"CREATE DATABASE restored OWNER {database.owner} TEMPLATE template0")
        target = await server.connect("restored")
        if has_detector:
            await install(target)
        status, said = shell.run(restore.replace(" -1 ", f" {how} "), user)
        assert status == 0, (case, said)
        assert await target.fetchval("SELECT to_regclass('schema1.t') IS NOT NULL"), case
        if has_detector:
            assert not await damage(target), case
            assert await target.fetchval("SELECT count(*) FROM postgregent.event"), case
        else:
            assert not await target.fetchval("SELECT count(*) FROM pg_event_trigger"), case
        await target.close()
        await admin.execute("DROP DATABASE restored")


@pytest.mark.found("B18")
@pytest.mark.every_version
async def test_a_whole_dump_fails_where_and_as_the_page_says(
    database: Database, tmp_path: Path
) -> None:
    server, shell, numbers = database.server, Shell(database, tmp_path), count()
    admin = await database.connect()
    await install(admin)
    assert shell.run(documented().steps[0].command)[0] == 0
    major = admin.get_server_version().major
    other = "must be able to SET ROLE" if major >= 16 else "must be member of role"
    for user, options, has_detector, message in (
        (database.owner, "-1", False, other),
        (database.owner, "-1 --no-owner", False, "permission denied to create event trigger"),
        (database.owner, "-1", True, 'schema "postgregent" already exists'),
        (server.superuser, "-1", True, 'schema "postgregent" already exists'),
        (
            server.superuser,
            "-1 --exclude-schema=postgregent",
            False,
            "function postgregent.record_change() does not exist",
        ),
        (server.superuser, "-1", False, ""),
    ):
        name = f"whole{next(numbers)}"
        await admin.execute(f"CREATE DATABASE {name} OWNER {database.owner} TEMPLATE template0")
        target = await server.connect(name)
        if has_detector:
            await install(target)
        status, said = shell.run(f"pg_restore {options} --dbname={name} /tmp/mydb.dump", user)
        assert (status == 0) == (not message), (user, options, said)
        assert message in said
        assert message in PAGE
        if not message:
            assert not await damage(target)
        await target.close()


@pytest.mark.found("B18")
def test_the_documented_filter_takes_the_detector_alone(tmp_path: Path) -> None:
    """Also where the admin, or a table of the application, has PostgRegent's name."""
    command = next(one.command for one in documented().steps if one.command.startswith("grep"))
    (tmp_path / "all.list").write_text(TAKEN_BY_NAME)
    command = command.replace("/tmp/", f"{tmp_path}/")  # noqa: S108 - the page's
    subprocess.run(["/bin/bash", "-c", command], check=True)
    kept = (tmp_path / "kept.list").read_text().splitlines()
    numbers = tuple(int(line.split(";")[0]) for line in kept if line[:1].isdigit())
    assert numbers == KEPT_BY_NAME
