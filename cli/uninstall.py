"""`postgregent uninstall`: leave a server as it was, but for the roles (interface 14)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from cli.dsn import Dsn, parse_dsn
from cli.printing import Output, print_data, results
from cli.sheet import Sheet
from cli.show import unread_data
from regent.home import database as home_database
from regent.home.store import Home
from regent.settings import RegentSettings, connector_of
from regent.uninstall import is_installed, uninstall
from shared.errors import PostgRegentError
from shared.resources import RegentSpec
from shared.resources.regent import DEFAULT_HOME_DATABASE
from sql import load

DONE, LEFT = 0, 3
NOBODY = "default/nobody"
REMOVE_BY_HAND = (
    "DROP EVENT TRIGGER IF EXISTS postgregent_change; DROP EVENT TRIGGER IF EXISTS"
    " postgregent_drop; DROP SCHEMA postgregent CASCADE;"
)


class NotConfirmedError(PostgRegentError):
    """Nothing was done: it was not confirmed."""


class UnknownHomeError(PostgRegentError):
    """Nothing was removed: no such home database is there, so what it remembers is not known."""


class UnknownRegentError(PostgRegentError):
    """The home database knows no such Regent."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What `uninstall` was asked for."""

    dsn: str
    regent: str | None = None
    home_database: str = DEFAULT_HOME_DATABASE
    home: bool = False
    is_confirmed: bool = False


async def run_uninstall(removal: Removal, output: Output, ask: Callable[[str], bool]) -> int:
    """Take off what was installed, after asking on a terminal. 3: something was not reached."""
    dsn = parse_dsn(removal.dsn, os.environ)
    if not removal.is_confirmed:
        _confirm(dsn, removal, ask)
    done: list[str] = []
    left: dict[str, str] = {}
    targets = await _targets(removal, dsn)
    for settings in targets:
        is_last = settings is targets[-1]
        one = await uninstall(settings, home=removal.home and is_last, around=True)
        whose = f"Regent {settings.regent}: " if len(targets) > 1 else ""
        done += [f"{whose}{line}" for line in one.done]
        left |= one.left
    console = results()
    if output == "table":
        sheet = Sheet()
        for line in done:
            sheet.add(line)
        for database, why in left.items():
            sheet.add(f"{database}: not reached, what is installed there stays: {why}", "bold red")
            sheet.add(
                f"    → Let the admin connect to {database}, and call again with it.", "green"
            )
        sheet.write(console)
    else:
        document = {"server": str(dsn), "done": done, "left": unread_data(left)}
        print_data(console, document, output)
    return LEFT if left else DONE


async def _targets(removal: Removal, dsn: Dsn) -> list[RegentSettings]:
    """The Regents that serve this database, as the home database remembers them.

    Where the home database remembers none, triggers and schema may still be there: they are taken
    off for nobody. Raises UnknownHomeError where they are there and the home database is not:
    a Regent that has another one may run, and its lock is there. Also where a home database of
    another name than the usual one is to be dropped, and is not there: it may be misspelt.
    """
    connector = connector_of(dsn.server)
    targets: list[RegentSettings] = []
    known = await _known_regents(removal, dsn)
    nobody = _settings(NOBODY, (dsn.database,), removal, dsn)
    if known is None:
        if await is_installed(nobody):
            raise UnknownHomeError(
                f"There is no home database {removal.home_database!r} on this server, and"
                f" PostgRegent is installed in {dsn.database!r}.",
                way_out="Name the right one with --home-database: the homeDatabase of the Regent."
                " If that was dropped and no Regent runs, say as a superuser, in"
                f" {dsn.database}: {REMOVE_BY_HAND}",
            )
        if removal.home and removal.home_database != DEFAULT_HOME_DATABASE:
            raise UnknownHomeError(
                f"There is no home database {removal.home_database!r} on this server, so it was not"
                f" dropped. Nothing of PostgRegent is installed in {dsn.database!r}.",
                way_out="Name the right one with --home-database: the homeDatabase of the Regent."
                " If it was dropped before, nothing is left to do.",
            )
        known = []
    if removal.regent is not None and removal.regent not in known:
        listed = ", ".join(known) or "none"
        raise UnknownRegentError(
            f"--regent {removal.regent} is not remembered in {removal.home_database}.",
            way_out=f"Remembered there: {listed}.",
        )
    for regent in known:
        found = await Home.find(connector, database=removal.home_database, regent=regent)
        accepted = found.accepted if found else None
        databases = accepted.state.regent.spec.databases if accepted else (dsn.database,)
        is_meant = dsn.database in databases if removal.regent is None else regent == removal.regent
        if is_meant:
            spec = accepted.state.regent.spec if accepted else None
            targets.append(_settings(regent, databases, removal, dsn, spec))
    return targets or [nobody]


async def _known_regents(removal: Removal, dsn: Dsn) -> list[str] | None:
    """None where there is no such home database."""
    connection = await home_database.enter(connector_of(dsn.server), removal.home_database)
    if connection is None:
        return None
    try:
        if await home_database.version(connection) == 0:
            return []
        await home_database.act_as_owner(connection)
        rows = await connection.fetch(load("home/other_regents"), "")
    finally:
        await connection.close()
    return [str(row["regent"]) for row in rows]


def _settings(
    regent: str,
    databases: tuple[str, ...],
    removal: Removal,
    dsn: Dsn,
    spec: RegentSpec | None = None,
) -> RegentSettings:
    """Its login acts as the role that the Regent acts as: triggers and schema are that one's."""
    server = dsn.server
    if spec is not None and spec.set_role and server.admin_user == spec.admin_user:
        server = server.model_copy(update={"set_role": spec.set_role})
    namespace, _, name = regent.partition("/")
    return RegentSettings(
        namespace=namespace,
        name=name,
        server=server,
        databases=databases,
        home_database=removal.home_database,
    )


def _confirm(dsn: Dsn, removal: Removal, ask: Callable[[str], bool]) -> None:
    """A script must say --yes, a person is asked. Raises NotConfirmedError."""
    if not sys.stdin.isatty():
        raise NotConfirmedError(
            "Nobody can be asked: standard input is no terminal.", way_out="Say --yes."
        )
    home = f" and drop the database {removal.home_database}" if removal.home else ""
    if not ask(f"Take triggers, schema and marks off {dsn}{home}? Roles stay as they are."):
        raise NotConfirmedError(way_out="Answer y, or say --yes.")
