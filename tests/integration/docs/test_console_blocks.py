"""Every console block of README and docs/ is run, and prints what its page shows.

What is substituted: `/tmp/…` is a folder of the test, `db.example.com` its server, whose password
stands for every `…`; DIGEST is the one that the last command showed; `uninstall` and `adopt` get
--yes, as nobody sits there; what a page says was made by hand, in SQL, is made before; `local` is
ended with Ctrl-C after its last line. Comments after a command are left out.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tests.command import Ended, postgregent
from tests.integration.docs.console import ROOT, Block, Step, alike, blocks, sql_of
from tests.postgres.server import PostgresServer

PATIENCE_SECONDS = 120
NOT_RUN: Mapping[str, str] = {
    "README.md: make demo": "`make demo` and `make test` are targets of CI themselves",
    "docs/getting-started.md: make demo": "the same",
    "docs/kubernetes.md: helm install": "needs a cluster: test_chart.py",
    "docs/kubernetes.md: OWNER=… VERSION=0.1.0": "needs a release: tests/integration/release",
    "docs/kubernetes.md: cosign verify-blob": "needs a release: tests/integration/release",
    "docs/kubernetes.md: kubectl apply": "needs a cluster: test_end_to_end.py",
    "docs/operations.md: kubectl annotate": "needs a cluster: test_ca_replacement.py",
    "docs/operations.md: pg_dump -Fc": "beside a detector: tests/attacks/test_restores.py",
    "docs/operations.md: postgregent pause": "needs psql and a Regent: test_pauses.py",
    "docs/operations.md: postgregent uninstall": "needs a cluster: test_cli_uninstall.py",
}
PREPARED = ("make env",)
"""Begins a command that has been done before: the test runs in the environment that it makes."""
ENDS_WELL = {
    "plan": (0, 2),
    "apply": (0,),
    "local": (130,),
    "why": (0,),
    "who-can": (0,),
    "uninstall": (0,),
    "validate": (0,),
    "preflight": (0,),
    "export": (0,),
    "adopt": (0,),
}
ASKING = ("uninstall", "adopt")
MADE_BY_HAND = ("docs/takeover.md",)
"""Pages whose SQL is run before their console blocks."""


def pages() -> dict[str, list[Block]]:
    """The blocks that are run, by page."""
    found: dict[str, list[Block]] = {}
    for block in blocks():
        if block.name not in NOT_RUN:
            found.setdefault(block.page, []).append(block)
    return found


@pytest.fixture
def scratch() -> Iterator[Path]:
    """In place of /tmp; the account of an embedded server can reach it."""
    with tempfile.TemporaryDirectory(prefix="postgregent-docs-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@dataclass(slots=True)
class Reader:
    """Somebody who types what a page says."""

    server: PostgresServer
    scratch: Path
    environment: dict[str, str] = field(default_factory=dict)
    digest: str = ""

    def _password(self) -> str:
        return self.server.password.get_secret_value()

    def words(self, command: str) -> list[str]:
        """The command with what is substituted."""
        server = self.server
        text = command.replace("/tmp/", f"{self.scratch}/")  # noqa: S108 - the documentation's
        text = text.replace("db.example.com", f"{server.host}:{server.port}")
        text = text.replace("DIGEST", self.digest)
        return shlex.split(text.replace("…", self._password()))

    async def follow(self, step: Step) -> str:
        """Type it; what is wrong with what was said, or nothing."""
        words = self.words(step.command)
        while words and re.fullmatch(r"[A-Z][A-Z0-9_]*=.*", words[0]):
            name, _, value = words.pop(0).partition("=")
            self.environment[name] = value
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            self.environment[name] = value
            return ""
        if words[0] == "postgregent":
            return await self._run(words[1:], step)
        process = await asyncio.create_subprocess_exec(*words, cwd=ROOT)
        assert await process.wait() == 0, step.command
        self._lead_to_the_server()
        return ""

    def _lead_to_the_server(self) -> None:
        """A copied Regent names db.example.com, in a way."""
        for path in self.scratch.glob("*/regent.yaml"):
            document = yaml.safe_load(path.read_text())
            server = self.server
            document["spec"] |= {"databaseHost": server.host, "port": server.port}
            path.write_text(yaml.safe_dump(document))

    async def _run(self, words: list[str], step: Step) -> str:
        if words[0] == "local":
            ended = await self._run_local(words)
        else:
            more = ["--yes"] if words[0] in ASKING else []
            ended = await postgregent(*words, *more, environment=self.environment)
        said = ended.out.splitlines()
        if found := re.search(r"--(?:approve|release) ([0-9a-f]{16})", ended.out):
            self.digest = found[1]
        assert ended.status in ENDS_WELL[words[0]], (step.command, said, ended.err)
        wrong = alike(step.shown, said) if step.shown else ""
        return f"{step.command}\nnot as shown: {wrong}\nbut:\n" + "\n".join(said) if wrong else ""

    async def _run_local(self, words: list[str]) -> Ended:
        """A process of its own, as it is ended by a signal."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli", *words, cwd=ROOT, limit=2**22,
            env={**os.environ, **self.environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                said = await _until_it_runs(process)
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()
        return Ended(process.returncode or 0, said + out.decode(), err.decode())


async def _until_it_runs(process: asyncio.subprocess.Process) -> str:
    """What `local` says until its Regent is Ready, and Ctrl-C then."""
    assert process.stdout is not None
    said = ""
    while line := (await process.stdout.readline()).decode():
        said += line
        if " Ready Running " in line:
            process.send_signal(signal.SIGINT)
            break
    return said


async def _with_the_example(server: PostgresServer, page: str) -> None:
    scripts = [
        ("postgres", "CREATE DATABASE mydb"),
        ("mydb", (ROOT / "examples/flights/database.sql").read_text("utf-8")),
    ]
    if page in MADE_BY_HAND:
        scripts.append(("mydb", "\n".join(sql_of(page))))
    for database, script in scripts:
        connection = await server.connect(database)
        try:
            await connection.execute(script)
        finally:
            await connection.close()


@pytest.mark.found("D34")
@pytest.mark.versions(18)
@pytest.mark.timeout(600)  # a page is twenty commands
@pytest.mark.parametrize("page", pages())
async def test_a_page_shows_what_its_commands_print(
    page: str, server: PostgresServer, scratch: Path
) -> None:
    """Its blocks in their order, on one server with the example's tables."""
    await _with_the_example(server, page)
    reader = Reader(server, scratch)
    for block in pages()[page]:
        for step in block.steps:
            if not step.command.startswith(PREPARED):
                wrong = await reader.follow(step)
                assert not wrong, f"{page}:{block.line}: {wrong}"


@pytest.mark.found("D34")
def test_every_block_that_is_not_run_has_its_reason() -> None:
    """And none of the reasons is left over."""
    names = [block.name for block in blocks()]
    assert set(NOT_RUN) <= set(names)
    not_run = [name for name in names if name in NOT_RUN]
    assert (len(names) - len(not_run), len(not_run)) == (13, 10)
