"""What the exported resources are called: names that Kubernetes takes, and that read well. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from regent.export.fold import Fold
from regent.kinds import COLUMNS, CONTAINERS, DATABASES, KINDS, Scope
from shared.patterns import ANY
from shared.privileges import PRIVILEGES_OF

_OTHERS = re.compile(r"[^a-z0-9]+")
LONGEST = 60
MOST_WORDS = 3


def slug(text: str) -> str:
    """Lower-case letters, digits and hyphens; never empty."""
    return _OTHERS.sub("-", text.lower()).strip("-")[:LONGEST].strip("-") or "unnamed"


@dataclass(slots=True)
class Names:
    """Gives each name once, within one kind of resource."""

    _taken: set[str] = field(default_factory=set)

    def of(self, text: str) -> str:
        """The name as it is, or with a number where it is taken."""
        wanted = slug(text)
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}-{number}"
        self._taken.add(name)
        return name


def permission_name(one: Fold) -> str:
    """Such as `select-schema1`, `insert-update-schema1-flights`, `connect-mydb`."""
    is_all = len(one.actions) > 1 and PRIVILEGES_OF[one.kind] == frozenset(one.actions)
    words = ["all"] if is_all else [*_some(one.actions)]
    words += ["columns-of"] if one.kind is COLUMNS.kind else []
    words += ["on"] if one.kind is CONTAINERS.kind else []
    words += _some(one.schemas) if ANY not in one.schemas else ["every-schema"]
    if one.kind is DATABASES.kind:
        words.append(one.database)
    elif one.things.names and one.things.names != (ANY,):
        is_one = len(one.things.names) == 1
        words += [_word(one), one.things.names[0].partition("(")[0]] if is_one else [_counted(one)]
    elif one.things.names and KINDS[one.kind].listed_in != "tables":
        words.append(KINDS[one.kind].many)
    words += ["with-grant-option"] if one.is_grantable else []
    words += ["of-public"] if None in one.grantees else []
    return "-".join(filter(None, words))


def _word(one: Fold) -> str:
    """What it is, where the schema does not say that it is something of a schema."""
    row = KINDS[one.kind]
    return row.one if row.scope is not Scope.IN_SCHEMA else ""


def _counted(one: Fold) -> str:
    return f"{len(one.things.names)}-{KINDS[one.kind].many}"


def _some(words: Sequence[str]) -> list[str]:
    if len(words) <= MOST_WORDS:
        return list(words)
    return [*words[: MOST_WORDS - 1], f"and-{len(words) - MOST_WORDS + 1}-more"]
