"""`postgregent demo`: the whole loop in half a minute, on a real PostgreSQL that is started here.

Everything is what `postgregent local` runs: the same controller, the same Regent process. The demo
only plays the people: it breaks things as an intruder would, waits until the catalog is as declared
again, and says how long that took and who was found to have done it. Any step that does not happen
ends it with a status that is not 0.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import asyncpg
from rich.console import Console
from rich.markup import escape

from cli.embedded_servers import EmbeddedServers
from cli.local import LocalFleet
from cli.targets import read_tree, secret_value
from controller.local.run import LocalController
from controller.regents.client import RegentClient
from controller.regents.heard import Drifted, Heard
from controller.status.board import Line, StatusBoard
from regent.settings import ServerSettings
from shared.drift_text import timeless
from shared.errors import PostgRegentError
from shared.outcomes import Drift
from shared.resources import Regent, SecretKeyRef

T = TypeVar("T")
PATIENCE_SECONDS = 30.0
INTERN_PASSWORD = SecretKeyRef(name="mydb-intern-passwords", key="intern-2")
GRANTED = "SELECT pg_catalog.has_table_privilege('mydb-viewer', 'schema1.flights', 'DELETE')"
CREATES_DATABASES = "SELECT rolcreatedb FROM pg_catalog.pg_roles WHERE rolname = 'summer-intern-2'"
TRIGGERS = """SELECT count(*) = 2 FROM pg_catalog.pg_event_trigger
               WHERE evtname LIKE 'postgregent%' AND evtenabled = 'A'"""
COVERED = "SELECT pg_catalog.has_table_privilege('mydb-viewer', 'schema1.gates', 'SELECT')"
FIRST_TRIGGER = "SELECT evtname FROM pg_catalog.pg_event_trigger ORDER BY evtname LIMIT 1"


class StepFailedError(PostgRegentError):
    """A step of the demo did not happen."""


@dataclass(slots=True)
class Story:
    """Where things are, and who tells it."""

    console: Console
    controller: LocalController
    server: ServerSettings
    database: str
    ready: asyncio.Event
    expected: int
    intern_password: str = field(repr=False)
    outcomes: dict[str, str] = field(default_factory=dict)
    drifts: asyncio.Queue[Drift] = field(default_factory=asyncio.Queue, repr=False)

    def heard(self, line: Line) -> None:
        """Remember each resource's latest state; the first time all of them are Ready counts."""
        self.outcomes[line.subject] = line.state
        resources = {k: v for k, v in self.outcomes.items() if not k.startswith("Regent/")}
        if len(resources) >= self.expected and set(self.outcomes.values()) == {"Ready"}:
            self.ready.set()

    def hear(self, heard: Heard) -> None:
        """The demo waits for drift."""
        if isinstance(heard, Drifted):
            self.drifts.put_nowait(heard.drift)

    async def connect(
        self, user: str | None = None, password: str | None = None
    ) -> asyncpg.Connection:
        """As the admin, or as somebody else."""
        given = self.server.admin_password
        return await asyncpg.connect(
            host=self.server.host,
            port=self.server.port,
            database=self.database,
            user=user or self.server.admin_user,
            password=password or (given.get_secret_value() if given else None),
            server_settings={"application_name": "the-intruder"},
        )

    def say(self, text: str) -> None:
        """One line of the story."""
        self.console.print(text, highlight=False)

    def done(self, text: str, seconds: float | None = None) -> None:
        """A step that happened."""
        took = "" if seconds is None else f" [dim]{seconds * 1000:,.1f} ms[/]"
        self.say(f"  [green]✓[/] {text}{took}")


async def run_demo(directory: Path, console: Console) -> int:
    """Tell the story; 0 when every step happened."""
    began = perf_counter()
    schema = directory / "database.sql"
    if not schema.is_file():
        raise StepFailedError(
            f"{directory} has no database.sql, which the demo fills its database with.",
            way_out="Run it in the project's folder, or name the folder examples/flights.",
        )
    servers = EmbeddedServers()
    try:
        story = await _prepared(directory, console, servers, schema.read_text())
        async with _running(story):
            await _tell(story, directory)
    finally:
        await servers.stop()
    story.say(
        f"\n[bold green]Everything held.[/] {perf_counter() - began:.1f} s in all,"
        " and nothing is left behind."
    )
    story.say(
        "[dim]Next: postgregent local examples/flights --embedded, then edit a file in it.[/]"
    )
    return 0


