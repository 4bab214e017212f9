"""Every example of every `--help` is run as it stands there, and ends as it should.

What is substituted: the server, and places of the test for `examples/flights`, `deploy`,
`./access`, `plan.json` and `/tmp/…`; `uninstall` gets --yes, as nobody sits there. What reads the
command's output is run too; kubectl's output is the example's.
"""

from __future__ import annotations

import asyncio
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from cli.main import app
from tests.command import FLIGHTS, Ended, Running, postgregent, postgregent_process
from tests.postgres.database import Database

ADOPT = "tests/integration/test_adopt.py"
NOT_RUN: Mapping[str, str] = {
    "postgregent uninstall --kubernetes -n my-team": "tests/kubernetes/test_cli_uninstall.py",
    "postgregent status --kubernetes -n my-team": "tests/kubernetes/test_cli_status.py",
    "postgregent demo examples/flights": "tests/integration/embedded/test_demo.py",
    "postgregent adopt ./access --role alice --dsn postgresql://my-admin@127.0.0.1:5432/mydb": (
        ADOPT
    ),
    "postgregent adopt ./access -l team=flights --yes": ADOPT,
    "postgregent adopt ./access --role alice --role bob --digest 9f86d081884c7d65": ADOPT,
}
"""And the test that does: the first two need a cluster, `adopt` an exported server."""
MANAGED = {"why", "who-can", "diff", "access-review", "pause", "resume", "uninstall"}
"""What makes sense where the example was applied."""
KEPT = {"status", "drift", "history"}
"""And what does where a Regent keeps it."""
ENDLESS = re.compile(r"postgregent (local (?!.*--once)|history --follow)")
ENDS_WELL = {"plan": {0, 2}, "apply": {0, 2}, "diff": {0, 2}, "preflight": {0, 2}, "drift": {0, 3}}
"""Exit statuses, where others than 0 are good ones."""
SERVER = re.compile(r"postgresql://my-admin@[\w.:]+/mydb")


def commands() -> Mapping[str, str]:
    """The help of each."""
    there = cast(TyperGroup, get_command(app)).commands
    return {name: one.help or "" for name, one in there.items()}


def examples(help_text: str) -> list[str]:
    found = re.findall(r"^\[dim\](.*)\[/\]$", help_text, re.MULTILINE)
    return [one.replace("\\[", "[") for one in found]


def run(command: Sequence[str], piped: str = "") -> None:
    subprocess.run(command, input=piped.encode(), check=True, capture_output=True)


@dataclass(slots=True)
class Typist:
    """Somebody who types what help says, in a folder where all that it names is there."""

    folder: Path
    dsn: str

    def prepare(self) -> None:
        """`deploy` is the example in Git, changed once; `examples/flights` is the example."""
        shutil.copytree(FLIGHTS, self.folder / "flights")
        deploy = self.folder / "deploy"
        shutil.copytree(FLIGHTS, deploy)
        self._git("init", "--quiet", "--initial-branch", "main")
        self._commit("as it was")
        users = deploy / "users.yaml"
        anna = users.read_text().split("---")[0].replace("summer-intern-2", "anna")
        (deploy / "anna.yaml").write_text(anna)
        self._commit("anna")

    def _commit(self, message: str) -> None:
        self._git("add", "--all")
        named = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com")
        self._git(*named, "commit", "--quiet", "--message", message)

    def _git(self, *words: str) -> None:
        folder = self.folder / "deploy"
        run(("git", "-C", str(folder), *words))

    def words(self, text: str) -> list[str]:
        text = text.replace("/tmp/", f"{self.folder}/")  # noqa: S108 - help's own
        text = SERVER.sub(self.dsn, text)
        text = text.replace("examples/flights", f"{self.folder}/flights")
        text = re.sub(r"(?<![\w/])(deploy|plan\.json)\b", rf"{self.folder}/\1", text)
        text = text.replace("./access", f"{self.folder}/access")
        return shlex.split(text)

    async def type(self, example: str) -> Ended:
        """One line; what is before a | is piped into the command, what is after it reads it."""
        if example.startswith("export "):
            return Ended(0, "", "")  # the server is named for all of them
        if "apply plan.json" in example:
            await self.type("postgregent plan examples/flights --out plan.json")
        before, _, rest = example.rpartition("postgregent ")
        asked, _, after = (part.strip() for part in rest.partition(" | "))
        assert not before or before.startswith("kubectl kustomize "), before
        piped = "---\n".join(one.read_text() for one in FLIGHTS.glob("*.yaml")) if before else None
        asked, _, out = asked.partition(" > ")
        words = self.words(asked)
        words += ["--yes"] if words[0] == "uninstall" else []
        ended = await self._run(example, words, piped)
        if out:
            assert "<html" in ended.out
        if after:
            read = self.words(after)
            await asyncio.to_thread(run, read, piped=ended.out)
        return ended

    async def _run(self, example: str, words: list[str], piped: str | None) -> Ended:
        environment = {"POSTGREGENT_DSN": "" if "--embedded" in words else self.dsn}
        if ENDLESS.match(example):
            async with await Running.start(*words) as running:
                await running.until(lambda said: said.get("state") in ("Ready", None))
                assert await running.interrupt() == 130
            return Ended(0, "", "")
        if "--once" in words:
            slow = [one if one != "30" else "300" for one in words]
            return await postgregent_process(*slow, environment=environment)
        return await postgregent(*words, environment=environment, piped=piped)


@pytest.mark.versions(18)
@pytest.mark.timeout(900)  # of a command that has a dozen of them
@pytest.mark.parametrize("name", commands())
async def test_each_example_does_what_it_shows(
    name: str, database: Database, tmp_path: Path
) -> None:
    lines = [one for one in examples(commands()[name]) if one not in NOT_RUN]
    typist = Typist(tmp_path, database.dsn())
    await asyncio.to_thread(typist.prepare)
    await database.execute("CREATE ROLE bob")
    await database.execute("CREATE FUNCTION schema1.f(integer) RETURNS integer RETURN $1")
    if name in MANAGED | KEPT:
        await postgregent("apply", str(typist.folder / "flights"), "--dsn", typist.dsn)
    if name not in KEPT:
        await type_all(typist, lines)
        return
    kept = (str(typist.folder / "flights"), "--status-dir", str(typist.folder / "status"))
    async with await Running.start("local", *kept, "--dsn", typist.dsn) as regent:
        await regent.until_subject("Role/default/mydb-viewer", "Ready")
        await regent.until_subject("Regent/default/my-regent", "Ready")
        await database.execute('GRANT DELETE ON schema1.flights TO "mydb-viewer"')
        await regent.until(lambda said: said["subject"] == "drift")
        await type_all(typist, lines)


async def type_all(typist: Typist, lines: list[str]) -> None:
    for one in lines:
        ended = await typist.type(one)
        name = one.rpartition("postgregent ")[2].split()[0]
        said = f"{one}\nended with {ended.status}:\n{ended.out}{ended.err}"
        assert ended.status in ENDS_WELL.get(name, {0}), said


def test_every_command_has_an_example_and_no_reason_is_left_over() -> None:
    found = {name: examples(text) for name, text in commands().items()}
    assert [name for name, some in found.items() if not some] == []
    everywhere = {one for some in found.values() for one in some}
    assert set(NOT_RUN) <= everywhere
    assert all("postgregent " in one or one.startswith("export ") for one in everywhere)
