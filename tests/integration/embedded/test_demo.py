"""The first command that a newcomer types."""

from __future__ import annotations

import pytest

from tests.command import FLIGHTS, postgregent_process


@pytest.mark.found("D34")
async def test_the_demo_tells_its_story_in_plain_text() -> None:
    ended = await postgregent_process("demo", str(FLIGHTS))
    assert ended.status == 0, ended.err
    assert "✓ plans nothing" in ended.out
    assert "[/]" not in ended.out
