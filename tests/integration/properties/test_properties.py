"""Properties of every pass, over generated databases, declarations and deeds of others.

Each example takes a fresh database of a real server. `make test` goes through a few examples that
are always the same, `make test-long` through many.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from regent.accept.merge import accept
from regent.access.places import Places
from regent.foresight import foresee, look_at
from regent.foundation import Foundation, founded
from regent.passes.one_pass import Pass
from regent.settings import RegentSettings, connector_of
from shared.privileges import ACTIONS
from shared.state import DesiredState, etag
from tests.declared import state
from tests.integration.properties.foretelling import as_foreseen
from tests.integration.properties.looking import SETUP, Bystander, Seen, see
from tests.integration.properties.world import (
    NAMES,
    PUBLIC,
    STRANGER,
    VERIFIER,
    Fact,
    World,
    deeds,
    right_of,
    worlds,
)
from tests.postgres.database import flights
from tests.postgres.reset import reset
from tests.postgres.server import PostgresServer
from tests.settings import settings_for

OPEN = {
    "brake": {"mode": "Disabled"},
    "allow": {
        "actions": sorted(ACTIONS),
        "attributes": ["createdb", "inherit"],
        "parameters": ["log_*", "myapp.*"],
        "ownedSchemas": ["*"],
        "reassignOwnedTo": ["app_owner", *NAMES],
    },
}
PASSWORDS = {f"User/{name}": {"verifier": VERIFIER} for name in ("u1", "u2")}


@dataclass
class Case:
    """Two worlds, one after the other, with what others do before each."""

    first: World
    then: World
    before: Sequence[str] = ()
    between: Sequence[str] = ()


@st.composite
def cases(draw: st.DrawFn, major: int) -> Case:
    objects = draw(st.booleans())
    some = st.lists(deeds(major), max_size=6)
    return Case(draw(worlds(major, objects)), draw(worlds(major, objects)), draw(some), draw(some))


@dataclass
class Bench:
    """One example's database, the passes over it, and a second session that looks on."""

    major: int
    stand: Foundation
    look: asyncpg.Connection
    bystander: Bystander
    configured: RegentSettings
    revision: int = 0
    now: Seen = field(init=False)

    async def see(self) -> Seen:
        self.now = await see(self.look, self.major)
        return self.now

    async def do(self, statements: Sequence[str]) -> None:
        """What the server does not refuse, as its superuser."""
        for one in statements:
            with suppress(asyncpg.PostgresError):
                await self.look.execute(one)
            await self.look.execute("RESET ROLE")

    async def bring(self, world: World | None) -> Pass:
        """Declare a world, and let a pass go over it."""
        self.revision += 1
        pushed = self.pushed(world)
        passes, home = self.stand.passes, self.stand.home
        accepted = accept(passes.memory.accepted, pushed, etag(pushed), datetime.now(UTC))
        await passes.make_way(accepted)
        passes.memory.accepted = accepted
        await home.store_accepted(accepted)
        self.bystander.seen.clear()
        return await passes.full()

    def pushed(self, world: World | None) -> DesiredState:
        """The push that declares a world."""
        return state(
            world.text if world else "",
            regent={**OPEN, **(world.regent if world else {})},
            passwords=PASSWORDS if world else None,
            revision=self.revision,
        )

    async def foreseen(self, world: World) -> Places:
        """What it would make of the server."""
        [found] = (await foresee(self.configured, [self.pushed(world)])).states
        return found.places

    async def planned(self) -> list[str]:
        """What a second pass would do."""
        one = await self.stand.passes.observe(self.stand.passes.accepted())
        return [str(change) for change in (*one.plan.changes, *one.verdict.waiting)]


def alike(holds: Set[Fact], shall: Set[Fact]) -> None:
    """Else each fact that differs is named in full."""
    if holds != shall:
        missing, spurious = sorted(shall - holds), sorted(holds - shall)
        raise AssertionError(f"missing: {missing}; spurious: {spurious}")


