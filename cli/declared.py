"""From a directory to the state that one Regent is to have: what `plan` and `apply` begin with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import time

from cli.dsn import parse_dsn
from cli.show import Subject
from cli.targets import (
    ORIGIN,
    DeclaredServers,
    DsnServer,
    Servers,
    choose_regent,
    read_tree,
    regents_of,
)
from cli.targets import regent_settings as settings_of
from controller.core.compile import Push, compile_states
from controller.core.passwords import InForce, PasswordBook
from controller.local.check import unknown_references
from controller.local.directory import Tree
from controller.local.files import UnsyncedError
from regent.one_shot import AtHome, at_home
from regent.settings import RegentSettings
from shared.errors import PostgRegentError
from shared.in_force import verifiers_in_force
from shared.keys import ResourceKey
from shared.outcomes import Outcome
from shared.problems import Problem, capitalised
from shared.resources import Regent, Role, User
from shared.state import DesiredState, postgres_name_of
from shared.unsupported import REASON, said_of, unsupported


class ProblemsError(PostgRegentError):
    """The directory has problems: nothing is done."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(way_out="Correct every problem that is listed.")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Request:
    """What `plan` or `apply` was asked for."""

    directory: Path
    dsn: str | None = None
    regent: str | None = None
    secrets_from_env: bool = False


@dataclass(frozen=True, slots=True)
class Declared:
    """The state for one Regent, where its server is, and what no Regent will speak of.

    `notes` name what of the directory was passed over, and so counts as absent.
    """

    subject: Subject
    settings: RegentSettings
    state: DesiredState
    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    """What Roles and Users are called in PostgreSQL, those of the last time too, by resource."""
    places: Mapping[ResourceKey, str] = field(default_factory=dict)
    """The file and line of each resource."""
    home: AtHome | None = None
    """What was remembered when it was compiled: good for what reads, never for what writes."""


@dataclass(frozen=True, slots=True)
class Remembrance:
    """What the home database knows of the last time."""

    bound: frozenset[ResourceKey] = frozenset()
    verifiers: InForce | None = None
    roles: Mapping[str, str] = field(default_factory=dict)


async def declare(request: Request) -> Declared:
    """Read, check and compile.

    Raises ProblemsError for invalid resources and unknown Permissions or Roles (interface 10), and
    other PostgRegentErrors for a directory, a Regent or a server that cannot be used.
    """
    environment = os.environ if request.secrets_from_env else None
    # One without a Regent is refused below, with a way out that these commands have.
    return await declare_tree(read_tree(request.directory, environment, allow_empty=True), request)


async def declare_tree(tree: Tree, request: Request) -> Declared:
    """The same of a tree that was read already: the directory of the request is not looked at."""
    if problems := (*tree.errors, *unknown_references(tree)):
        raise ProblemsError(problems)
    regent = choose_regent(regents_of(tree), request.regent)
    servers: Servers = DeclaredServers()
    if request.dsn is not None:
        servers = DsnServer(parse_dsn(request.dsn, os.environ))
    settings = settings_of(regent, servers.server(regent, tree.secrets))
    server = settings.server
    home = await at_home(settings)
    compiled = _compiled(
        tree,
        regent,
        settings,
        _remembrance(home),
        Subject(regent.key, f"{server.host}:{server.port}/{settings.databases[0]}"),
    )
    return replace(compiled, home=home)


def _remembrance(home: AtHome) -> Remembrance:
    """What is bound here stays here (rule 1), and the same password keeps its verifier."""
    found = home.remembered
    if found is None or found.accepted is None:
        return Remembrance()
    resources = found.accepted.state.resources
    return Remembrance(
        frozenset(map(ResourceKey.parse, resources)),
        verifiers_in_force(resources),
        {
            key: postgres_name_of(key, entry)
            for key, entry in resources.items()
            if entry.kind != "Permission"
        },
    )


def _compiled(
    tree: Tree,
    regent: Regent,
    settings: RegentSettings,
    remembered: Remembrance,
    subject: Subject,
) -> Declared:
    in_force = {regent.key: remembered.verifiers or {}}
    passwords = PasswordBook().reading(tree.secrets, in_force)
    bound: Mapping[ResourceKey, frozenset[ResourceKey]] = {regent.key: remembered.bound}
    push = Push(ORIGIN, int(time() * 1000), "Deleted", is_whole=tree.is_whole)
    compiled = compile_states(
        tree.resources, bound=bound, passwords=passwords, push=push, namespaces=tree.namespaces
    )
    if (error := compiled.failed.get(regent.key)) is not None:
        raise error
    if why := compiled.unsure.get(regent.key):
        raise UnsyncedError(f"Nothing is changed on {regent.key}: {why}")
    outcomes = (*compiled.outcomes.values(), *_of_the_regent(regent))
    notes = tuple(map(noted, tree.passed_over))
    declared = {
        str(key): found.postgres_name
        for key, found in tree.valid.items()
        if isinstance(found, Role | User)
    }
    roles = {**remembered.roles, **declared}
    places = {key: f"{one.file}:{one.line}" for key, one in tree.resources.items()}
    return Declared(subject, settings, compiled.states[regent.key], outcomes, notes, roles, places)


def noted(problem: Problem) -> str:
    """A warning as a note says it: where, what, and the way out."""
    about = f"{problem.resource}: " if problem.resource else ""
    return f"{problem.place}: {about}{problem.sentence}. {capitalised(problem.way_out)}."


def _of_the_regent(regent: Regent) -> tuple[Outcome, ...]:
    """What of the Regent itself does nothing, which a pass speaks of to nobody."""
    if not (found := unsupported(regent.spec)):
        return ()
    return (
        Outcome(
            resource=str(regent.key),
            generation=regent.metadata.generation,
            state="Stalled",
            reason=REASON,
            message=said_of(found),
        ),
    )
