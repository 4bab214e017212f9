"""A command at the limit of its caller's stack is found all the same, or fails by its own depth.

Whoever calls chooses how deep: recorder and judge ran out of stack, said so, and let it through.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from regent.detect.events import EventReader
from regent.detect.install import install
from tests.integration.facts.once import refused
from tests.postgres.database import Database
from tests.preventing import preventing

pytestmark = pytest.mark.found("E521")
TOO_DEEP, REFUSED = "54001", "42501"
AROUND = 60
DIVE = """
CREATE FUNCTION public.dive(deep integer) RETURNS void LANGUAGE plpgsql AS $dive$
BEGIN
    IF deep > 0 THEN
        PERFORM public.dive(deep - 1);
    ELSE
        {deed};
    END IF;
END $dive$
"""
IS_GRANTED = """
SELECT EXISTS (
    SELECT FROM pg_class, aclexplode(relacl)
    WHERE oid = 'schema1.flights'::regclass AND privilege_type = 'DELETE' AND grantee = {grantee}
)
"""


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_no_depth_of_the_stack_hides_a_command(database: Database) -> None:
    """At each depth it fails as a whole, or leaves something behind; the twin is less deep."""
    admin = await database.connect()
    owner = await database.connect(database.owner)
    await owner.execute(DIVE.format(deed="GRANT DELETE ON schema1.flights TO PUBLIC"))
    await install(admin)
    reader = EventReader()
    async for depth in _depths(owner):
        await admin.execute("REVOKE DELETE ON schema1.flights FROM PUBLIC")
        await reader.take(admin)
        assert await refused(owner, f"SELECT public.dive({depth})") in ("", TOO_DEEP)
        taken = await reader.take(admin)
        if await admin.fetchval(IS_GRANTED.format(grantee=0)):
            found = [event.command_tag for event in taken.events]
            assert taken.lost or found == ["GRANT"], depth


@pytest.mark.rule("25")
async def test_no_depth_of_the_stack_is_a_way_around_the_judge(database: Database) -> None:
    owner = await database.connect(database.owner)
    grantee = "'\"mydb-viewer\"'::regrole"
    await owner.execute(DIVE.format(deed='GRANT DELETE ON schema1.flights TO "mydb-viewer"'))
    async with preventing(database):
        async for depth in _depths(owner):
            assert await refused(owner, f"SELECT public.dive({depth})") in (REFUSED, TOO_DEEP)
            assert not await owner.fetchval(IS_GRANTED.format(grantee=grantee)), depth


async def _depths(owner: asyncpg.Connection) -> AsyncIterator[int]:
    """1, and each around that which is too deep for the command alone."""
    shallow, deep = 1, 2
    while await refused(owner, f"SELECT public.dive({deep})") != TOO_DEEP:
        shallow, deep = deep, deep * 2
    while deep - shallow > 1:
        middle = (shallow + deep) // 2
        if await refused(owner, f"SELECT public.dive({middle})") == TOO_DEEP:
            deep = middle
        else:
            shallow = middle
    for depth in (1, *range(max(2, deep - AROUND), deep + 3)):
        yield depth
