"""`postgregent local DIR`: the whole loop on this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_never

from pydantic import SecretStr
from rich.console import Console

from cli.dsn import parse_dsn
from cli.embedded_servers import EmbeddedServers
from cli.printing import Output, json_text, messages, results, yaml_text
from cli.sheet import Sheet
from cli.summary import some
from cli.targets import (
    DeclaredServers,
    DsnServer,
    Servers,
    choose_regent,
    read_tree,
    regent_settings,
)
from cli.terminal import Shown
from controller.local.directory import Tree
from controller.local.run import LocalController
from controller.status.board import Line, StatusBoard, StatusFolder
from regent.settings import ApiSettings, RegentSettings, revealed
from shared.errors import PostgRegentError
from shared.keys import ResourceKey
from shared.outcomes import Outcome
from shared.resources import Regent

FINE, NOT_READY, INTERRUPTED = 0, 3, 130
ONCE_SECONDS = 60.0
"""How long --once waits, unless --timeout says otherwise."""
STYLES = {
    "Ready": "green",
    "Reconciling": "yellow",
    "Stalled": "red",
    "Problem": "red",
    "corrected": "magenta",
    "changed": "cyan",
    "found": "red",
    "left": "red",
    "begun": "yellow",
    "over": "cyan",
}


class NotSettledError(PostgRegentError):
    """Something has not answered in time."""

    @classmethod
    def after(cls, seconds: float, outcomes: Iterable[Outcome]) -> NotSettledError:
        """With what is known of each Regent that is waited for."""
        waiting = [one for one in outcomes if one.resource.startswith("Regent/")]
        said = " ".join(f"{one.resource}: {one.message}" for one in waiting if not one.is_ready)
        return cls(
            f"Not everything was pushed and reported within {seconds:g} s. {said}".strip(),
            way_out="See that the server answers, or give more time with --timeout.",
        )


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
    timeout: float | None = None

    def read(self) -> Tree:
        """The tree as it is now."""
        environment = os.environ if self.secrets_from_env else None
        return read_tree(self.directory, environment, allow_empty=self.allow_empty)

    def servers(self) -> Servers:
        """Where the Regents find their servers. Raises ContradictionError, or BadDsnError."""
        if self.timeout is not None and not self.once:
            raise ContradictionError(
                "--timeout is for --once.", way_out="Add --once, or take --timeout out."
            )
        if self.embedded and self.dsn is not None:
            raise ContradictionError(
                "--embedded is one server, and --dsn or POSTGREGENT_DSN names another one.",
                way_out="Take one of them out; `unset POSTGREGENT_DSN` where no --dsn was given.",
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
    """Until SIGINT or SIGTERM; everything that was started has ended when it returns.

    Raises NotSettledError.
    """
    servers = options.servers()
    folder = None
    if options.status_dir is not None:
        folder = StatusFolder.outside(options.status_dir, options.directory)
    printer = StatusPrinter(options.output, results(ends_with_reader=True))
    board = StatusBoard(printer, folder, printer.together)
    fleet = LocalFleet(servers, options.regent, is_one=options.dsn is not None)
    controller = LocalController(options.directory, options.read, fleet, board)
    try:
        limit = (options.timeout or ONCE_SECONDS) if options.once else None
        ended_by = await _until_signal(controller.run(once=options.once), limit)
    except TimeoutError:
        raise NotSettledError.after(limit or 0, board.latest()) from None
    finally:
        if folder is not None:
            folder.close()
        if isinstance(servers, EmbeddedServers):
            await servers.stop()
    if ended_by is signal.SIGINT or (options.once and ended_by is not None):
        return INTERRUPTED
    if not options.once:
        return FINE
    return FINE if board.is_all_ready() else NOT_READY


async def _until_signal(
    work: Coroutine[None, None, None], limit: float | None
) -> signal.Signals | None:
    """Run the work to its end: None; SIGINT or SIGTERM ends it in good order, and is returned.

    A second signal changes nothing. Raises TimeoutError when the limit, in seconds, is over.
    """
    loop = asyncio.get_running_loop()
    stopping: asyncio.Future[signal.Signals] = loop.create_future()

    def stop(number: signal.Signals) -> None:
        if not stopping.done():
            stopping.set_result(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    running = asyncio.create_task(work)
    either: set[asyncio.Future[Any]] = {running, stopping}
    try:
        first, _ = await asyncio.wait(either, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            messages().print(Shown("ending …", style="dim"))
    finally:
        stopping.cancel()
        running.cancel()
        await asyncio.wait({running})
    if not first:
        raise TimeoutError
    if not running.cancelled():
        running.result()
    return None if running in first else stopping.result()


@dataclass(frozen=True, slots=True)
class StatusPrinter:
    """Prints each line as it comes: as text, as a line of JSON, as a document of YAML."""

    output: Output
    console: Console

    def __call__(self, line: Line) -> None:
        """Print it."""
        encoding = self.console.encoding
        match self.output:
            case "table":
                self.together((line,))
            case "json":
                self.console.file.write(f"{json_text(line.to_json(), encoding=encoding)}\n")
            case "yaml":
                self.console.file.write(f"---\n{yaml_text(line.to_json(), encoding=encoding)}")
            case _:
                assert_never(self.output)
        self.console.file.flush()

    def together(self, lines: Sequence[Line]) -> None:
        """What is said at one time: for people, what is the same of many is said once."""
        if self.output != "table":
            for line in lines:
                self(line)
            return
        sheet = Sheet()
        for line, subjects in said_once(lines):
            add_line(sheet, line, subjects)
        sheet.write(self.console)


def said_once(lines: Iterable[Line]) -> list[tuple[Line, list[str]]]:
    """The first line of each that say the same, with all its subjects."""
    found: dict[tuple[object, ...], tuple[Line, list[str]]] = {}
    for line in lines:
        what = (line.state, line.reason, line.message, line.regent, line.notes)
        found.setdefault(what, (line, []))[1].append(line.subject)
    return list(found.values())


def add_line(sheet: Sheet, line: Line, subjects: Sequence[str]) -> None:
    """`14:41:25 Role/default/mydb-viewer Ready Applied As declared.`, the state in its colour."""
    place = f" on {line.regent}" if line.regent else ""
    reason = "" if line.reason in ("", line.state) else f" {line.reason}"
    notes = "".join(f" ({note})" for note in line.notes)
    sheet.add_pieces(
        (f"{line.at:%H:%M:%S} {some(subjects)}{place} ", ""),
        (line.state, STYLES.get(line.state, "")),
        (f"{reason} {line.message}{notes}".rstrip(), ""),
    )
