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
from typing import Protocol, assert_never

from controller.core.compile import Compiled, Push, compile_states, invalid, users_of
from controller.core.passwords import PasswordBook
from controller.core.revisions import Revisions
from controller.local.besides import lines_besides
from controller.local.children import Child
from controller.local.directory import Loaded, Tree
from controller.local.watch import changes
from controller.regents.client import RegentClient
from controller.regents.fleet import Fleet, Served
from controller.regents.heard import Changed, Drifted, Heard, Left, Met, Said, Took
from controller.regents.outcome import LOOK_FAILED, NotReached, not_synced, regent_outcome
from controller.status.board import Line, StatusBoard, done_lines, drift_line, now
from shared.errors import PostgRegentError
from shared.http import StatusBody
from shared.keys import ResourceKey
from shared.logging import get_logger
from shared.outcomes import Outcome
from shared.resources import Regent

ORIGIN = "directory"
log = get_logger(__name__)


class Launch(Protocol):
    """What one Regent process is started with. Equal ones need no restart."""

    def configure(self, listening: int, token: str) -> bytes:
        """Its settings, as JSON."""


class Servers(Protocol):
    """Knows where the servers are."""

    def chosen(self, regents: Mapping[ResourceKey, Regent]) -> Mapping[ResourceKey, Regent]:
        """Those of the directory that are meant. Raises PostgRegentError."""

    async def prepare(self, tree: Tree, regents: Mapping[ResourceKey, Regent]) -> None:
        """See that what the Regents need is there. Raises PostgRegentError."""

    def launch(self, tree: Tree, regent: Regent) -> Launch:
        """How to start this one. Raises PostgRegentError, such as for a missing Secret."""


@dataclass(slots=True)
class Running:
    """One Regent process that we run; what it says is in the fleet."""

    launch: Launch
    child: Child
    task: asyncio.Task[None]
    told_until: datetime | None = None
    """Of what passes changed, the latest that was told."""


