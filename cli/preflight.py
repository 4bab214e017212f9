"""`postgregent preflight`: what a server has for somebody who is about to adopt it. Reads only."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from cli.declared import ProblemsError
from cli.dsn import needed_dsn, parse_dsn
from cli.preflight_page import Subject, document, sheet
from cli.printing import Output, print_data, results
from cli.targets import (
    DeclaredServers,
    DsnServer,
    Servers,
    choose_regent,
    read_tree,
    regent_settings,
    regents_of,
)
from regent.preflight.finding import Finding, Severity
from regent.preflight.judge import judged
from regent.preflight.reading import read
from regent.settings import ServerSettings, connector_of
from shared.resources import Role, User
from shared.resources.regent import DEFAULT_HOME_DATABASE

NOTHING_BLOCKS, UNREAD, BLOCKED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Asked:
    """Which server, as which directory or DSN says it, and which of its databases."""

    directory: Path | None = None
    dsn: str | None = None
    databases: tuple[str, ...] = ()
    regent: str | None = None
    secrets_from_env: bool = False


@dataclass(frozen=True, slots=True)
class _Meant:
    server: ServerSettings
    databases: tuple[str, ...]
    home: str
    declared: frozenset[str] = frozenset()


async def run_preflight(asked: Asked, output: Output, *, everything: bool) -> int:
    """Print the report. 0: nothing blocks. 2: something does. 1: something could not be read."""
    began = perf_counter()
    meant = _meant(asked)
    facts = await read(
        connector_of(meant.server), meant.databases, home=meant.home, declared=meant.declared
    )
    found = judged(facts)
    subject = Subject(meant.server, meant.databases, facts.server)
    console = results()
    if output == "table":
        sheet(subject, found, width=console.width, everything=everything).write(console)
    else:
        print_data(console, document(subject, found, perf_counter() - began), output)
    return _status(found)


def _status(found: Sequence[Finding]) -> int:
    if any(one.is_unread for one in found):
        return UNREAD
    return BLOCKED if any(one.severity is Severity.BLOCKS for one in found) else NOTHING_BLOCKS


def _meant(asked: Asked) -> _Meant:
    """Raises ProblemsError for a directory with invalid resources, as plan does."""
    if asked.directory is None:
        dsn = needed_dsn(asked.dsn, os.environ, to="look at")
        databases = (dsn.database, *asked.databases)
        return _Meant(dsn.server, databases, DEFAULT_HOME_DATABASE)
    environment = os.environ if asked.secrets_from_env else None
    tree = read_tree(asked.directory, environment, allow_empty=True)
    if tree.errors:
        raise ProblemsError(tuple(tree.errors))
    regent = choose_regent(regents_of(tree), asked.regent)
    servers: Servers = DeclaredServers()
    if asked.dsn is not None:
        servers = DsnServer(parse_dsn(asked.dsn, os.environ))
    settings = regent_settings(regent, servers.server(regent, tree.secrets))
    return _Meant(
        settings.server,
        (*settings.databases, *asked.databases),
        settings.home_database,
        frozenset(
            found.postgres_name for found in tree.valid.values() if isinstance(found, Role | User)
        ),
    )
