"""`postgregent local` as a process, with its Regents, on real servers."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from tests.command import Running, flights, is_running, postgregent, postgregent_process
from tests.postgres.canary import Canary
from tests.postgres.database import Database
from tests.postgres.database import flights as database_of
from tests.postgres.server import PostgresServer

READY = ("Regent/default/my-regent", "Ready")


@asynccontextmanager
async def local(directory: Path, database: Database, *options: str) -> AsyncIterator[Running]:
    """`local` on the test's server, after everything is Ready."""
    running = await Running.start("local", str(directory), "--dsn", database.dsn(), *options)
    async with running:
        await running.until_subject(*READY)
        yield running


async def eventually(database: Database, query: str, expected: object) -> None:
    """Until the query gives this; the test's own time limit ends a wait in vain."""
    connection = await database.connect()
    async with asyncio.timeout(120):
        while await connection.fetchval(query) != expected:
            await asyncio.sleep(0.05)


def role(name: str, *permissions: str, kind: str = "Role") -> str:
    """A manifest."""
    return yaml.safe_dump(
        {
            "apiVersion": "putnam120.postgregent/v1alpha1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": {"database": "mydb", "permissions": list(permissions)},
        }
    )


HOLDS = "SELECT has_schema_privilege('mydb-viewer', 'schema1', 'USAGE')"
MADE = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'reader')"
EXISTS = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'guest')"


@pytest.mark.found("D31")
async def test_local_applies_corrects_follows_and_ends_cleanly(
    database: Database, tmp_path: Path, canary: Canary
) -> None:
    """The whole loop: Ready, drift told with its author, a file more, a file less, Ctrl-C."""
    directory = flights(tmp_path)
    secrets = directory / "secrets.yaml"
    secrets.write_text(secrets.read_text().replace("demo-only-intern-2-password", canary.password))
    async with local(
        directory, database, "-v", "--status-dir", str(tmp_path / "status")
    ) as running:
        assert {said["subject"] for said in running.said if said["state"] == "Ready"} >= {
            "Role/default/mydb-viewer",
            "User/default/summer-intern-2",
            "Permission/default/read-write-flights",
        }
        await database.execute('GRANT INSERT ON schema1.airports TO "mydb-viewer"')
        drift = await running.until(lambda said: said["subject"] == "drift")
        assert drift["state"] == "corrected"
        assert "INSERT" in drift["message"]
        assert "my-admin" in drift["message"]
        (directory / "guest.yaml").write_text(role("guest", "connect-to-mydb"))
        await running.until_subject("Role/default/guest", "Ready")
        changed = [said["message"] for said in running.said if said["state"] == "changed"]
        assert "create role guest" in changed, "D31: what an edit changes, in the plan's words"
        assert not any("revoke INSERT" in what for what in changed), "drift is told as drift"
        status = yaml.safe_load((tmp_path / "status/default/Role/guest.yaml").read_text())
        assert status["status"]["conditions"][0]["type"] == "Ready"
        assert status["status"]["conditions"][0]["status"] == "True"
        (directory / "guest.yaml").unlink()
        dropped = await running.until(lambda said: said["message"] == "drop role guest")
        assert dropped["state"] == "changed"
        await eventually(database, EXISTS, expected=False)
        if not any(one["state"] == "Gone" for one in running.said):
            await running.until_subject("Role/default/guest", "Gone")
        assert not (tmp_path / "status/default/Role/guest.yaml").exists()
        children = running.children()
        assert children
        assert await running.interrupt() == 130
        errors = await running.errors()
        assert "Traceback" not in errors, errors
        said = f"{running.said}{errors}"
        canary.assert_nowhere({"output": said, "statuses": tmp_path / "status"})
        assert not any(is_running(pid) for pid in children)


@pytest.mark.rule("17")
@pytest.mark.rule("18")
@pytest.mark.versions(18)
async def test_a_broken_directory_takes_nothing_away(database: Database, tmp_path: Path) -> None:
    """An invalid resource, broken YAML, an empty directory, none: each is said, and all stays."""
    directory = flights(tmp_path)
    (directory / "guest.yaml").write_text(role("guest", "connect-to-mydb"))
    async with local(directory, database) as running:
        (directory / "guest.yaml").write_text(role("guest") + "  superpowers: true\n")
        told = await running.until_subject("Role/default/guest", "Stalled")
        assert "guest.yaml" in told["message"]
        (directory / "guest.yaml").write_text("kind: [Role\n")
        told = await running.until_subject(str(directory), "Problem")
        assert "guest.yaml:2: error: this is not YAML" in told["message"]
        moved = directory.rename(tmp_path / "elsewhere")
        await running.until(lambda said: "does not exist" in said["message"])
        directory.mkdir()
        await running.until(lambda said: "holds no manifest" in said["message"])
        connection = await database.connect()
        assert await connection.fetchval(EXISTS) is True
        assert await connection.fetchval(HOLDS) is True
        directory.rmdir()
        (moved / "guest.yaml").unlink()
        moved.rename(directory)
        await running.until_subject("Role/default/guest", "Gone")
        await eventually(database, EXISTS, expected=False)


