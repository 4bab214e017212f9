"""Write docs/kinds.md: every privilege of every kind of object, by version, and what tests it.

`python -m docs.kinds`; a test says when the page is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from regent.kinds import KINDS, Row
from shared.privileges import unknown_to
from tests.postgres.releases import VERSIONS
from tests.things import EDGES

PAGE = Path(__file__).with_name("kinds.md")
NEWEST = max(VERSIONS)
NEXT = NEWEST + 1
ABSENT = "-"
UNTESTED = "untested"

HEAD = f"""\
# Kinds of object, and their privileges

<!-- Written by `python -m docs.kinds` from the table of kinds and from the tests. -->

What a Permission may be about. ✓ is tested on that version: given, plain and with grant option,
broken in two ways, corrected, and taken again, with nothing left to plan in between
([test_every_privilege.py](../tests/integration/test_every_privilege.py)). {ABSENT} is what that
version does not have. {NEXT} is not tested: a newer server is served as a PostgreSQL {NEWEST},
what it adds is left alone, and `plan` and the Regent's log say so. What is marked {UNTESTED} is
written as its manual says, for servers that have it, and was never tried.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_table(), ""])


def _table() -> Iterator[str]:
    versions = (*map(str, VERSIONS), str(NEXT))
    yield f"| kind | selected by | privilege | {' | '.join(versions)} |"
    yield "|---|---|---|" + ":-:|" * len(versions)
    for row in KINDS.values():
        for number, privilege in enumerate(sorted(row.privileges)):
            kind, selected = (row.many, row.selected_by) if number == 0 else ("", "")
            marks = [_mark(row, privilege, version) for version in VERSIONS]
            marks.append(UNTESTED if row.since == NEXT else "")
            yield f"| {kind} | {selected} | {privilege} | {' | '.join(marks)} |"


def _mark(row: Row, privilege: str, version: int) -> str:
    """What is known of it on this version."""
    if version < row.since or privilege not in row.privileges - unknown_to(version, row.kind):
        return ABSENT
    return "✓" if any((one.kind, one.privilege) == (row.kind, privilege) for one in EDGES) else "?"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    sys.exit(0)
