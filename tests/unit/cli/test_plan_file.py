"""The file of `plan --out`: what is read of it, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.conninfo import parse
from cli.dsn import without_password
from cli.kept_plan import KeptChange, KeptPlan, MadeFor, digest_of_plan
from cli.plan_file import PlanFileError, read_plan, write_plan
from shared.consent import ConsentKind

PLACE = MadeFor(
    directory="deploy",
    regent="default/main",
    server="db:5432/mydb",
    user="my-admin",
    dsn="user=my-admin",
    secrets_from_env=False,
)


WAITS: tuple[dict[ConsentKind, str], ...] = ({}, {"Brake": "d"}, {"Approval": "d"})


def change(what: str) -> KeptChange:
    return KeptChange(
        action="add", effect="Widen", what=what, where="database mydb", resources=(), statements=()
    )


def plan(*changes: KeptChange) -> KeptPlan:
    digest = digest_of_plan(PLACE, changes, {"Brake": "d"})
    return KeptPlan(made_for=PLACE, changes=changes, waits={"Brake": "d"}, digest=digest)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file, kept = tmp_path / "plan.json", plan(change("grant SELECT"), change("grant INSERT"))
    write_plan(kept, file)
    assert read_plan(file) == kept


def test_the_digest_is_of_what_is_done_where_and_in_which_order() -> None:
    one, other = change("grant SELECT"), change("grant INSERT")
    elsewhere = PLACE.model_copy(update={"server": "other:5432/mydb"})
    digests = {
        digest_of_plan(place, changes, waits)
        for place in (PLACE, elsewhere)
        for changes in ((one, other), (other, one), (one,), ())
        for waits in WAITS
    }
    assert len(digests) == 2 * 4 * 3
    caused = one.model_copy(update={"resources": ("Role/default/viewer",)})
    assert digest_of_plan(PLACE, (caused,), {}) == digest_of_plan(PLACE, (one,), {})


@pytest.mark.parametrize(
    ("update", "said"),
    [
        ({"changes": []}, "was changed after it was made"),
        ({"waits": {}}, "was changed after it was made"),
        ({"version": 2}, "was written by a newer postgregent"),
        ({"more": 1}, "is no plan: more: "),
        ({"madeFor": None}, "is no plan: madeFor"),
    ],
)
def test_what_is_no_plan_of_ours_is_refused(
    tmp_path: Path, update: dict[str, Any], said: str
) -> None:
    file = tmp_path / "plan.json"
    write_plan(plan(change("grant SELECT")), file)
    file.write_text(json.dumps(json.loads(file.read_text()) | update))
    with pytest.raises(PlanFileError, match=said) as error:
        read_plan(file)
    assert error.value.way_out


@pytest.mark.parametrize("text", ["", "[]", "kind: Role\n", "[" * 100_000, '{"version": "1"}'])
def test_any_other_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "roles.yaml"
    file.write_text(text)
    with pytest.raises(PlanFileError, match="is no plan"):
        read_plan(file)


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(PlanFileError, match="could not be written"):
        write_plan(plan(), tmp_path / "gone" / "plan.json")


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://my-admin:canary@db.example.com:5433/mydb?sslmode=verify-full",
        r"host=db user='o\'x y\\' dbname='' password='can\'ary'",
        "service=prod password=canary",
    ],
)
def test_a_dsn_is_kept_without_its_password(text: str) -> None:
    given = dict(parse(text))
    shown = without_password(text)
    assert given.pop("password") not in shown
    assert "canary" not in shown
    assert parse(shown) == given
