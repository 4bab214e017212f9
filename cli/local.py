"""`postgregent local DIR`: the whole loop on this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import SecretStr
from rich.console import Console
from rich.text import Text

from cli.dsn import parse_dsn
from cli.embedded_servers import EmbeddedServers
from cli.printing import Output, messages, results
from cli.targets import (
    DeclaredServers,
    DsnServer,
    Servers,
    choose_regent,
    read_tree,
    regent_settings,
)
from controller.local import LocalController
from controller.sources.directory import Tree
from controller.status import Line, StatusBoard, StatusFolder
from regent.settings import ApiSettings, RegentSettings, revealed
from shared.errors import PostgRegentError
from shared.keys import ResourceKey
from shared.resources import Regent

FINE, NOT_READY = 0, 3
STYLES = {
    "Ready": "green",
    "Reconciling": "yellow",
    "Stalled": "red",
    "Problem": "red",
    "corrected": "magenta",
    "found": "red",
}


class ContradictionError(PostgRegentError):
    """Two options do not go together."""


@dataclass(frozen=True, slots=True)
class Options:
    """What `local` was asked for."""

    directory: Path
    output: Output = "table"
    dsn: str | None = None
    regent: str | None = None
    embedded: bool = False
    data: Path | None = None
    status_dir: Path | None = None
    secrets_from_env: bool = False
    allow_empty: bool = False
    once: bool = False

    def read(self) -> Tree:
        """The tree as it is now."""
        environment = os.environ if self.secrets_from_env else None
        return read_tree(self.directory, environment, allow_empty=self.allow_empty)

    def servers(self) -> Servers:
        """Where the Regents find their servers. Raises ContradictionError, or BadDsnError."""
        if self.embedded and self.dsn is not None:
            raise ContradictionError(
                "--embedded and --dsn name two servers.", way_out="Take one of them out."
            )
        if self.data is not None and not self.embedded:
            raise ContradictionError(
                "--data is for the embedded server.", way_out="Add --embedded, or take --data out."
            )
        if self.embedded:
            return EmbeddedServers(self.data)
        return DeclaredServers() if self.dsn is None else DsnServer(parse_dsn(self.dsn, os.environ))


@dataclass(frozen=True, slots=True)
class RegentLaunch:
    """One Regent process; equal settings mean the same process."""

    settings: RegentSettings

    def configure(self, listening: int, token: str) -> bytes:
        """Its settings with the way its API is reached."""
        api = ApiSettings(socket_fd=listening, token=SecretStr(token))
        return revealed(self.settings.model_copy(update={"api": api}))


@dataclass(frozen=True, slots=True)
class LocalFleet:
    """The Regents of a directory and their servers."""

    servers: Servers
    only: str | None = None
    is_one: bool = False

    def chosen(self, regents: Mapping[ResourceKey, Regent]) -> Mapping[ResourceKey, Regent]:
        """The Regents that are meant: all, or one when there is one server or a name."""
        if self.only is None and not self.is_one:
            return regents
        regent = choose_regent(regents, self.only)
        return {regent.key: regent}

    async def prepare(self, tree: Tree, regents: Mapping[ResourceKey, Regent]) -> None:
        """See that their servers are there."""
        await self.servers.prepare(regents.values(), tree.secrets)

    def launch(self, tree: Tree, regent: Regent) -> RegentLaunch:
        """How to start this one."""
        return RegentLaunch(regent_settings(regent, self.servers.server(regent, tree.secrets)))


async def run_local(options: Options) -> int:
    """Until SIGINT or SIGTERM; everything that was started has ended when it returns."""
    servers = options.servers()
    folder = None
    if options.status_dir is not None:
        folder = StatusFolder.outside(options.status_dir, options.directory)
    board = StatusBoard(StatusPrinter(options.output, results()), folder)
    fleet = LocalFleet(servers, options.regent, is_one=options.dsn is not None)
    controller = LocalController(options.directory, options.read, fleet, board)
    try:
        await _until_signal(controller.run(once=options.once))
    finally:
        if isinstance(servers, EmbeddedServers):
            await servers.stop()
    return FINE if not options.once or board.is_all_ready() else NOT_READY


async def _until_signal(work: Coroutine[None, None, None]) -> None:
    """Run the work; SIGINT or SIGTERM ends it in good order, and a second one changes nothing."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    running = asyncio.create_task(work)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            messages().print(Text("ending …", style="dim"))
    finally:
        stopping.cancel()
        running.cancel()
        await asyncio.wait({running})
    if not running.cancelled():
        running.result()


@dataclass(frozen=True, slots=True)
class StatusPrinter:
    """Prints each line as it comes: as text, as a line of JSON, as a document of YAML."""

    output: Output
    console: Console

    def __call__(self, line: Line) -> None:
        """Print it."""
        match self.output:
            case "table":
                self.console.print(line_text(line))
            case "json":
                self.console.out(json.dumps(line.to_json(), ensure_ascii=False), highlight=False)
            case "yaml":
                text = yaml.safe_dump(line.to_json(), sort_keys=False, allow_unicode=True)
                self.console.out(f"---\n{text}", end="", highlight=False)
        self.console.file.flush()


def line_text(line: Line) -> Text:
    """With the state in its colour."""
    text = Text(str(line))
    if style := STYLES.get(line.state):
        text.highlight_words([f" {line.state} "], style)
    return text
