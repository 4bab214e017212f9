"""The owner's whole dump is restored in one transaction, without the Regent's own objects (B18)."""

from __future__ import annotations

import os
import subprocess

import pytest

from regent.detect.install import install
from tests.postgres.database import Database

LIST = "(the list)"


@pytest.mark.found("B18")
@pytest.mark.every_version
async def test_the_owner_restores_a_dump_less_what_names_postgregent(database: Database) -> None:
    admin = await database.connect()
    await install(admin)
    await database.execute("CREATE TABLE schema1.t ()", database.owner)
    dump = run(database, "pg_dump", "-Fc", database.name)
    await admin.execute("CREATE DATABASE restored OWNER app_owner")
    listed = run(database, "pg_restore", "-l", given=dump, is_local=True).decode()
    kept = "\n".join(line for line in listed.splitlines() if "postgregent" not in line)
    own = ("-1", "-L", LIST, "--dbname=restored")
    run(database, "pg_restore", *own, given=dump, third=kept.encode())
    restored = await database.server.connect("restored")
    assert await restored.fetchval("SELECT to_regclass('schema1.t') IS NOT NULL")
    assert not await restored.fetchval("SELECT count(*) FROM pg_event_trigger")
    await restored.close()


def run(
    database: Database,
    program: str,
    *arguments: str,
    given: bytes = b"",
    third: bytes = b"",
    is_local: bool = False,
) -> bytes:
    """What the program writes, run as the owner; `third` is what LIST holds."""
    server = database.server
    where = [f"--host={server.host}", f"--port={server.port}", f"--username={database.owner}"]
    read, write = os.pipe()
    os.write(write, third)
    os.close(write)
    answer = subprocess.run(
        [
            str(server.cluster.binaries.program(program)),
            *(() if is_local else where),
            *(f"/proc/self/fd/{read}" if one == LIST else one for one in arguments),
        ],
        cwd="/",
        env=os.environ | {"PGPASSWORD": server.password_of(database.owner) or ""},
        input=given,
        pass_fds=(read,),
        capture_output=True,
        check=False,
    )
    os.close(read)
    assert answer.returncode == 0, answer.stderr.decode()
    return answer.stdout