@pytest.mark.versions(18)
async def test_a_killed_regent_is_started_again_and_goes_on(
    database: Database, tmp_path: Path
) -> None:
    """SIGKILL; what changed meanwhile, in the directory and on the server, is caught up with."""
    directory = flights(tmp_path)
    async with local(directory, database) as running:
        [regent] = running.children()
        os.kill(regent, signal.SIGKILL)
        await database.execute('REVOKE USAGE ON SCHEMA schema1 FROM "mydb-viewer"')
        (directory / "guest.yaml").write_text(role("guest", "connect-to-mydb"))
        await running.until_subject("Role/default/guest", "Ready")
        await eventually(database, HOLDS, expected=True)
        [restarted] = running.children()
        assert restarted != regent
        assert await running.interrupt() == 130


@pytest.mark.versions(18)
async def test_no_regent_outlives_a_parent_that_was_killed(
    database: Database, tmp_path: Path
) -> None:
    """SIGKILL to `local`: its Regent ends by itself."""
    async with local(flights(tmp_path), database) as running:
        children = running.children()
        running.process.kill()
        await running.process.wait()
        async with asyncio.timeout(120):
            while any(is_running(pid) for pid in children):
                await asyncio.sleep(0.05)


@pytest.mark.rule("6")
@pytest.mark.versions(18)
async def test_apply_refuses_while_a_regent_runs(database: Database, tmp_path: Path) -> None:
    """Exit status 1, with who holds the lock; plan needs no lock."""
    directory = flights(tmp_path)
    async with local(directory, database):
        ended = await postgregent("apply", str(directory), "--dsn", database.dsn())
        assert ended.status == 1, ended.out
        assert "my-admin" in ended.err
        plan = await postgregent("plan", str(directory), "--dsn", database.dsn())
        assert plan.status == 0, plan.out + plan.err


@pytest.mark.versions(18)
async def test_a_regent_that_leaves_the_directory_is_stopped(
    database: Database, tmp_path: Path
) -> None:
    """Its process ends; what it keeps on the server stays, and that is said."""
    directory = flights(tmp_path)
    async with local(directory, database) as running:
        children = running.children()
        (directory / "regent.yaml").unlink()
        told = await running.until_subject("Regent/default/my-regent", "Stopped")
        assert "uninstall" in told["message"]
        assert not any(is_running(pid) for pid in children)
        assert running.process.returncode is None
        assert await running.interrupt() == 130


@pytest.mark.versions(18)
async def test_once_ends_by_itself(database: Database, tmp_path: Path) -> None:
    """--once: 0 when all is Ready, 3 when something is not."""
    directory = flights(tmp_path)
    arguments = ("local", str(directory), "--dsn", database.dsn(), "--once")
    ended = await postgregent_process(*arguments)
    assert ended.status == 0, ended.out + ended.err
    (directory / "nowhere.yaml").write_text(role("nowhere").replace("mydb", "otherdb"))
    ended = await postgregent_process(*arguments)
    assert ended.status == 3, ended.out + ended.err