async def _prepared(
    directory: Path, console: Console, servers: EmbeddedServers, schema: str
) -> Story:
    """The server with the flights database, and a controller that does not run yet."""
    began = perf_counter()
    tree = read_tree(directory, None, allow_empty=False)
    regent = next(one for one in tree.valid.values() if isinstance(one, Regent))
    await servers.prepare([regent], tree.secrets)

    def say(line: Line) -> None:
        story.heard(line)

    controller = LocalController(
        directory,
        lambda: read_tree(directory, None, allow_empty=False),
        LocalFleet(servers),
        StatusBoard(say),
    )
    story = Story(
        console,
        controller,
        servers.server(regent, tree.secrets),
        regent.spec.database_name,
        asyncio.Event(),
        expected=sum(key.kind != "Regent" for key in tree.valid),
        intern_password=secret_value(
            regent, INTERN_PASSWORD, tree.secrets, "spec.passwordSecretRef"
        ).get_secret_value(),
    )
    controller.fleet.subscribe(story.hear)
    connection = await story.connect()
    try:
        version = await connection.fetchval("SELECT pg_catalog.current_setting('server_version')")
        await connection.execute(schema)
    finally:
        await connection.close()
    story.say(f"[bold]PostgreSQL {escape(version)}[/], started here with a small flights database")
    story.done(f"{servers.address}, database {story.database}", perf_counter() - began)
    return story


@asynccontextmanager
async def _running(story: Story) -> AsyncIterator[None]:
    """The controller and its Regent process, ended at the end; when they fail, the story does."""
    work = asyncio.create_task(story.controller.run())
    owner = asyncio.current_task()
    work.add_done_callback(lambda done: owner and not done.cancelled() and owner.cancel())
    try:
        yield
    finally:
        work.cancel()
        await asyncio.wait({work})
        if not work.cancelled():
            work.result()


async def _tell(story: Story, directory: Path) -> None:
    began = perf_counter()
    story.say(f"\n[bold]Declared[/] in {directory}, put in force by one Regent process")
    await _within(story.ready.wait(), "the resources did not become Ready")
    story.done(
        f"{story.expected} resources are Ready, started and applied in", perf_counter() - began
    )
    await _what_the_intern_sees(story)
    intruder = await story.connect()
    try:
        await _a_new_table(story, intruder)
        await _breaks(story, intruder)
    finally:
        await intruder.close()
    await _nothing_left(story)


async def _what_the_intern_sees(story: Story) -> None:
    """Log in as the intern, with the password of the Secret, and try."""
    story.say("\n[bold]The intern[/] logs in with the password of the Secret")
    intern = await story.connect("summer-intern-2", story.intern_password)
    try:
        rows = await intern.fetchval("SELECT pg_catalog.count(*) FROM schema1.flights")
        story.done(f"SELECT on schema1.flights: {rows} rows")
        for statement in ("DELETE FROM schema1.flights", "SELECT * FROM public.salaries"):
            try:
                await intern.execute(statement)
            except asyncpg.InsufficientPrivilegeError as refused:
                story.done(f"{statement}: {escape(refused.message or 'refused')}")
            else:
                raise StepFailedError(f"The intern could {statement}.")
    finally:
        await intern.close()


async def _a_new_table(story: Story, intruder: asyncpg.Connection) -> None:
    story.say("\n[bold]A new table[/] in schema1 is covered by what is declared already")
    await _broken_and_mended(
        story, intruder, "CREATE TABLE schema1.gates (gate text)", COVERED, expected=True
    )


async def _breaks(story: Story, intruder: asyncpg.Connection) -> None:
    story.say("\n[bold]An intruder[/] with the admin's rights goes around Git")
    await _broken_and_mended(
        story, intruder, 'GRANT DELETE ON schema1.flights TO "mydb-viewer"', GRANTED, expected=False
    )
    await _broken_and_mended(
        story,
        intruder,
        'ALTER ROLE "summer-intern-2" CREATEDB',
        CREATES_DATABASES,
        expected=False,
    )
    trigger = await intruder.fetchval(FIRST_TRIGGER)
    await _broken_and_mended(
        story, intruder, f"DROP EVENT TRIGGER {trigger}", TRIGGERS, expected=True
    )


async def _broken_and_mended(
    story: Story, intruder: asyncpg.Connection, statement: str, look: str, *, expected: bool
) -> None:
    """Do it, watch the catalog until it is as declared, and say who was found to have done it."""
    story.say(f"  [red]✗[/] {escape(statement)}")
    onlooker = await story.connect()
    try:
        await intruder.execute(statement)
        began = perf_counter()
        await _within(_until(onlooker, look, expected), f"nobody corrected: {statement}")
        seconds = perf_counter() - began
    finally:
        await onlooker.close()
    drift = await _within(story.drifts.get(), f"no drift was recorded for: {statement}")
    story.done(f"{escape(timeless(drift))},", seconds)


async def _until(connection: asyncpg.Connection, look: str, expected: bool) -> None:
    while await connection.fetchval(look) is not expected:  # noqa: ASYNC110 - the catalog has no event
        await asyncio.sleep(0.0005)


async def _nothing_left(story: Story) -> None:
    story.say("\n[bold]A second pass[/] over everything")
    child = next(iter(story.controller.children()))
    async with RegentClient(child.base_url, child.token) as client:
        plan = await client.plan()
    if plan.changes:
        raise StepFailedError(f"The second pass would still {plan.changes[0].what}.")
    story.done("plans nothing: what is observed is what is desired")


async def _within(work: Awaitable[T], failure: str) -> T:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await work
    except TimeoutError:
        raise StepFailedError(f"After {PATIENCE_SECONDS:.0f} s {failure}.") from None
