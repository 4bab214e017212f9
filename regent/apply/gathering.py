"""Objects of a schema go to the schema's owner: one after another, and code only where it is safe.

As what a leaver owned (regent/apply/handing_on.py): each object in a transaction of its own, in
which it is judged again while its lock is held (rules 23 and 27, ADR 16), and in which its former
owner gets from the new one what is declared for it.
"""

from __future__ import annotations

from dataclasses import replace

from regent.apply.coming import Coming
from regent.apply.handing_on import SHOWN, Handing, Moved, Refused, owned_object
from regent.apply.keeping import Keeping
from regent.apply.means import Means
from regent.apply.result import (
    STAYS,
    ChangeResult,
    is_passing,
    way_out,
)
from regent.changes import GatherObjects, HandOnOwned, ObjectRef
from regent.kinds import KINDS
from sql import load

FOLLOWS = "it follows its table, which stays"


async def gather(means: Means, change: GatherObjects, moved: Moved, coming: Coming) -> ChangeResult:
    """What is refused of it is the remaining part, and hides nothing else.

    `moved` is what the new owner got of the former one so far: no power of its own. What is not
    found any more was dropped, left the schema, or went with its table. A column's sequence that is
    found stays with its table, which was tried before it.
    """
    as_handed = HandOnOwned(change.database, change.former, change.owner, listed=change.listed)
    handing = Handing(as_handed, moved, coming, means.before_write, means.patience, change.name)
    refs = {one.oid: one for one in change.objects}
    keeping, kind = Keeping.of(change, means.server), KINDS[change.kind]
    refused: dict[ObjectRef, Refused] = {}
    async with means.connections.use(change.database) as connection:
        rows = await connection.fetch(
            load("apply/owned_objects"),
            kind.catalog,
            list(refs),
            change.former,
            change.name,
        )
        for row in rows:
            thing, ref = owned_object(row), refs[row["objid"]]
            why = FOLLOWS if row["follows"] else await handing.refusal(connection, thing)
            also = keeping.on(kind.at(oid) for _, _, oid in thing.places)
            stays = Refused(why) if why else await handing.hand_on(connection, thing, also)
            if stays is not None:
                refused[ref] = stays
    if not refused:
        return ChangeResult(change, done=True)
    return _refused(change, refused)


def _refused(change: GatherObjects, refused: dict[ObjectRef, Refused]) -> ChangeResult:
    """With the code of what passes, where anything does: then all of it is tried again soon."""
    states = sorted({one.sqlstate for one in refused.values()}, key=is_passing, reverse=True)
    first = [f"{ref}: {one.why}" for ref, one in list(refused.items())[:SHOWN]]
    left = replace(change, objects=tuple(refused))
    return ChangeResult(
        change,
        done=False,
        sqlstate=states[0],
        message=f'{len(refused)} of them stay with "{change.former}": {"; ".join(first)}.',
        way_out=way_out(STAYS, change) if STAYS in states else way_out(states[0]),
        remaining=(left,),
    )
