"""`--wait`: what is shown, and with which exit status."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from cli import waiting
from cli.waiting import Look, timeout_of, waited
from shared.errors import PostgRegentError
from tests.command import postgregent


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "EVERY_SECONDS", 0)


def looking(shown: list[int], *found: int | None) -> Callable[[], Awaitable[Look]]:
    """One after the other, the last one for ever; None is a server that is not there."""
    left = list(found)

    async def look() -> Look:
        one = left.pop(0) if len(left) > 1 else left[0]
        if one is None:
            raise PostgRegentError("gone", way_out="wait")
        return Look(one, lambda: shown.append(one))

    return look


async def test_the_first_look_that_is_fine_is_shown() -> None:
    shown: list[int] = []
    assert await waited(looking(shown, None, 3, 1, 0, 3), 3600) == 0
    assert shown == [0]


async def test_what_is_never_fine_is_shown_as_it_was_at_last() -> None:
    shown: list[int] = []
    assert await waited(looking(shown, 3), 0.01) == 3
    assert shown == [3]


@pytest.mark.parametrize("seconds", [None, 0, 0.01])
async def test_what_cannot_be_reached_at_last_is_raised(seconds: float | None) -> None:
    with pytest.raises(PostgRegentError, match="gone"):
        await waited(looking([], None), seconds)


async def test_without_waiting_there_is_one_look() -> None:
    shown: list[int] = []
    assert await waited(looking(shown, 3, 0), None) == 3
    assert shown == [3]


def test_a_timeout_is_written_as_kubectl_has_it() -> None:
    assert [timeout_of(text) for text in ("30", "30s", "1.5m", "2h")] == [30, 30, 90, 7200]
    for text in ("", "soon", "-1", "5 m", "1d"):
        with pytest.raises(ValueError, match="is no time"):
            timeout_of(text)


async def test_a_timeout_without_waiting_is_refused() -> None:
    ended = await postgregent("status", "--timeout", "5m", "--dsn", "postgresql://a@b/c")
    assert (ended.status, "--timeout goes with --wait" in ended.err) == (1, True)
    wrong = await postgregent("status", "--wait", "--timeout", "soon")
    assert (wrong.status, "is no time" in wrong.err) == (1, True)
