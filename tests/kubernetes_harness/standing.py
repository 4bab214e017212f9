"""`make cluster`: a node, the chart and a PostgreSQL, up for a person until `make cluster-down`.

The flights example is made to fit and lies ready to be applied to the namespace `default`.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from tests.kubernetes_harness.chart import NAMESPACE, InstalledChart, install_chart
from tests.kubernetes_harness.describing import described
from tests.kubernetes_harness.node import Node
from tests.kubernetes_harness.postgres import ReachableServer, reachable_server
from tests.kubernetes_harness.sharing import END_SECONDS, Meeting, start_keeper
from tests.kubernetes_harness.tools import tools
from tests.postgres.clusters import OWNER, TEMPLATE
from tests.postgres.database import NAME

KIND = "standing"
FLIGHTS = Path(__file__).parents[2] / "examples" / "flights"
VERSION = 17


def up() -> dict[str, Any]:
    """Start it, if it is not up already; what there is, as a JSON object."""
    meeting = Meeting.of_run(KIND, "cluster")
    with meeting.door():
        if not (meeting.description.exists() and _is_kept(meeting)):
            meeting.description.unlink(missing_ok=True)
            start_keeper(KIND, meeting)
        description: dict[str, Any] = json.loads(meeting.description.read_text())
        return description


def down() -> bool:
    """End it and wait until nothing is left; False when nothing was up."""
    meeting = Meeting.of_run(KIND, "cluster")
    was_up = meeting.description.exists() and _is_kept(meeting)
    if was_up:
        os.kill(json.loads(meeting.description.read_text())["keeper"], signal.SIGTERM)
    deadline = time.monotonic() + END_SECONDS
    while was_up and meeting.folder.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{meeting.folder} is still there; see {meeting.log}")
        time.sleep(0.1)
    return was_up


def stay(meeting: Meeting) -> None:
    """In the keeper: start everything, describe it and wait to be ended."""
    with meeting.users() as sign_of_life:
        fcntl.flock(sign_of_life, fcntl.LOCK_EX)
        node = Node.launch(meeting.folder / "cluster")
        try:
            chart = install_chart(node.access)
            chart.allow_secrets("default")
            with reachable_server(node.network, VERSION) as postgres:
                asyncio.run(_make_database(postgres))
                _describe(meeting, chart, postgres, _write_example(meeting.folder, postgres))
                signal.pause()
        finally:
            node.discard()


def _is_kept(meeting: Meeting) -> bool:
    with meeting.users() as sign_of_life:
        try:
            fcntl.flock(sign_of_life, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


async def _make_database(postgres: ReachableServer) -> None:
    connection = await postgres.server.connect()
    await connection.execute(f'CREATE DATABASE "{NAME}" TEMPLATE {TEMPLATE} OWNER {OWNER}')
    await connection.close()


def _write_example(folder: Path, postgres: ReachableServer) -> Path:
    """The reference's manifests for this server."""
    example = folder / "flights"
    example.mkdir(mode=0o700)
    for source in sorted(FLIGHTS.glob("*.yaml")):
        text = source.read_text("utf-8")
        for place, ours in (
            ("some.known.endpoint", postgres.host),
            ("port: 5432", f"port: {postgres.port}"),
            ("demo-only-admin-password", postgres.server.password.get_secret_value()),
        ):
            text = text.replace(place, ours)
        (example / source.name).write_text(text, "utf-8")
    return example


def _describe(
    meeting: Meeting, chart: InstalledChart, postgres: ReachableServer, example: Path
) -> None:
    environment = meeting.folder / "environment"
    environment.touch(mode=0o600)
    values = {
        "KUBECONFIG": str(chart.cluster.kubeconfig),
        "PATH": f"{tools()}:$PATH:{postgres.server.cluster.binaries.bin}",
        "PGHOST": postgres.host,
        "PGPORT": str(postgres.port),
        "PGDATABASE": NAME,
        "PGUSER": postgres.server.superuser,
        "PGPASSWORD": postgres.server.password.get_secret_value(),
    }
    environment.write_text("".join(f'export {name}="{text}"\n' for name, text in values.items()))
    description = {
        **described(chart.cluster),
        "keeper": os.getpid(),
        "environment": str(environment),
        "postgres": f"{postgres.host}:{postgres.port}",
        "namespace": NAMESPACE,
        "example": str(example),
    }
    draft = meeting.description.with_suffix(".draft")
    draft.write_text(json.dumps(description))
    draft.rename(meeting.description)