@pytest.mark.found("E33")
@pytest.mark.versions(18)
async def test_once_does_not_wait_for_what_only_a_person_can_mend(
    database: Database, tmp_path: Path
) -> None:
    """A wrong password. Its --timeout is longer than this test may take."""
    wrong = database.dsn(password="not this one")
    arguments = ("local", str(flights(tmp_path)), "--dsn", wrong, "--once", "--timeout", "3600")
    ended = await postgregent_process(*arguments)
    assert ended.status == 3, ended.out + ended.err
    assert "WrongPassword" in ended.out


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that the account of the embedded server can reach; pytest's own are closed to it."""
    with tempfile.TemporaryDirectory(prefix="postgregent-data-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


async def test_the_embedded_server_comes_and_goes_with_the_command(
    tmp_path: Path, reachable: Path
) -> None:
    """--embedded --data: databases and admins are made, and found again by the next run."""
    arguments = ("local", str(flights(tmp_path)), "--embedded", "--data", str(reachable))
    for _ in range(2):
        async with await Running.start(*arguments) as running:
            await running.until_subject(*READY)
            children = running.children()
            assert len(children) == 2, "the server's keeper and the Regent"
            assert await running.interrupt() == 130
            assert not any(is_running(pid) for pid in children)


async def test_statuses_inside_the_directory_are_refused(tmp_path: Path) -> None:
    """They would be read as manifests."""
    directory = flights(tmp_path)
    ended = await postgregent(
        "local", str(directory), "--embedded", "--status-dir", str(directory / "status")
    )
    assert ended.status == 1
    assert "outside" in ended.err


async def test_two_servers_at_once_are_refused(tmp_path: Path) -> None:
    """--embedded and --dsn contradict each other."""
    ended = await postgregent(
        "local", str(tmp_path), "--embedded", "--dsn", "postgresql://a@localhost/b"
    )
    assert ended.status == 1
    assert "--embedded is one server, and --dsn" in ended.err


@pytest.mark.rule("20")
@pytest.mark.versions(18)
async def test_the_brake_is_released_by_an_annotation_with_its_digest(
    database: Database, tmp_path: Path
) -> None:
    """Both schemas misspelt at once is a loss for everybody; whoever means it says the digest."""
    directory = flights(tmp_path)
    permissions = directory / "permissions.yaml"
    async with local(directory, database) as running:
        for name in range(6):
            (directory / f"reader{name}.yaml").write_text(
                role(f"reader{name}", "read-schemas-1-and-2")
            )
        await running.until_subject("Role/default/reader5", "Ready")
        text = permissions.read_text()
        permissions.write_text(text.replace("- schema1", "- shema1").replace("- schema2", "- sema"))
        told = await running.until_subject("Regent/default/my-regent", "Stalled")
        assert told["reason"] == "BrakePulled"
        await eventually(database, HOLDS, expected=True)
        digest = told["message"].rpartition("Digest ")[2].rstrip(".")
        regent = directory / "regent.yaml"
        note = f"  annotations:\n    putnam120.postgregent/release-brake: {digest!r}\n"
        regent.write_text(regent.read_text().replace("metadata:\n", f"metadata:\n{note}"))
        await eventually(database, HOLDS, expected=False)
        await running.until_subject(*READY)


@pytest.mark.rule("20a")
@pytest.mark.found("E295")
@pytest.mark.versions(18)
async def test_what_waits_is_listed_and_approved_by_an_annotation_with_its_digest(
    database: Database, tmp_path: Path
) -> None:
    """The Regent becomes Manual while it runs: what is in force goes on, and a new Role waits."""
    directory = flights(tmp_path)
    regent = directory / "regent.yaml"
    async with local(directory, database) as running:
        regent.write_text(regent.read_text().replace("spec:\n", "spec:\n  approval: Manual\n"))
        (directory / "reader.yaml").write_text(role("reader", "read-schemas-1-and-2"))
        told = await running.until(
            lambda said: said["subject"] == READY[0] and said["reason"] == "AwaitingApproval"
        )
        waits = [one["message"] for one in running.said if one["state"] == "waits"]
        assert "for approval: create role reader" in waits
        await eventually(database, HOLDS, expected=True)
        await eventually(database, MADE, expected=False)
        digest = told["message"].rpartition("approve: ")[2].rstrip(".")
        note = f"  annotations:\n    putnam120.postgregent/approve: {digest!r}\n"
        regent.write_text(regent.read_text().replace("metadata:\n", f"metadata:\n{note}"))
        await running.until_subject("Role/default/reader", "Ready")
        await eventually(database, MADE, expected=True)


@pytest.mark.rule("28a")
async def test_a_lost_home_database_is_accepted_by_an_annotation_with_its_token(
    database: Database, tmp_path: Path
) -> None:
    """It saw the Regent with a state before; whoever means it says the token in the file."""
    directory = flights(tmp_path)
    async with local(directory, database) as running:
        await database.execute("DROP DATABASE postgregent WITH (FORCE)")
        told = await running.until(
            lambda said: said["subject"] == READY[0] and said["reason"] == "TakeoverNeeded"
        )
        await database.execute('REVOKE USAGE ON SCHEMA schema1 FROM "mydb-viewer"')
        token = told["message"].rpartition("--accept-takeover ")[2].rstrip(".")
        regent = directory / "regent.yaml"
        note = f"  annotations:\n    putnam120.postgregent/accept-takeover: {token!r}\n"
        await eventually(database, HOLDS, expected=False)
        regent.write_text(regent.read_text().replace("metadata:\n", f"metadata:\n{note}"))
        await eventually(database, HOLDS, expected=True)
        await running.until_subject(*READY)


@pytest.mark.found("E8")
@pytest.mark.found("E9")
@pytest.mark.versions(18)
async def test_while_the_server_is_away_nothing_is_ready_and_nobody_is_to_act(
    launch_server: Callable[..., PostgresServer], tmp_path: Path
) -> None:
    """Stopped and back: Reconciling, once for all resources, then Ready by a pass that looked."""
    server = launch_server()
    async with (
        database_of(server) as database,
        local(flights(tmp_path), database, "--status-dir", str(tmp_path / "status")) as running,
    ):
        begun = len(running.said)
        await asyncio.to_thread(server.stop)
        told = await running.until(lambda said: said["reason"] == "DatabaseUnreachable"
                                   and said["subject"].endswith("resources"))  # fmt: skip
        assert told["state"] == "Reconciling"
        role = yaml.safe_load((tmp_path / "status/default/Role/mydb-viewer.yaml").read_text())
        assert role["status"]["conditions"][0]["reason"] == "DatabaseUnreachable"
        await asyncio.to_thread(server.start)
        await running.until_subject(*READY)
        since = running.said[begun:]
        assert not [one for one in since if one["state"] == "Stalled"], since
        assert not [one for one in since if ".." in one["message"]], since
        assert len([one for one in since if one["subject"].endswith("resources")]) == 2, since