class LocalController:
    """Runs until cancelled, or with `once` until everything has been pushed and reported."""

    def __init__(
        self, directory: Path, read: Callable[[], Tree], servers: Servers, board: StatusBoard
    ) -> None:
        self.fleet = Fleet(self._not_heard)
        self.fleet.subscribe(self._hear)
        self._directory = directory
        self._read = read
        self._servers = servers
        self._board = board
        self._passwords = PasswordBook()
        self._revisions = Revisions()
        self._running: dict[ResourceKey, Running] = {}
        self._not_started: dict[ResourceKey, NotReached] = {}
        self._failed: dict[ResourceKey, NotReached] = {}
        self._had: dict[ResourceKey, frozenset[ResourceKey]] = {}
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
                for task in [*tasks, *(running.task for running in self._running.values())]:
                    task.cancel()
                self.fleet.end()

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
            regents = dict(self._servers.chosen(regents))
            await self._servers.prepare(tree, regents)
        except PostgRegentError as error:
            self._not_started.update(dict.fromkeys(regents, NotReached.of(error)))
            return
        for key, regent in sorted(regents.items()):
            try:
                self._start_or_change(key, self._servers.launch(tree, regent), group)
            except PostgRegentError as error:
                self._not_started[key] = NotReached.of(error)

    def _start_or_change(self, key: ResourceKey, launch: Launch, group: asyncio.TaskGroup) -> None:
        running = self._running.get(key)
        if running is None:
            child = Child(key, launch.configure)
            self._running[key] = Running(launch, child, group.create_task(child.run()))
            self.fleet.talk_to(key, "", lambda: RegentClient(child.base_url, child.token), group)
        elif running.launch != launch:
            running.launch = launch
            running.child.restart(launch.configure)

    async def _stop(self, key: ResourceKey) -> None:
        running = self._running.pop(key)
        self.fleet.leave(key)
        running.task.cancel()
        await asyncio.wait([running.task])
        self._say(
            str(key),
            "Stopped",
            "Its roles, marks and triggers stay on the server; `postgregent uninstall` takes off"
            " what it installed.",
        )

    async def _compile_and_push(self, tree: Tree) -> None:
        bound, meetings = self.fleet.bound(), self.fleet.meetings()
        self._had |= bound
        passwords = self._passwords.reading(tree.secrets, self.fleet.in_force())
        push = Push(ORIGIN, self._revisions.next(), "Deleted", is_whole=tree.is_whole)

        for key, served in self.fleet.served.items():
            regent = tree.valid.get(key)
            if regent is not None:
                served.link.pass_on(regent.metadata.consents)
        self._compiled = await asyncio.to_thread(
            compile_states,
            tree.resources,
            bound=bound,
            passwords=passwords,
            push=push,
            namespaces=tree.namespaces,
            former=self._was_on,
        )
        failed = self._compiled.failed
        self._failed = {key: _fault(key, "compiling its state", e) for key, e in failed.items()}
        for key, why in self._compiled.unsure.items():
            self._failed[key] = not_synced(why)
        for key, state in self._compiled.states.items():
            if key in bound and self.fleet.meetings().get(key) == meetings[key]:
                self.fleet.push(key, state)
        self._passwords.forget_except(users_of(self._compiled.states))
        self._tell()

    def _was_on(self, key: ResourceKey) -> frozenset[ResourceKey]:
        """The Regents that had it, those that are gone since among them."""
        return frozenset(regent for regent, had in self._had.items() if key in had)

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
        served = self.fleet.served.get(key)
        trouble = self._not_started.get(key) or self._failed.get(key)
        trouble = trouble or (served.told_trouble if served else None)
        status = served.status if served else None
        state = self._compiled.states.get(key)
        known = served.link.acquaintance if served else None
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
        served = self.fleet.served.get(key)
        if served is None:
            return True
        trouble, status = served.told_trouble, served.status
        lost = status.trouble if status else None
        if any(one is not None and one.is_for_good for one in (trouble, lost)):
            return True
        return (
            trouble is None
            and served.link.is_pushed
            and status is not None
            and status.accepted_revision is not None
            and status.accepted_revision == status.applied_revision
        )

    def _hear(self, heard: Heard) -> None:
        """Compile again with what it has accepted and has in force; else show what is heard."""
        match heard:
            case Met():
                self._wake.set()
            case Said(regent=regent, status=status):
                self._tell_done(regent, status)
                self._show(regent)
            case Took(regent=regent) | Changed(regent=regent):
                self._show(regent)
            case Drifted(drift=drift):
                self._board.say(drift_line(drift))
            case Left(regent=regent):
                self._board.regent_is_gone(regent)
            case _:
                assert_never(heard)

    def _not_heard(self, regent: ResourceKey, error: Exception) -> None:
        """A mistake of ours, or a full disk; its outcome says so until the next compilation."""
        self._failed[regent] = _fault(regent, "hearing what it says", error)

    def _tell_done(self, regent: ResourceKey, status: StatusBody) -> None:
        """What its passes changed, each once."""
        running = self._running[regent]
        for done in status.done:
            if running.told_until is None or done.at > running.told_until:
                running.told_until = done.at
                self._board.say_all(done_lines(regent, done))

    def _show(self, regent: ResourceKey) -> None:
        """Its outcomes, unless they are of what was declared before; and the Regent's own."""
        served = self.fleet.served[regent]
        if served.link.is_behind:
            self._board.regent_is_behind(regent)
        is_pushed_to = regent in self._compiled.states or not _is_met(served)
        if served.status is not None and not (is_pushed_to and _is_behind(served)):
            before = self._board.regents.get(regent)
            self._board.regent_says(regent, served.status)
            self._board.say_all(lines_besides(regent, before, served.status, now()))
        self._tell()


def _fault(regent: ResourceKey, doing: str, error: Exception) -> NotReached:
    """A mistake of ours about one Regent: its outcome says so, and no other feels it."""
    log.error("a Regent's part failed", regent=str(regent), doing=doing, exc_info=error)
    name = type(error).__name__
    said = f"The controller failed at {doing} ({name}), by a mistake of PostgRegent's; see the log."
    return NotReached(LOOK_FAILED, said)


def _is_met(served: Served) -> bool:
    """Whether it has said what it accepted, or why it cannot."""
    return served.told_trouble is not None or served.link.acquaintance is not None


def _is_behind(served: Served) -> bool:
    """Whether no pass has seen yet what is declared now.

    Where the Regent does not take it, or has no connection, its last word is the newest.
    """
    status, link = served.status, served.link
    if served.told_trouble is not None or status is None or status.trouble is not None:
        return False
    return not link.is_pushed or (status.applied_revision or 0) < link.pushed_revision


def _is_gone(key: ResourceKey, tree: Tree) -> bool:
    """Absent from a tree that was read wholly."""
    return tree.is_whole and key not in tree.resources


def _is_of_a_resource(text: str) -> bool:
    """Whether a problem belongs to a resource, whose outcome tells it."""
    return "/" in text and not text.startswith("Secret")
