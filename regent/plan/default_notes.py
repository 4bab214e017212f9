"""Default privileges that give nothing, or restrict nobody: said, and no trouble. Pure.

A row for one schema adds to the row for all of them, and can take nothing from it: what PUBLIC has
everywhere it has in each schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from regent.desired import DeclaredDefault, Desired
from regent.kinds import KINDS
from regent.observed import Observed, ObservedDatabase
from regent.plan.defaults import schemas_in
from regent.plan.matching import is_system
from shared.keys import ResourceKey
from shared.patterns import matcher
from shared.privileges import ObjectKind

MOST_NOTES = 8
_Same: TypeAlias = tuple[str, ObjectKind, str | None]
"""Creator, kind and grantee."""


def notes_on_defaults(
    desired: Desired, observed: Observed
) -> Mapping[ResourceKey, tuple[str, ...]]:
    """By resource, of the databases that were read as a whole."""
    found: dict[ResourceKey, dict[str, None]] = {}
    for database, declared in desired.defaults.items():
        reading = observed.databases.get(database)
        if reading is None or reading.is_partial:
            continue
        notes = _Notes.of(reading, declared, desired.ignore_schemas)
        for one in declared:
            for key in one.declared_by:
                if len(said := found.setdefault(key, {})) < MOST_NOTES:
                    said.update(dict.fromkeys(notes.on(one)))
    return {key: tuple(notes)[:MOST_NOTES] for key, notes in found.items() if notes}


@dataclass(frozen=True, slots=True)
class _Notes:
    """What each declaration is held against, looked up once for all."""

    schemas: frozenset[str]
    is_ignored: Callable[[str], bool]
    everywhere: Mapping[_Same, frozenset[str]]
    """What is declared in every schema."""
    of_public: Mapping[tuple[str, ObjectKind], frozenset[str]]
    """What the rows for everywhere give to everybody."""

    @staticmethod
    def of(
        reading: ObservedDatabase,
        declared: Sequence[DeclaredDefault],
        ignore_schemas: tuple[str, ...],
    ) -> _Notes:
        """Of one database."""
        everywhere: dict[_Same, frozenset[str]] = {}
        for one in declared:
            if one.schema is None:
                same = (one.creator, one.kind, one.grantee)
                everywhere[same] = everywhere.get(same, frozenset()) | one.privileges
        of_public = {
            (row.creator, row.kind): frozenset[str]().union(
                *(item.privileges for item in row.acl if item.grantee is None)
            )
            for row in reading.defaults
            if row.schema is None
        }
        return _Notes(schemas_in(reading), matcher(ignore_schemas), everywhere, of_public)

    def on(self, one: DeclaredDefault) -> Iterator[str]:
        """What is to be said of one declaration."""
        what = f"spec.defaultPrivileges: new {KINDS[one.kind].many} of {one.creator!r}"
        if one.schema is not None:
            place = f"{what} in {one.schema!r}"
            if is_system(one.schema) or self.is_ignored(one.schema):
                yield f"{place} give nothing: no declaration reaches this schema. Take it out."
            elif one.schema not in self.schemas:
                yield f"{place}: there is no such schema yet. Create it, or correct the name."
            same = (one.creator, one.kind, one.grantee)
            if twice := sorted(one.privileges & self.everywhere.get(same, frozenset())):
                yield (
                    f"{place} give {', '.join(twice)} as those in every schema do: PostgreSQL adds"
                    " the two up, and nothing that is said of a schema takes from it. Take one out."
                )
        if one.grantee is None:
            return
        if open_to_all := sorted(one.privileges & self._of_public(one)):
            yield (
                f"{what} give {', '.join(open_to_all)} to PUBLIC as well, so it restricts nobody."
                " ALTER DEFAULT PRIVILEGES .. REVOKE without IN SCHEMA takes that; with IN SCHEMA"
                f" it takes nothing.{_way_out(one, open_to_all)}"
            )

    def _of_public(self, one: DeclaredDefault) -> frozenset[str]:
        """What everybody has on such objects: by the row for everywhere, else by PostgreSQL."""
        new_ones = KINDS[one.kind].new_ones
        built_in = new_ones.of_public if new_ones is not None else frozenset()
        return self.of_public.get((one.creator, one.kind), built_in)


def _way_out(one: DeclaredDefault, privileges: Iterable[str]) -> str:
    """The field of the Regent by which nobody has it who is not declared."""
    rights = {KINDS[one.kind].public_right(privilege) for privilege in privileges}
    fields = " and ".join(sorted(f"spec.publicPrivileges.{right}" for right in rights if right))
    return f" So does {fields}: Declared in the Regent." if fields else ""
