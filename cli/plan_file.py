"""The file of `plan --out FILE`, as it is written and read again."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from cli.kept_plan import KeptPlan, digest_of_plan, plan_anew
from shared.errors import PostgRegentError

VERSION = 1
MAX_BYTES = 256 * 1024 * 1024


class PlanFileError(PostgRegentError):
    """The file of a plan cannot be used."""


def write_plan(kept: KeptPlan, file: Path) -> None:
    """In the place of what is there. Raises PlanFileError."""
    text = json.dumps(kept.model_dump(mode="json", by_alias=True), indent=2, ensure_ascii=True)
    try:
        file.write_text(f"{text}\n", "utf-8")
    except OSError as error:
        raise PlanFileError(
            f"The plan could not be written to {file}: {error.strerror}.",
            way_out="Give --out a file that can be written.",
        ) from None


def read_plan(file: Path) -> KeptPlan:
    """The plan of a file. Raises PlanFileError where it is none, or was changed since."""
    way_out = "Apply a file that `postgregent plan DIR --out FILE` wrote, or a directory."
    try:
        if file.stat().st_size > MAX_BYTES:
            raise PlanFileError(f"{file} is larger than {MAX_BYTES // 2**20} MiB.", way_out=way_out)
        data = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise PlanFileError(f"{file} cannot be read: {error.strerror}.", way_out=way_out) from None
    except (ValueError, RecursionError):
        raise PlanFileError(f"{file} is no plan: it is not JSON.", way_out=way_out) from None
    version = data.get("version") if isinstance(data, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise PlanFileError(
            f"{file} was written by a newer postgregent: its version is {version}.",
            way_out="Apply it with that one, or make a new plan.",
        )
    try:
        kept = KeptPlan.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise PlanFileError(
            f"{file} is no plan: {place}: {first['msg']}.", way_out=way_out
        ) from None
    if digest_of_plan(kept.made_for, kept.changes, kept.waits) != kept.digest:
        raise PlanFileError(
            f"{file} was changed after it was made: its digest is not that of what it holds.",
            way_out=plan_anew(kept.made_for, str(file)),
        )
    return kept