async def in_force(bench: Bench, world: World) -> None:
    """(a) what is there is what is declared, (b) a second plan is empty, (e) nobody was cut short.

    And effective access is as it was foreseen (ADR 60).

    What nobody declares stays as it was: strangers, and the rights of PUBLIC that are not declared.
    """
    before = await bench.see()
    foreseen = await bench.foreseen(world)
    one = await bench.bring(world)
    as_foreseen(foreseen, (await look_at(bench.configured.server, "mydb")).now)
    assert not one.refused, [f"{r.change}: {r.message}" for r in one.refused]
    troubled = {k: o for k, o in one.outcomes.items() if not o.is_ready and "everybody" not in k}
    assert not troubled, [(k, o.reason, o.message) for k, o in troubled.items()]
    after = await bench.see()
    assert not (plan := await bench.planned()), plan

    things = after.things
    owned = {(t.kind, t.schema, t.name): owner for t, owner in after.owners}
    shall = frozenset(
        fact
        for fact in world.facts(things, bench.major)
        if fact[0] not in ("acl", "option") or owned[fact[1], fact[2], fact[3]] != fact[5]
    )
    holds = after.of(NAMES)
    perhaps = world.perhaps(after.owners) - shall
    alike(holds - perhaps, shall)
    for schema, owner, objects in world.owners():
        found = {o for t, o in after.owners if schema in (t.schema, t.name)}
        assert owned["SCHEMA", "", schema] == owner
        assert not objects or found == {owner}

    everybody = after.of([PUBLIC])
    alike(
        {f for f in everybody if right_of(f) in world.declared},
        world.of_everybody(things, bench.major),
    )
    rest = {f for f in before.of([PUBLIC]) if right_of(f) not in world.declared}
    alike({f for f in everybody if right_of(f) not in world.declared}, rest)
    mine = {f for f in before.of([STRANGER]) if f[0] in ("acl", "option", "attribute", "setting")}
    assert mine <= after.of([STRANGER]), sorted(mine - after.of([STRANGER]))

    assert bench.bystander.seen or not one.results
    in_both = before.facts & after.facts
    for number, moment in enumerate(bench.bystander.seen):
        lost = in_both - moment.facts
        assert not lost, f"after {number} transactions: {sorted(lost)}"


async def go_through(server: PostgresServer, case: Case) -> None:
    """All of it, on a database of its own."""
    await reset(server)
    async with flights(server) as database:
        look = await database.connect()
        await look.execute(SETUP)
        bystander = Bystander(database.dsn(), server.version)
        try:
            configured = settings_for(database)
            async with founded(configured, connector_of(configured.server)) as stand:
                watch(stand, bystander)
                await all_of(Bench(server.version, stand, look, bystander, configured), case)
        finally:
            bystander.close()


def watch(stand: Foundation, bystander: Bystander) -> None:
    """Look before each transaction that writes."""
    required = stand.lock.require

    def look_too() -> None:
        bystander.look()
        required()

    stand.passes._before_write = look_too


async def all_of(bench: Bench, case: Case) -> None:
    untouched = (await bench.see()).of([PUBLIC])
    await bench.do(case.before)
    await in_force(bench, case.first)
    await bench.do(case.between)
    await in_force(bench, case.then)
    by_two_steps = bench.now.of(NAMES)
    # (d) Nothing of ours is left.
    await nothing_left(bench)
    # (c) Two steps equal one.
    await in_force(bench, case.then)
    perhaps = case.then.perhaps(bench.now.owners)
    alike(bench.now.of(NAMES) - perhaps, by_two_steps - perhaps)
    await nothing_left(bench)
    assert untouched  # PUBLIC keeps what is not declared any more: rule 11


async def nothing_left(bench: Bench) -> None:
    """Of what was declared; what strangers have is theirs."""
    before = await bench.see()
    one = await bench.bring(None)
    assert not one.refused, [f"{r.change}: {r.message}" for r in one.refused]
    after = await bench.see()
    assert not after.of(NAMES), sorted(after.of(NAMES))
    assert not await bench.planned()
    assert {owner for _, owner in after.owners}.isdisjoint(NAMES)
    marks = [m for m in await bench.stand.home.marks() if not m.released]
    assert not marks
    mine = {f for f in before.of([STRANGER]) if f[0] in ("acl", "option", "attribute", "setting")}
    assert mine <= after.of([STRANGER]), sorted(mine - after.of([STRANGER]))
    assert after.of([PUBLIC]) == before.of([PUBLIC])
    named = "SELECT count(*) FROM pg_shdepend AS d WHERE NOT EXISTS (SELECT FROM pg_authid AS r"
    assert not await bench.look.fetchval(
        f"{named} WHERE r.oid = d.refobjid) AND d.refclassid = 'pg_authid'::regclass"
    )


QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.mark.rule("8", "11", "13", "15", "16", "22", "27")
@settings(max_examples=3, phases=(Phase.generate,), suppress_health_check=QUIET)
@given(data=st.data())
async def test_what_is_declared_holds_settles_and_goes_without_a_trace(
    server: PostgresServer, data: st.DataObject
) -> None:
    await go_through(server, data.draw(cases(server.version)))


@pytest.mark.slow
@pytest.mark.rule("8", "11", "13", "15", "16", "22", "27")
@pytest.mark.every_version
@pytest.mark.timeout(1_800)
@settings(max_examples=60, suppress_health_check=QUIET)
@given(data=st.data())
async def test_what_is_declared_holds_settles_and_goes_without_a_trace_many_times(
    server: PostgresServer, data: st.DataObject
) -> None:
    await go_through(server, data.draw(cases(server.version)))
