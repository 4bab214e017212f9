"""Prevent, over the life of one engine: judges installed, told after each full pass, and let go.

What people would notice first goes first: the lock that every judge looks for is let go as soon as
nothing may be refused any more, before any database is written to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

import asyncpg
import structlog

from regent.changes import Change
from regent.home.locks import RegentLock
from regent.passes.look import Looked
from regent.plan.authority import authority_of
from regent.plan.matching import Compilations
from regent.prevent import judge
from regent.prevent.in_force import InForce, Judged, Unsettled, in_force
from regent.prevent.judge import Guard
from regent.prevent.opening import about_to_write
from regent.server.connections import Connections
from regent.server.lenient_text import shown
from regent.server.own_tables import impatient, in_the_way, without_waiting
from regent.server.trouble import TROUBLE, heed_cancellation
from shared.resources import RegentSpec
from shared.state import Trouble

JUDGE_SECONDS = 60.0
log = structlog.get_logger()


class _Telling(NamedTuple):
    """What became of telling one judge, and why it does not refuse, or did not always."""

    why: str = ""
    is_told: bool = True
    damage: str = ""
    """What was not as it was left, in words."""


IS_CHANGED = "what it was told is gone or was changed"


class Prevention:
    """Which databases refuse what nobody declared, and why others do not."""

    def __init__(
        self,
        served: tuple[str, ...],
        *,
        lock: RegentLock,
        home: str,
        connections: Connections,
        compilations: Compilations,
        without_triggers: Callable[[], Mapping[str, str]],
    ) -> None:
        """`without_triggers` says in which databases there is no detector, and why."""
        self._served = served
        self._lock = lock
        self._home = home
        self._connections = connections
        self._compilations = compilations
        self._without_triggers = without_triggers
        self._perhaps_there = set(served)
        """Where a judge may stand: nobody has looked, or it could not be removed."""
        self._told: set[str] = set()
        """Where a judge goes by the present key."""
        self._were_whole: set[str] = set()
        """Where this life has left one as it shall be: what differs then was done by somebody."""
        self._failures: dict[str, int] = {}
        self.is_locked_out = False
        """Somebody locks what a judge is told: it is worth another try soon."""
        self.not_acted_on: tuple[str, ...] = ()
        """Where it is declared and not in force, with the reason, for the status."""

    async def stand_down(self, spec: RegentSpec, restrained: Trouble | None) -> None:
        """Before a pass: where it is not meant any more, nobody is refused from now on."""
        if not is_meant(spec, restrained):
            self.not_acted_on = ()
            await self.let_through()

    async def let_through(self) -> None:
        """No judge refuses anything until it is told anew: what it was told may be behind."""
        await self._lock.lower_guard()
        self._told.clear()

    async def leave_open(self, changes: Iterable[Change]) -> None:
        """Before a pass does this: nobody else is refused for what it gives and takes.

        Of the objects that it leaves otherwise than they were told, the judges are told anew after
        the next full pass.
        """
        written = about_to_write(changes)
        for name in sorted(self._told & written.keys()):
            try:
                async with (
                    self._connections.use(name, seconds=JUDGE_SECONDS) as connection,
                    without_waiting(connection),
                ):
                    await judge.leave_open(connection, written[name])
            except TROUBLE as error:
                heed_cancellation()
                log.info("judge not told", database=name, error=str(error))
                await self.let_through()

    async def after(
        self, looked: Looked, spec: RegentSpec, left: Iterable[Change] = ()
    ) -> tuple[tuple[str, str], ...]:
        """After a full pass: tell the judges what is in force now, or take them out.

        `left` is what the pass could not do, or put off. Returns what somebody had damaged and is
        right again: the database, and what was wrong.
        """
        self.is_locked_out = False
        if is_meant(spec, looked.restraint):
            return await self._tell_all(looked, tuple(left))
        await self.stand_down(spec, looked.restraint)
        if looked.restraint is None and self._perhaps_there:
            async with asyncio.TaskGroup() as group:
                for name in sorted(self._perhaps_there):
                    group.create_task(self._remove(name))
        return ()

    async def _tell_all(
        self, looked: Looked, left: tuple[Change, ...]
    ) -> tuple[tuple[str, str], ...]:
        """A judge that cannot be told must not go by what it was told before.

        So the key that all look for is another one then, and the others are told it.
        """
        troubles = {**looked.unread, **self._without_triggers()}
        whom = _Whom.of(looked)
        found = {
            name: _in_force(looked, name, whom, self._compilations, left)
            for name in self._served
            if name not in troubles and name in looked.observed.databases
        }
        failed: dict[str, str] = {}
        damaged: list[tuple[str, str]] = []
        while True:
            if self._told & troubles.keys():
                await self.let_through()
            guard = Guard(self._home, await self._lock.raise_guard())
            async with asyncio.TaskGroup() as group:
                tasks = {
                    name: group.create_task(self._tell(name, one, guard))
                    for name, one in found.items()
                    if name not in troubles
                }
            for name, task in tasks.items():
                one = task.result()
                if not one.is_told:
                    troubles[name] = one.why
                    continue
                self._told.add(name)
                if one.damage:
                    damaged.append((name, one.damage))
                if one.why:
                    failed.setdefault(name, one.why)
            if not self._told & troubles.keys():
                break
        self.not_acted_on = tuple(
            f"spec.enforcement: Prevent in {name} ({said.rstrip('.')})"
            for name, said in sorted({**failed, **troubles}.items())
        )
        return tuple(damaged)

    async def _tell(self, name: str, found: InForce, guard: Guard) -> _Telling:
        """Whether this database refuses by what was found, and if not, or not always, why."""
        self._perhaps_there.add(name)
        try:
            async with self._connections.use(name, seconds=JUDGE_SECONDS) as connection:
                failures, damage = await judge.install(connection)
                try:
                    async with impatient(connection):
                        is_changed = await judge.tell(connection, found, guard)
                except asyncpg.LockNotAvailableError:
                    self.is_locked_out = True
                    return _Telling(await in_the_way(connection), is_told=False)
        except TROUBLE as error:
            heed_cancellation()
            log.info("judge not told", database=name, error=str(error))
            return _Telling(f"the judge could not be installed or told: {shown(str(error))}", False)
        if is_changed and not damage:
            damage = IS_CHANGED
        if name not in self._were_whole:
            damage = ""
        self._were_whole.add(name)
        before = self._failures.get(name, failures)
        self._failures[name] = failures
        if failures > before:
            return _Telling(
                f"the judge failed {failures - before} times and let the commands through; the"
                " server's log says why",
                damage=damage,
            )
        return _Telling(damage=damage)

    async def _remove(self, name: str) -> None:
        self._were_whole.discard(name)
        try:
            async with self._connections.use(name, seconds=JUDGE_SECONDS) as connection:
                await judge.remove(connection)
        except TROUBLE as error:
            heed_cancellation()
            log.info("judge not removed", database=name, error=str(error))
        else:
            self._perhaps_there.discard(name)


@dataclass(frozen=True, slots=True)
class _Whom:
    """Of a look, the same for all databases: who is judged, who is declared, and every oid."""

    judged: Judged
    declared: frozenset[str]
    oids: Mapping[str, int]

    @classmethod
    def of(cls, looked: Looked) -> Self:
        desired, server = looked.resolution.desired, looked.observed.server
        declared = authority_of(desired, server).declared
        oids = {name: role.oid for name, role in server.roles.items()}
        paused = {name for one in looked.paused for name in one.names}
        # A role without a mark is not taken over yet, and a paused one is as people make it.
        names = declared.intersection(oids, looked.holders) - paused
        judged = Judged(
            {role: oids[role] for role in names},
            {role: desired.roles[role].declared_by for role in names},
        )
        return cls(judged, declared, oids)


def _in_force(
    looked: Looked,
    name: str,
    whom: _Whom,
    compilations: Compilations,
    left: tuple[Change, ...],
) -> InForce:
    desired = looked.resolution.desired
    compiled = compilations.of(desired.grants[name], whom.declared, desired.ignore_schemas)
    unsettled = Unsettled.of(looked.verdict.plan.changes, looked.not_done, name, left)
    return in_force(looked.observed.databases[name], compiled, whom.judged, whom.oids, unsettled)


def is_meant(spec: RegentSpec, restrained: Trouble | None) -> bool:
    """Whether anything may be refused: declared so, possible, and the Regent may write."""
    is_declared = spec.enforcement == "Prevent" and spec.detector != "Polling"
    return is_declared and not spec.suspend and restrained is None
