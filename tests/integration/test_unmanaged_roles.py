"""Roles that nobody declares: reported, with the time and the one who made them (rule 11)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.command import flights, postgregent
from tests.daemons import Regent, running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.postgres.database import Database
from tests.settings import settings_for

pytestmark = pytest.mark.rule("11")
REPORT = {"unmanagedRoles": "Report"}


async def listed(regent: Regent) -> dict[str, dict[str, Any]]:
    """All of them, by name, page by page."""
    found: dict[str, dict[str, Any]] = {}
    query: dict[str, Any] = {"limit": 1}
    while True:
        page = (await regent.ask("GET", "/v1/unmanaged", params=query)).json()
        found |= {one["name"]: one for one in page["items"]}
        if "continue" not in page:
            return found
        query["continue"] = page["continue"]


async def test_who_may_log_in_undeclared_is_told_everywhere_and_who_comes_later_with_his_maker(
    database: Database, tmp_path: Path
) -> None:
    await database.execute('CREATE ROLE eve LOGIN CREATEDB; CREATE ROLE "v-1" LOGIN')
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE, regent={**REPORT, "ignoreRoles": ["v-*"]}))
        status = await regent.settled(1)
        there = {one["name"]: one.get("appearedAt") for one in status["unmanaged"]["roles"]}
        assert there == dict.fromkeys(("app_owner", "eve", "postgres"))
        await database.execute("CREATE ROLE mallory LOGIN CREATEROLE")
        told = (await regent.drifts(1))[0]
        assert (told["role"], told["correction"]) == ("mallory", "reported")
        assert told["deed"].startswith("role mallory may log in now (CREATEROLE)")

        async def is_told() -> bool:
            newest = (await regent.status())["unmanaged"]["roles"][0]
            return bool(newest["name"] == "mallory" and newest["by"] and newest["appearedAt"])

        await eventually(is_told)
        found = await listed(regent)
        assert set(found) == {"app_owner", "eve", "mallory", "postgres"}
        assert found["eve"]["may"] == ["CREATEDB"]
        assert "postgregent_unmanaged_roles 4.0" in (await regent.ask("GET", "/metrics")).text
        assert (await regent.status())["outstandingDrift"] == 0
        # They are remembered: a new process finds nobody new, and nobody is disabled.
        regent.kill()
        regent.start()
        await regent.ready()
        await regent.settled(1)
        assert "appearedAt" in (await listed(regent))["mallory"]
        assert len((await regent.ask("GET", "/v1/history")).json()["items"]) == 1
        await regent.push(state(REFERENCE, revision=2))
        await regent.settled(2)
        assert "unmanaged" not in await regent.status()
        assert "postgregent_unmanaged_roles 4" not in (await regent.ask("GET", "/metrics")).text


async def test_a_plan_names_them(database: Database, tmp_path: Path) -> None:
    await database.execute("CREATE ROLE eve LOGIN CREATEDB")
    folder = flights(tmp_path)
    for manifest in folder.rglob("*.yaml"):
        text = manifest.read_text()
        if "kind: Regent" in text:
            manifest.write_text(text.replace("adminUser:", "unmanagedRoles: Report\n  adminUser:"))
    asked = ("plan", str(folder), "--dsn", database.dsn())
    ended = await postgregent(*asked, "-o", "json")
    found = {one["name"]: one for one in ended.data()["unmanaged"]["roles"]}
    assert found["eve"]["may"] == ["CREATEDB"]
    assert "eve (CREATEDB)" in (await postgregent(*asked)).out
