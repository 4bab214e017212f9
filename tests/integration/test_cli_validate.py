"""`validate --dsn`: names without a wildcard that name nothing on the server are warnings."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.command import flights, postgregent
from tests.postgres.database import Database

pytestmark = pytest.mark.found("C26")


def misspelt(folder: Path) -> Path:
    """The flights, with a Permission whose names are wrong in each field."""
    directory = flights(folder)
    given = {
        "database": "mydb",
        "schemas": ["schema1", "schmea2"],
        "tables": ["flihgts"],
        "actions": ["SELECT"],
    }
    sequences = {
        "database": "mydb",
        "schemas": ["*"],
        "sequences": ["tomorrow_*", "nothing_seq"],
        "actions": ["USAGE"],
    }
    columns = {
        "database": "mydb",
        "schemas": ["schema1"],
        "tables": ["flights"],
        "columns": ["no_such_column"],
        "actions": ["SELECT"],
    }
    names = ["misspelt", "columns", "sequences"]
    documents = [
        {
            "apiVersion": "putnam120.postgregent/v1alpha1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec,
        }
        for kind, name, spec in (
            ("Permission", "misspelt", given),
            ("Permission", "columns", columns),
            ("Permission", "sequences", sequences),
            ("Role", "guest", {"database": "mydb", "permissions": names}),
        )
    ]
    (directory / "misspelt.yaml").write_text(yaml.safe_dump_all(documents))
    return directory


async def test_each_literal_that_names_nothing_is_a_warning_with_its_line(
    database: Database, tmp_path: Path
) -> None:
    directory = misspelt(tmp_path)
    without = await postgregent("validate", str(directory))
    assert without.status == 0
    assert "warning" not in without.out
    ended = await postgregent("validate", str(directory), "--dsn", database.dsn(), "-o", "json")
    assert ended.status == 0, ended.out + ended.err
    found = {one["field"]: one for one in ended.data()["problems"]}
    assert set(found) == {
        "spec.schemas[1]", "spec.tables[0]", "spec.sequences[1]", "spec.columns[0]",
    }  # fmt: skip
    assert {one["severity"] for one in found.values()} == {"warning"}
    assert found["spec.schemas[1]"]["wayOut"] == "Did you mean 'schema2'?"
    lines = (directory / "misspelt.yaml").read_text().splitlines()
    assert all(one["value"] in lines[one["line"] - 1] for one in found.values()), found
    text = await postgregent("validate", str(directory), "--dsn", database.dsn())
    assert text.status == 0
    assert "with 4 warnings" in text.out
    planned = await postgregent("plan", str(directory), "--dsn", database.dsn())
    assert all(repr(one["value"]) in planned.out for one in found.values()), planned.out
    connection = await database.connect()
    assert not await connection.fetchval(
        "SELECT count(*) FROM pg_catalog.pg_database WHERE datname = 'postgregent'"
    )


async def test_what_is_there_is_no_warning(database: Database, tmp_path: Path) -> None:
    """Twin."""
    ended = await postgregent("validate", str(flights(tmp_path)), "--dsn", database.dsn())
    assert (ended.status, ended.out) == (0, "8 resources are valid\n"), ended.err


async def test_a_server_that_cannot_be_read_is_no_valid_directory(
    database: Database, tmp_path: Path
) -> None:
    """A wrong password, and a database that is served and not there."""
    directory = misspelt(tmp_path)
    wrong = database.dsn("my-admin", "wrong")
    ended = await postgregent("validate", str(directory), "--dsn", wrong)
    assert ended.status == 1
    assert "does not accept the password" in ended.err
    regent = directory / "regent.yaml"
    document = yaml.safe_load(regent.read_text())
    document["spec"]["additionalDatabases"] = ["missing"]
    regent.write_text(yaml.safe_dump(document))
    ended = await postgregent("validate", str(directory), "--dsn", database.dsn())
    assert ended.status == 1
    assert "'missing'" in ended.err


async def test_an_error_of_the_directory_is_said_without_asking(tmp_path: Path) -> None:
    directory = flights(tmp_path)
    (directory / "wrong.yaml").write_text("kind: Role\nmetadata: {name: x}\n")
    dsn = "postgresql://a:b@127.0.0.1:1/mydb"
    ended = await postgregent("validate", str(directory), "--dsn", dsn)
    assert ended.status == 1
    assert "127.0.0.1" not in ended.out + ended.err
