"""The two targets of `uninstall`, a server and a cluster, and the options of each."""

from __future__ import annotations

from pathlib import Path

from cli.asking import confirm
from cli.printing import Output
from shared.errors import PostgRegentError

_OF_A_SERVER = {"dsn": "--dsn", "regent": "--regent", "home_database": "--home-database",
                "home": "--home"}  # fmt: skip
_OF_A_CLUSTER = {"kubeconfig": "--kubeconfig", "kube_context": "--context",
                 "namespace": "--namespace", "patience": "--patience"}  # fmt: skip


def misplaced(given: set[str], target: str) -> str:
    """Which options were given that do not go with this target; empty where none."""
    foreign = _OF_A_SERVER if target == "kubernetes" else _OF_A_CLUSTER
    wrong = [option for name, option in foreign.items() if name in given]
    return f"{', '.join(wrong)} does not go with --{target}." if wrong else ""


async def cluster_removal(
    kubeconfig: Path | None,
    context: str | None,
    namespaces: list[str] | None,
    patience: float,
    yes: bool,
    output: Output,
) -> int:
    """`uninstall --kubernetes`; says what to install where the libraries for it are missing."""
    try:
        from cli.cluster_state import Patience  # noqa: PLC0415 - an extra that may be missing
        from cli.uninstall_kubernetes import (  # noqa: PLC0415 - an extra that may be missing
            ClusterRemoval,
            run_cluster_removal,
        )
    except ModuleNotFoundError as missing:
        raise PostgRegentError(
            f"--kubernetes needs {missing.name}, which is not installed.",
            way_out="Install the extra: postgregent[kubernetes].",
        ) from missing
    asked = ClusterRemoval(
        str(kubeconfig) if kubeconfig else None,
        context,
        tuple(namespaces or ()),
        is_confirmed=yes,
        patience=Patience(patience),
    )
    return await run_cluster_removal(asked, output, confirm)
