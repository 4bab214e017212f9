"""A kind of object is a row of regent/kinds.py and a fragment: no other code knows it by name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import sql
from regent.inspect.statements import fragment
from regent.kinds import KINDS, Row
from shared.privileges import ObjectKind
from shared.resources import PermissionSpec
from shared.resources.permission import KIND_OF_FIELD
from shared.unsupported import UNSUPPORTED

ROOT = Path(__file__).parents[2]
MAY_NAME_A_KIND = {
    "regent/kinds.py": "the table",
    "regent/apply/owned.py": "what a leaver may own, which is more than has privileges",
    "shared/privileges.py": "the privileges of each kind",
    "shared/resources/permission.py": "the field of a Permission that selects each kind",
    "shared/resources/grantee.py": "default privileges on schemas, which no such field selects",
    "shared/crds/rules.py": "the same fields as rules of the CRD",
}
CATALOGS = {"pg_class", "pg_namespace", "pg_database", "pg_attribute"} | {
    catalog for row in KINDS.values() for catalog in (row.catalog, row.acl_catalog)
}


def named_in(path: Path) -> Iterator[str]:
    """`ObjectKind.TABLE`, and the name of a catalog that holds objects, with their lines."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Attribute(value=ast.Name(id="ObjectKind"), attr=name):
                yield f"{node.lineno}: ObjectKind.{name}"
            case ast.Constant(value=str() as text) if text in CATALOGS:
                yield f"{node.lineno}: {text!r}"


def test_only_these_files_name_a_kind() -> None:
    found = {
        place: list(names)
        for package in ("regent", "controller", "cli", "shared", "docs")
        for path in sorted((ROOT / package).rglob("*.py"))
        if (names := list(named_in(path)))
        and (place := str(path.relative_to(ROOT))) not in MAY_NAME_A_KIND
    }
    assert found == {}, "read what differs from the row in regent/kinds.py"


@pytest.mark.parametrize("place", MAY_NAME_A_KIND)
def test_each_of_them_still_does(place: str) -> None:
    assert list(named_in(ROOT / place))


@pytest.mark.parametrize("row", KINDS.values(), ids=lambda row: row.kind)
def test_a_kind_has_a_fragment_that_gives_its_rows(row: Row) -> None:
    text = fragment(row)
    assert text.startswith(f"-- {row.kind}: ")
    assert f"SELECT '{row.kind}'" in text
    assert not row.default_acl or f"acldefault('{row.default_acl}'" in text


def test_every_fragment_has_a_row() -> None:
    there = {path.stem for path in (Path(sql.__file__).parent / "inspect/kinds").glob("*.sql")}
    assert there == {row.kind.lower().replace(" ", "_") for row in KINDS.values()}


def test_a_kind_is_selected_by_the_field_that_its_row_names() -> None:
    fields = {row.kind: row.listed_in for row in KINDS.values() if row.listed_in}
    of_columns = {ObjectKind.COLUMN: "tables"}
    by_field = {kind: field for field, kind in KIND_OF_FIELD.items() if kind in KINDS}
    assert fields == by_field | of_columns


def test_a_field_is_unsupported_exactly_as_long_as_its_kind_has_no_row() -> None:
    without = {field for field, kind in KIND_OF_FIELD.items() if kind not in KINDS}
    assert without == set(UNSUPPORTED.get(PermissionSpec, ()))


def test_only_what_a_targeted_pass_reads_is_simple() -> None:
    wrong = [row.kind for row in KINDS.values() if row.tags.simple and not row.is_targeted]
    assert wrong == []
