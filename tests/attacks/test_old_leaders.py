"""A leader of before cannot undo what a newer one has pushed, whatever it still knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemons import running
from tests.declared import REFERENCE, state
from tests.postgres.database import Database
from tests.settings import settings_for

OTHER = f"{REFERENCE}Role/old: {{database: mydb}}\n"


@pytest.mark.found("E126")
@pytest.mark.rule("17")
async def test_what_was_declared_before_and_is_again_is_no_way_back(
    database: Database, tmp_path: Path
) -> None:
    """A, B, and A again: who knows the first A is refused, and who reads the last and is older."""
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE, revision=1))
        first = regent.etag
        await regent.push(state(OTHER, revision=2))
        await regent.push(state(REFERENCE, revision=3))
        last, old = regent.etag, state(OTHER, revision=2)
        for known in (first, last):
            regent.etag = known
            assert (await regent.push(old)).status_code == 412
        status = await regent.settled(3)
        assert f'"{status["acceptedEtag"]}"' == last
        newer = await regent.push(state(OTHER, revision=4))
        assert newer.status_code == 202, newer.text
