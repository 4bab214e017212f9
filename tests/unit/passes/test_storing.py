"""What is accepted is read, merged and written with nobody in between."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest

from regent.accept.merge import accept
from regent.engine import Engine
from regent.passes.look import Memory
from regent.remembered import AcceptedState
from shared.state import DesiredState
from tests.declared import REFERENCE, state
from tests.unit.cluster.objects import NOW


@dataclass
class SlowHome:
    """Stores when it is let."""

    may_store: asyncio.Event = field(default_factory=asyncio.Event)
    stored: list[AcceptedState] = field(default_factory=list)

    async def store_accepted(self, accepted: AcceptedState) -> None:
        await self.may_store.wait()
        self.stored.append(accepted)

    async def forget_unmanageable(self) -> None: ...


async def _nothing(_previous: AcceptedState | None) -> None:
    """No judgement is under way."""


def engine_over(home: SlowHome, accepted: AcceptedState) -> Engine:
    """As much of an engine as stores an accepted state."""
    engine = object.__new__(Engine)
    memory = cast(Memory, SimpleNamespace(accepted=accepted, refused={}))
    parts = {
        "_storing": asyncio.Lock(),
        "lock": SimpleNamespace(require=lambda: None),
        "home": home,
        "passes": SimpleNamespace(
            memory=memory,
            accepted=lambda: memory.accepted,
            make_way=_nothing,
            replacing=nullcontext,
            ask_again=home.forget_unmanageable,
        ),
    }
    vars(engine).update(parts)
    return engine


@pytest.mark.found("A1")
async def test_a_push_revives_nothing_that_a_pass_ended_while_it_waited() -> None:
    """A home database that is lost is taken back once; the push must not ask for it again."""

    def merged(previous: AcceptedState | None, pushed: DesiredState) -> AcceptedState:
        return accept(previous, pushed, f"tag-{pushed.revision}", NOW)

    lost = merged(None, state(REFERENCE)).model_copy(update={"is_home_lost": True})
    home = SlowHome()
    engine = engine_over(home, lost)
    ended = SimpleNamespace(
        restraint=None,
        awaiting=None,
        desired=SimpleNamespace(adopted=frozenset(), endings=()),
    )

    async def merge(previous: AcceptedState | None) -> AcceptedState:
        return merged(previous, state(REFERENCE, revision=2))

    ending = asyncio.create_task(engine._end_takeover(cast("object", ended)))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    pushing = asyncio.create_task(engine.accept(merge))
    await asyncio.sleep(0)
    home.may_store.set()
    await asyncio.gather(ending, pushing)
    assert [one.is_home_lost for one in home.stored] == [False, False]
    assert (await pushing).state.revision == 2
