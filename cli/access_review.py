"""`postgregent access-review`: who has access to what, and why, on one server. Writes nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from cli.declared import Declared, Request, declare
from cli.diff import require_person
from cli.dsn import needed_dsn
from cli.printing import print_data, results
from cli.review_data import Told
from cli.review_page import full_sheet, html_page, summary_sheet
from regent.access.difference import Side
from regent.access.review import review
from regent.foresight import Foresight, foresee, look_at

COMPLETE, INCOMPLETE = 0, 1
Form = Literal["table", "json", "yaml", "csv", "html"]


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which server, and how much is to be shown."""

    directory: Path | None = None
    dsn: str | None = None
    regent: str | None = None
    secrets_from_env: bool = False
    role: str | None = None
    everything: bool = False


async def run_access_review(asked: Asked, form: Form) -> int:
    """Print it. 0: all was read. 1: it was not, and what is missing is said."""
    told = await _told(asked)
    if asked.role is not None:
        require_person(asked.role, [one.name for one in told.review.persons])
    console = results()
    match form:
        case "table":
            in_full = asked.everything or asked.role is not None
            sheet = full_sheet(told, asked.role) if in_full else summary_sheet(told)
            sheet.write(console)
        case "csv":
            console.file.write(told.csv_text(asked.role))
        case "html":
            console.file.write(html_page(told, asked.role))
        case "json" | "yaml":
            print_data(console, told.document(asked.role), form)
    console.file.flush()
    return INCOMPLETE if told.unread else COMPLETE


async def _told(asked: Asked) -> Told:
    found, address, declared = await _read(asked)
    declared_by: Mapping[str, tuple[str, ...]] = {}
    if declared is not None:
        declared_by = {
            name: tuple(_named(declared, str(key)) for key in role.declared_by)
            for name, role in found.states[0].desired.roles.items()
        }
    return Told(
        review(Side(found.now)),
        address,
        found.now.server,
        datetime.now(UTC),
        str(asked.directory) if asked.directory else None,
        declared_by,
        found.unread,
        found.illegible,
    )


async def _read(asked: Asked) -> tuple[Foresight, str, Declared | None]:
    if asked.directory is not None:
        request = Request(asked.directory, asked.dsn, asked.regent, asked.secrets_from_env)
        declared = await declare(request)
        found = await foresee(declared.settings, [declared.state])
        return found, declared.subject.server, declared
    dsn = needed_dsn(asked.dsn, os.environ, to="read")
    return await look_at(dsn.server, dsn.database), str(dsn), None


def _named(declared: Declared, key: str) -> str:
    places = {str(one): place for one, place in declared.places.items()}
    return f"{key} ({places[key]})" if key in places else key
