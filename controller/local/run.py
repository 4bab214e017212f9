"""The controller without a cluster: a watched directory in, one Regent process per Regent resource.

Every signal does one thing: look again (docs/architecture.md). The tree is read, Regents are
started, restarted and stopped, everything is compiled, and each Regent that has said what it has
accepted is pushed to. A directory that cannot be read wholly takes nothing away (rule 17,
interface 11).

Long because the loop, its Regents and what is said of them change together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from controller.core.compile import Compiled, Push, compile_states, invalid
from controller.core.passwords import PasswordBook
from controller.core.revisions import Revisions
from controller.local.children import Child
from controller.local.directory import Loaded, Tree
from controller.local.watch import changes
from controller.regents.client import RegentClient
from controller.regents.conversation import RegentLink
from controller.regents.outcome import LOOK_FAILED, NotReached, regent_outcome
from controller.status.board import Line, StatusBoard, done_lines, drift_line, now
from shared.errors import PostgRegentError
from shared.http import StatusBody
from shared.keys import ResourceKey
from shared.logging import get_logger
from shared.outcomes import Drift, Outcome
from shared.resources import Regent, UserSpec
from shared.state import PasswordEntry

ORIGIN = "directory"
log = get_logger(__name__)


class Launch(Protocol):
    """What one Regent process is started with. Equal ones need no restart."""

    def configure(self, listening: int, token: str) -> bytes:
        """Its settings, as JSON."""


class Fleet(Protocol):
    """Knows where the servers are."""

    def chosen(self, regents: Mapping[ResourceKey, Regent]) -> Mapping[ResourceKey, Regent]:
        """Those of the directory that are meant. Raises PostgRegentError."""

    async def prepare(self, tree: Tree, regents: Mapping[ResourceKey, Regent]) -> None:
        """See that what the Regents need is there. Raises PostgRegentError."""

    def launch(self, tree: Tree, regent: Regent) -> Launch:
        """How to start this one. Raises PostgRegentError, such as for a missing Secret."""


@dataclass(slots=True)
class Running:
    """One Regent that we run."""

    launch: Launch
    child: Child
    link: RegentLink
    tasks: tuple[asyncio.Task[None], ...]
    trouble: NotReached | None = None
    status: StatusBody | None = None
    told_until: datetime | None = None
    """Of what passes changed, the latest that was told."""

    @property
    def is_met(self) -> bool:
        """Whether it has said what it accepted, or why it cannot."""
        return self.trouble is not None or self.link.acquaintance is not None

    @property
    def is_behind(self) -> bool:
        """Whether no pass has seen yet what is declared now.

        Where the Regent does not take it, or has no connection, its last word is the newest.
        """
        status = self.status
        if self.trouble is not None or status is None or status.trouble is not None:
            return False
        return not self.link.is_pushed or (status.applied_revision or 0) < self.link.pushed_revision


class LocalController:
    """Runs until cancelled, or with `once` until everything has been pushed and reported."""

    def __init__(
        self, directory: Path, read: Callable[[], Tree], fleet: Fleet, board: StatusBoard
    ) -> None:
        self._directory = directory
        self._read = read
        self._fleet = fleet
        self._board = board
        self._passwords = PasswordBook()
        self._revisions = Revisions()
        self._running: dict[ResourceKey, Running] = {}
        self._not_started: dict[ResourceKey, NotReached] = {}
        self._failed: dict[ResourceKey, NotReached] = {}
        self._compiled = Compiled({})
        self._tree: Tree | None = None
        self._said: frozenset[str] = frozenset()
        self._must_read = False
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()

    async def run(self, *, once: bool = False) -> None:
        """Watch, and keep every Regent told. All processes have ended when it returns."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._watch()), group.create_task(self._work(group))]
            if once:
                await self._settled.wait()
                for task in [*tasks, *self._all_tasks()]:
                    task.cancel()

    def children(self) -> tuple[Child, ...]:
        """The Regent processes that run now."""
        return tuple(running.child for running in self._running.values())

    async def _watch(self) -> None:
        async for _ in changes(self._directory):
            self._must_read = True
            self._wake.set()

    async def _work(self, group: asyncio.TaskGroup) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._must_read:
                self._must_read = False
                await self._look(group)
            if self._tree is not None:
                await self._compile_and_push(self._tree)

    async def _look(self, group: asyncio.TaskGroup) -> None:
        """Read the tree. What cannot be read leaves everything as it is."""
        try:
            tree = await asyncio.to_thread(self._read)
        except PostgRegentError as error:
            self._say_problems({f"not synced, nothing is changed: {error}"})
            return
        self._tree = tree
        unnamed = {str(p) for p in tree.problems if not _is_of_a_resource(p.resource)}
        whole = (
            set() if tree.is_whole else {"not read wholly: nothing that is absent is taken away"}
        )
        self._say_problems(unnamed | whole)
        await self._settle_children(tree, group)

    def _say_problems(self, problems: Iterable[str]) -> None:
        """Each once; and that they are gone."""
        found = frozenset(problems)
        for problem in sorted(found - self._said):
            self._say(str(self._directory), "Problem", problem)
        if self._said and not found:
            self._say(str(self._directory), "Synced", "")
        self._said = found

    def _say(self, subject: str, state: str, message: str) -> None:
        self._board.say(Line(now(), subject, state, "", message))

    async def _settle_children(self, tree: Tree, group: asyncio.TaskGroup) -> None:
        regents = {key: found for key, found in tree.valid.items() if isinstance(found, Regent)}
        self._not_started.clear()
        for key in [key for key in self._running if _is_gone(key, tree)]:
            await self._stop(key)
        try:
            regents = dict(self._fleet.chosen(regents))
            await self._fleet.prepare(tree, regents)
        except PostgRegentError as error:
            self._not_started.update(dict.fromkeys(regents, NotReached.of(error)))
            return
        for key, regent in sorted(regents.items()):
            try:
                self._start_or_change(key, self._fleet.launch(tree, regent), group)
            except PostgRegentError as error:
                self._not_started[key] = NotReached.of(error)

    def _start_or_change(self, key: ResourceKey, launch: Launch, group: asyncio.TaskGroup) -> None:
        running = self._running.get(key)
        if running is None:
            child = Child(key, launch.configure)
            link = RegentLink(key, RegentClient(child.base_url, child.token), self)
            tasks = (group.create_task(child.run()), group.create_task(link.run()))
            self._running[key] = Running(launch, child, link, tasks)
        elif running.launch != launch:
            running.launch = launch
            running.child.restart(launch.configure)

    async def _stop(self, key: ResourceKey) -> None:
        running = self._running.pop(key)
        for task in running.tasks:
            task.cancel()
        await asyncio.wait(running.tasks)
        self._board.regent_is_gone(key)
        self._say(
            str(key),
            "Stopped",
            "Its roles, marks and triggers stay on the server; `postgregent uninstall` takes off"
            " what it installed.",
        )

    async def _compile_and_push(self, tree: Tree) -> None:
        bound = {
            key: frozenset(map(ResourceKey.parse, running.link.acquaintance.resources))
            for key, running in self._running.items()
            if running.link.acquaintance is not None
        }
        push = Push(ORIGIN, self._revisions.next(), "Deleted", is_whole=tree.is_whole)

        def password(regent: Regent, user: ResourceKey, spec: UserSpec) -> PasswordEntry | None:
            if regent.key not in bound:
                return None
            running = self._running[regent.key]
            known = running.link.acquaintance
            in_force = known.verifiers if known else {}
            return self._passwords.entry(regent, user, spec, tree.secrets, in_force)

        for key, running in self._running.items():
            regent = tree.valid.get(key)
            if regent is not None:
                running.link.pass_on(regent.metadata.consents)
        self._compiled = await asyncio.to_thread(
            compile_states, tree.resources, bound=bound, passwords=password, push=push
        )
        self._note_failed(self._compiled.failed)
        for key, state in self._compiled.states.items():
            if key in bound and key in self._running:
                self._running[key].link.push(state)
        self._passwords.forget_except(bound_users(self._compiled))
        self._tell()

    def _note_failed(self, failed: Mapping[ResourceKey, Exception]) -> None:
        """A mistake of ours about one Regent: its outcome says so, and no other feels it."""
        for key, error in failed.items():
            log.error("its state was not compiled", regent=str(key), exc_info=error)
        said = "Its state could not be compiled ({}), by a mistake of PostgRegent's; see the log."
        self._failed = {
            key: NotReached(LOOK_FAILED, said.format(type(error).__name__))
            for key, error in failed.items()
        }

    def _tell(self) -> None:
        """What the controller itself has to say: of what no Regent has, and of the Regents."""
        if self._tree is None:
            return
        outcomes = dict(self._compiled.outcomes)
        for key, found in self._tree.resources.items():
            if key.kind == "Regent" and (not found.is_valid or self._is_ours(key)):
                outcomes[key] = self._regent_outcome(key, found)
        self._board.controller_says(outcomes.values())
        if self._is_settled():
            self._settled.set()

    def _regent_outcome(self, key: ResourceKey, found: Loaded) -> Outcome:
        if not found.is_valid or found.resource is None:
            return invalid(found)
        running = self._running.get(key)
        trouble = self._not_started.get(key) or self._failed.get(key)
        trouble = trouble or (running.trouble if running else None)
        status = running.status if running else None
        state = self._compiled.states.get(key)
        known = running.link.acquaintance if running else None
        held = sorted(known.resources & state.held.keys()) if known and state else ()
        return regent_outcome(key, found.resource.metadata.generation, status, trouble, held)

    def _is_settled(self) -> bool:
        """Nothing waits any more, but for what cannot be pushed at all."""
        if self._tree is None or self._must_read or self._wake.is_set():
            return False
        return all(self._has_answered(key) for key in self._compiled.states if self._is_ours(key))

    def _is_ours(self, key: ResourceKey) -> bool:
        return key in self._running or key in self._not_started

    def _has_answered(self, key: ResourceKey) -> bool:
        running = self._running.get(key)
        if running is None:
            return True
        if running.trouble is not None and running.trouble.is_for_good:
            return True
        status = running.status
        if status is not None and status.trouble is not None and status.trouble.is_for_good:
            return True
        if running.trouble is not None:
            return False
        return (
            running.link.is_pushed
            and status is not None
            and status.accepted_revision is not None
            and status.accepted_revision == status.applied_revision
        )

    def met(self, regent: ResourceKey) -> None:
        """Compile again, with what it has accepted and has in force."""
        del regent
        self._wake.set()

    def reported(self, regent: ResourceKey, status: StatusBody) -> None:
        """Show its outcomes."""
        running = self._running.get(regent)
        if running is not None:
            running.status = status
            for done in status.done:
                if running.told_until is None or done.at > running.told_until:
                    running.told_until = done.at
                    self._board.say_all(done_lines(regent, done))
            self._show(regent, running)
            self._tell()

    def drifted(self, regent: ResourceKey, drift: Drift) -> None:
        """Show it."""
        del regent
        self._board.say(drift_line(drift))

    def troubled(self, regent: ResourceKey, reason: str, message: str) -> None:
        """Show it as the Regent's own outcome."""
        running = self._running.get(regent)
        if running is not None:
            running.trouble = NotReached(reason, message) if reason else None
            self._show(regent, running)
            self._tell()

    def _show(self, regent: ResourceKey, running: Running) -> None:
        """Its outcomes, unless they are of what was declared before."""
        is_pushed_to = regent in self._compiled.states or not running.is_met
        if running.status is not None and not (is_pushed_to and running.is_behind):
            self._board.regent_says(regent, running.status)

    def _all_tasks(self) -> list[asyncio.Task[None]]:
        return [task for running in self._running.values() for task in running.tasks]


def bound_users(compiled: Compiled) -> dict[ResourceKey, frozenset[ResourceKey]]:
    """The Users of each Regent."""
    return {
        key: frozenset(
            ResourceKey.parse(name) for name in state.resources if name.startswith("User/")
        )
        for key, state in compiled.states.items()
    }


def _is_gone(key: ResourceKey, tree: Tree) -> bool:
    """Absent from a tree that was read wholly."""
    return tree.is_whole and key not in tree.resources


def _is_of_a_resource(text: str) -> bool:
    """Whether a problem belongs to a resource, whose outcome tells it."""
    return "/" in text and not text.startswith("Secret")
