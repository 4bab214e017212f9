"""A controller that may not list our kinds knows no Regent to doubt, and is not synced."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from controller.observe.doubts import SecretsRead
from controller.process import counted, is_synced
from tests.unit.cluster.one_look import World, regent

pytestmark = pytest.mark.found("E540")
REFUSED = "users.putnam120.postgregent: /apis/…/namespaces/teamb/users: 403 users is forbidden"


async def look(one: World) -> None:
    await one.term._look(cast(asyncio.TaskGroup, None))


@pytest.mark.rule("17")
async def test_who_may_not_list_our_kinds_is_not_synced_though_no_regent_is_known() -> None:
    one = World()
    one.caches.why = REFUSED
    await look(one)
    assert not is_synced(one.term)
    assert REFUSED in one.term.gate
    assert counted(one.term, is_leader=True).namespaces_unread == 1
    one.caches.why = ""
    await look(one)
    assert is_synced(one.term)
    assert counted(one.term, is_leader=True).namespaces_unread == 0


@pytest.mark.rule("17")
async def test_where_others_are_pushed_to_it_is_synced_and_says_what_it_cannot_read() -> None:
    one = World()
    one.declare(regent("teamc"))
    one.caches.unread = lambda: {"teamb": REFUSED}  # type: ignore[method-assign]
    await look(one)
    await look(one)
    assert one.pushed == {"teamc"}
    assert is_synced(one.term)
    assert REFUSED in one.term.gate
    assert counted(one.term, is_leader=True).namespaces_unread == 1


@pytest.mark.rule("17")
async def test_secrets_whose_list_fails_hold_a_push_and_it_is_said() -> None:
    """They may be those of an admin: without them it is not known what to leave alone."""
    one = World()
    one.declare(regent("teamc"))
    await look(one)
    one.pushed.clear()
    why = {"teamc": "not listed yet: /api/v1/namespaces/teamc/secrets: 500 InternalError"}
    read = SecretsRead({}, frozenset(why), why)
    one.caches.read_secrets = lambda names: read  # type: ignore[method-assign]  # noqa: ARG005
    await look(one)
    assert one.pushed == set()
    assert "500 InternalError" in one.term.acting.pushing.doubted[regent("teamc")].message
    assert not is_synced(one.term)
