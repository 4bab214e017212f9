"""The other sources of `status` beside a server, and the options of each."""

from __future__ import annotations

from pathlib import Path

from cli.table_of import ListOutput
from shared.errors import PostgRegentError

OF_A_SERVER = ("home_database", "regent")
OF_A_CLUSTER = ("kubernetes", "kubeconfig", "kube_context", "namespace")


async def of_cluster(
    kubeconfig: Path | None,
    context: str | None,
    namespaces: list[str] | None,
    output: ListOutput,
    wait_seconds: float | None = None,
) -> int:
    """`--kubernetes`; says what to install where the libraries for it are missing."""
    try:
        from cli.status_cluster import (  # noqa: PLC0415 - an extra that may be missing
            OfCluster,
            run_status_cluster,
        )
    except ModuleNotFoundError as missing:
        raise PostgRegentError(
            f"--kubernetes needs {missing.name}, which is not installed.",
            way_out="Install the extra: postgregent[kubernetes].",
        ) from missing
    file = str(kubeconfig) if kubeconfig else None
    return await run_status_cluster(
        OfCluster(file, context, tuple(namespaces or ())), output, wait_seconds
    )
