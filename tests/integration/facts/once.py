"""One pass in process, as `postgregent apply` and `plan` do it, on a test's database."""

from __future__ import annotations

from typing import Any

import asyncpg

from regent.one_shot import OnceReport, apply_once, plan_once
from shared.consent import Consent
from shared.outcomes import Outcome
from tests.declared import state
from tests.postgres.database import Database
from tests.settings import settings_for


async def applied(
    database: Database, text: str, revision: int = 1, *, release: str | None = None, **more: Any
) -> OnceReport:
    """Bring the server to these resources."""
    pushed = state(text, revision=revision, **more)
    return await apply_once(
        settings_for(database), pushed, consents=[Consent("Brake", release or "")]
    )


async def is_settled(database: Database, text: str, revision: int = 1, **more: Any) -> bool:
    """True when a plan for these resources has nothing to do."""
    report = await plan_once(settings_for(database), state(text, revision=revision, **more))
    assert report.brake is None
    return not report.plan.changes


def outcome(report: OnceReport, resource: str) -> Outcome:
    """What was said of `Kind/name`, or of `Kind/namespace/name`."""
    kind, _, name = resource.partition("/")
    key = resource if "/" in name else f"{kind}/default/{name}"
    return next(o for o in report.outcomes if o.resource == key)


def all_ready(report: OnceReport) -> bool:
    """Every resource was seen in the catalog as declared."""
    assert report.outcomes
    return all(o.is_ready for o in report.outcomes)


async def refused(connection: asyncpg.Connection, statement: str) -> str:
    """The SQLSTATE with which the server refuses it; empty when it does not."""
    try:
        await connection.execute(statement)
    except asyncpg.PostgresError as error:
        return str(error.sqlstate)
    return ""


async def demote(database: Database) -> None:
    """From now on the admin is no superuser: CREATEROLE and CREATEDB are all it has."""
    await database.execute('ALTER ROLE "my-admin" NOSUPERUSER CREATEROLE CREATEDB', "postgres")
