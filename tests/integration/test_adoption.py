"""What a mistaken `adopt: true` must not take away, with the command as people run it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command import Running, flights, postgregent
from tests.postgres.database import Database

API = "putnam120.postgregent/v1alpha1"
HELD = """
SELECT count(*) FROM information_schema.role_table_grants WHERE grantee LIKE 'busy%'
"""


async def twelve(database: Database, folder: Path) -> tuple[Path, int]:
    """Twelve busy roles of others, adopted by manifests that declare nothing; what they hold."""
    directory = flights(folder)
    statements, documents = [], []
    for number in range(12):
        name = f"busy{number}"
        statements.append(
            f"CREATE ROLE {name} LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA schema1 TO {name};"
            f"GRANT USAGE ON SCHEMA schema1, schema2 TO {name}"
        )
        documents.append(
            {
                "apiVersion": API,
                "kind": "Role",
                "metadata": {"name": name},
                "spec": {"database": "mydb", "adopt": True},
            }
        )
    await database.execute(";".join(statements))
    (directory / "adopted.yaml").write_text(yaml.safe_dump_all(documents))
    connection = await database.connect()
    return directory, await connection.fetchval(HELD)


@pytest.mark.found("A2")
@pytest.mark.rule("10", "20")
async def test_twelve_adoptions_that_declare_nothing_take_nothing(
    database: Database, tmp_path: Path
) -> None:
    """`plan` says what would go, `apply` takes none of it, twice, and says the brake."""
    directory, held = await twelve(database, tmp_path)
    arguments = (str(directory), "--dsn", database.dsn(), "-o", "json")
    planned = (await postgregent("plan", *arguments)).data()
    look = await database.connect()
    logins = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'busy%' AND rolcanlogin"
    for _ in range(2):
        ended = await postgregent("apply", *arguments)
        said = ended.data()
        assert ended.status == 3
        assert said["brake"]["lossCount"] == planned["brake"]["lossCount"] > 100
        reasons = {one["reason"] for one in said["outcomes"] if "busy" in one["resource"]}
        assert reasons == {"BrakePulled"}
        assert await look.fetchval(HELD) == held
        assert await look.fetchval(logins) == 12
    digest = said["brake"]["digest"]
    assert (await postgregent("apply", *arguments, "--release", digest)).status == 0
    assert await look.fetchval(HELD) == 0
    assert (await postgregent("plan", *arguments)).data()["changes"] == []


async def stalled(running: Running, subject: str) -> dict[str, Any]:
    """Its line that says so, whichever came first."""
    for said in running.said:
        if (said["subject"], said["state"]) == (subject, "Stalled"):
            return said
    return await running.until_subject(subject, "Stalled")


@pytest.mark.found("A2")
@pytest.mark.rule("10", "20")
@pytest.mark.versions(18)
async def test_a_regent_that_is_started_again_withholds_the_same(
    database: Database, tmp_path: Path
) -> None:
    """`local` twice, on the marks and the memory that the first left."""
    directory, held = await twelve(database, tmp_path)
    look = await database.connect()
    for _ in range(2):
        async with await Running.start("local", str(directory), "--dsn", database.dsn()) as running:
            for subject in ("Role/default/busy7", "Regent/default/my-regent"):
                assert (await stalled(running, subject))["reason"] == "BrakePulled"
            assert await running.interrupt() == 130
        assert await look.fetchval(HELD) == held
