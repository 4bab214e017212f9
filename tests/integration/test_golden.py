"""What the commands print, as files in `golden/`: a change of it is seen in the review.

At 80 and at 200 columns it is the same, as lines are also read by grep; only `preflight` has
paragraphs, and two files. No time, digest, port or path is in them. To renew them after a change
that is meant:

    POSTGREGENT_RENEW_GOLDEN=1 .venv/bin/pytest tests/integration/test_golden.py --pg 18
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.command import flights, postgregent
from tests.postgres.database import Database

GOLDEN = Path(__file__).parent / "golden"
IS_RENEWED = "POSTGREGENT_RENEW_GOLDEN" in os.environ
VARYING = (
    (re.compile(r"\b[0-9a-f]{16}\b|\b[0-9a-f]{64}\b"), "DIGEST"),
    (re.compile(r"\bsystem identifier \d+"), "system identifier N"),
    (re.compile(r"\b127\.0\.0\.1:\d+"), "HOST:PORT"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?"), "TIME"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "TIME"),
    (re.compile(r"\b[\d,]+(\.\d+)? (ms|s|seconds)\b"), "N s"),
    (re.compile(r"\b\d+ min\b"), "N min"),
    (re.compile(r"\brevision \d+"), "revision N"),
    (re.compile(r"\bPostgreSQL 18\.\d+"), "PostgreSQL 18"),
)
WRONG = """\
apiVersion: putnam120.postgregent/v1alpha1
kind: Role
metadata: {name: mistaken}
spec: {database: mydbb, permisions: [], permissions: [conect-to-mydb]}
---
apiVersion: putnam120.postgregent/v1alpha1
kind: User
metadata: {name: anna}
spec: {roles: [mydb-veiwer], passwordSecretRef: {name: gone, key: anna}}
"""


class Printed:
    """Runs commands, and holds what they print against the files."""

    def __init__(self, folder: Path, dsn: str) -> None:
        self.folder = folder
        self.dsn = dsn
        self.wrong: list[str] = []

    async def look(self, name: str, *words: str) -> None:
        """A command that writes nothing, at both widths."""
        narrow, wide = [await self._said(words, columns) for columns in ("80", "200")]
        if name == "preflight":
            self._hold(f"{name}-80", narrow)
            self._hold(f"{name}-200", wide)
            return
        if narrow != wide:
            self.wrong.append(f"{name} is another at 200 columns than at 80:\n{wide}")
        self._hold(name, narrow)

    async def act(self, name: str, *words: str) -> None:
        """One that is run once."""
        self._hold(name, await self._said(words, "80"))

    async def _said(self, words: tuple[str, ...], columns: str) -> str:
        environment = {"POSTGREGENT_DSN": self.dsn, "COLUMNS": columns, "LINES": "50"}
        ended = await postgregent(*words, environment=environment)
        # What is said while it works depends on how long that takes.
        text = f"{ended.out or ended.err}[exit status {ended.status}]\n"
        text = text.replace(str(self.folder), "FOLDER")
        for pattern, instead in VARYING:
            text = pattern.sub(instead, text)
        return text

    def _hold(self, name: str, text: str) -> None:
        file = GOLDEN / f"{name}.txt"
        if IS_RENEWED:
            file.write_text(text, "utf-8")
        known = file.read_text("utf-8") if file.exists() else ""
        if text != known:
            self.wrong.append(f"{file.name} has\n{known}\nand it was\n{text}")


@pytest.mark.versions(18)
async def test_what_is_printed_is_what_was_reviewed(database: Database, tmp_path: Path) -> None:
    directory = str(flights(tmp_path))
    printed = Printed(tmp_path, database.dsn())
    (tmp_path / "wrong.yaml").write_text(WRONG)
    await printed.look("validate", "validate", directory)
    await printed.look("validate-problems", "validate", directory, f"{tmp_path}/wrong.yaml")
    await printed.look("preflight", "preflight", directory)
    await printed.look("plan", "plan", directory)
    await printed.look("plan-of-one-role", "plan", directory, "--role", "mydb-viewer", "--sql")
    await printed.look("diff", "diff", database.dsn(), directory)
    await printed.act("apply", "apply", directory)
    await printed.look("plan-nothing", "plan", directory)
    await printed.look("why", "why", "summer-intern-2", "SELECT", "schema1.flights", directory)
    await printed.look("who-can", "who-can", "SELECT", "schema1.flights", "--all")
    await printed.look("access-review", "access-review", directory)
    await printed.look("status", "status")
    await printed.look("drift-unknown", "drift")
    await printed.look("history-empty", "history")
    permissions = Path(directory) / "permissions.yaml"
    permissions.write_text(permissions.read_text().replace('- "*"', "- nothing_of_this_name"))
    await printed.look("plan-withheld", "plan", directory)
    await printed.act("apply-withheld", "apply", directory)
    await printed.act("pause", "pause", "flights-admin", "--reason", "page 4711")
    await printed.act("uninstall", "uninstall", "--yes")
    assert not printed.wrong, "\n\n".join(printed.wrong)
    files = {one.name for one in GOLDEN.iterdir()}
    assert len(files) == 19, files
