"""One time at the edge of what Python holds stops nobody but its own resource, and settles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml

from regent.apply.render import render
from regent.changes import AlterRole, Effect
from regent.gate.digests import digest
from tests.command import flights, postgregent
from tests.postgres.database import Database

API = "apiVersion: putnam120.postgregent/v1alpha1"
USER = f"{API}\nkind: User\nmetadata: {{name: NAME}}\nspec: {{database: mydb, validUntil: WHEN}}\n"
ACCESS = (
    f"{API}\nkind: User\nmetadata: {{name: NAME}}\nspec:\n  database: mydb\n"
    "  access: [{role: mydb-viewer, until: WHEN, reason: r}]\n"
)
BEYOND = ("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00")


@pytest.mark.found("E20")
@pytest.mark.versions(14, 18)
async def test_a_time_beyond_the_years_holds_its_user_alone_and_the_ends_settle(
    database: Database, tmp_path: Path
) -> None:
    directory = flights(tmp_path)
    for name, text, when in (
        ("after", USER, BEYOND[0]),
        ("before", USER, BEYOND[1]),
        ("through", ACCESS, BEYOND[0]),
        ("late", USER, "9999-12-30T00:00:00Z"),
        ("early", USER, "1970-01-01T00:00:00Z"),
    ):
        shown = text.replace("NAME", name).replace("WHEN", f'"{when}"')
        (directory / f"{name}.yaml").write_text(shown)
    refused = await postgregent("validate", str(directory))
    for field, when in (("validUntil", BEYOND[0]), ("validUntil", BEYOND[1]), ("until", BEYOND[0])):
        assert any(
            field in line and f"is {when}, which is not between 1970-01-01T00:00:00Z" in line
            for line in (refused.out + refused.err).splitlines()
        ), (field, when)
    for name in ("after", "before", "through"):
        (directory / f"{name}.yaml").unlink()
    first = await postgregent("apply", str(directory), "--dsn", database.dsn())
    assert first.status == 0, first
    second = await postgregent("apply", str(directory), "--dsn", database.dsn(), "-o", "yaml")
    assert (second.status, yaml.safe_load(second.out)["results"]) == (0, [])
    connection = await database.connect()
    assert await connection.fetchval("SELECT to_regrole('late') IS NOT NULL")


@pytest.mark.found("E20")
def test_a_time_that_cannot_be_turned_into_utc_is_digested_and_rendered() -> None:
    """Should one come through all the same: PostgreSQL reads every offset."""
    for moment in (
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=14))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
    ):
        assert digest(moment) != digest(datetime(2000, 1, 1, tzinfo=UTC))
        assert "VALID UNTIL" in str(
            render(AlterRole("r", Effect.OPEN, valid_until=moment), major=18)
        )
