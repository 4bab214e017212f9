"""One text that cannot be stored holds its own resource, and no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command import flights
from tests.daemons import running
from tests.declared import state
from tests.integration.facts.command import local
from tests.postgres.database import Database
from tests.settings import settings_for

API = "apiVersion: putnam120.postgregent/v1alpha1"
USER = (
    f"{API}\nkind: User\nmetadata: {{name: NAME}}\nspec:\n  database: mydb\n  access:\n"
    '  - {role: mydb-viewer, until: "2999-01-01T00:00:00Z", reason: "REASON"}\n'
)


@pytest.mark.found("B22b")
@pytest.mark.rule("18")
@pytest.mark.versions(18)
async def test_a_nul_in_a_reason_holds_its_user_and_nobody_else(
    database: Database, tmp_path: Path
) -> None:
    """Before, each push of this Regent was a 500 as long as it stood there."""
    directory = flights(tmp_path)
    (directory / "mallory.yaml").write_text(
        USER.replace("NAME", "mallory").replace("REASON", "\\0")
    )
    (directory / "ann.yaml").write_text(USER.replace("NAME", "ann").replace("REASON", "a\\nb ü"))
    async with local(database, directory, tmp_path) as running_local:
        await running_local.says(
            lambda line: "mallory" in line["subject"] and "holds a NUL" in line["message"]
        )
        await running_local.is_ready("User/default/ann", "User/default/summer-intern-2")
    connection = await database.connect()
    assert not await connection.fetchval("SELECT to_regrole('mallory') IS NOT NULL")


@pytest.mark.found("B22b")
@pytest.mark.versions(18)
async def test_a_regent_refuses_a_nul_with_the_field_that_holds_it(
    database: Database, tmp_path: Path
) -> None:
    async with running(settings_for(database), tmp_path) as regent:
        whole = state("User/ann: {database: mydb}").revealed()
        spoilt = json.loads(json.dumps(whole))
        spoilt["resources"]["User/default/ann"]["spec"]["access"] = [
            {"role": "r", "until": "2999-01-01T00:00:00Z", "reason": "a\0b"}
        ]
        for body, status in ((spoilt, 422), (whole, 202)):
            answer = await regent.ask("PUT", "/v1/state", json=body, headers={"If-None-Match": "*"})
            assert answer.status_code == status, answer.text
            if status == 422:
                assert "spec.access[0].reason" in answer.text
