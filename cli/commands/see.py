"""Commands that show what a Regent sees: status, drift, history."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.options import (
    ContextOption,
    DriftOfRoleOption,
    DsnOption,
    HomeDatabaseOption,
    KubeconfigOption,
    KubernetesOption,
    ListOutputOption,
    NamespacesOption,
    RememberedRegentOption,
)
from cli.running import end, given, of_server, require_none_given


def status(
    context: typer.Context,
    dsn: DsnOption = None,
    status_dir: Annotated[
        Path | None,
        typer.Option(
            "--status-dir", metavar="PATH", help="Instead: what `postgregent local` writes there."
        ),
    ] = None,
    kubernetes: KubernetesOption = False,
    kubeconfig: KubeconfigOption = None,
    kube_context: ContextOption = None,
    namespace: NamespacesOption = None,
    home_database: HomeDatabaseOption = "postgregent",
    regent: RememberedRegentOption = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Look again each second until all is fine.")
    ] = False,
    timeout: Annotated[
        str,
        typer.Option("--timeout", metavar="TIME", help="With --wait, how long: 30s, 5m or 1h."),
    ] = "30s",
    output: ListOutputOption = "table",
) -> None:
    r"""Show whether a Regent lives, what it shall hold, and what is wrong, with what helps.

    With --dsn it reads the home database and the server, and needs no Regent that runs: who holds
    its lock, whether it hears, the detector in each served database, the brake, approvals, pauses,
    what the server refuses, the admin's rights, the clock, and whose server it is. It writes
    nothing.

    With --status-dir it shows what a local Regent says of each resource, and whether it runs. With
    --kubernetes the same of a cluster, with your own rights there.

    With --wait it shows the first look at which all is fine, or the last one within --timeout, with
    the exit status of that; also where the server or the cluster is not there yet.

    Ends with 0 when all is fine, with 3 when something is not, and with 1 when something could not
    be read.

    [dim]postgregent status --dsn postgresql://my-admin@127.0.0.1:5432/mydb[/]

    [dim]postgregent status --status-dir /tmp/status[/]

    [dim]postgregent status --kubernetes -n my-team[/]

    [dim]postgregent status --wait --timeout 5m[/]

    [dim]postgregent status -o json | jq '.regents\[].findings\[] | select(.level == "Fault")'[/]
    """
    from cli.status import run_status
    from cli.status_sources import OF_A_CLUSTER, OF_A_SERVER, of_cluster
    from cli.table_of import of_errors
    from cli.waiting import timeout_of

    try:
        seconds = timeout_of(timeout) if wait else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--timeout") from None
    if not wait and "timeout" in given(context):
        raise typer.BadParameter("--timeout goes with --wait.")
    if status_dir is not None:
        from cli.status_folder import run_status_folder

        require_none_given(context, "--status-dir", "dsn", *OF_A_SERVER, *OF_A_CLUSTER)
        end(run_status_folder(status_dir, output, seconds), of_errors(output))
    if kubernetes:
        require_none_given(context, "--kubernetes", "dsn", *OF_A_SERVER)
        end(of_cluster(kubeconfig, kube_context, namespace, output, seconds), of_errors(output))
    require_none_given(context, "--dsn", *OF_A_CLUSTER[1:])
    end(run_status(of_server(dsn, home_database, regent), output, seconds), of_errors(output))


def drift(
    role: DriftOfRoleOption = None,
    dsn: DsnOption = None,
    home_database: HomeDatabaseOption = "postgregent",
    regent: RememberedRegentOption = None,
    output: ListOutputOption = "table",
) -> None:
    """List what is not as declared and was not corrected: what, by whom, and why it stays.

    Ends with 0 when there is nothing, with 3 when there is, also of another role, and with 1 when
    it is not known, as where no Regent runs.

    [dim]postgregent drift --dsn postgresql://my-admin@127.0.0.1:5432/mydb[/]

    [dim]postgregent drift --role mydb-viewer -o csv[/]
    """
    from cli.drift import run_drift
    from cli.table_of import of_errors

    end(run_drift(of_server(dsn, home_database, regent), role, output), of_errors(output))


def history(
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="TIME", help="yesterday, 2h, 1d12h, 2026-11-27, or a full time."
        ),
    ] = None,
    role: DriftOfRoleOption = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")
    ] = False,
    dsn: DsnOption = None,
    home_database: HomeDatabaseOption = "postgregent",
    regent: RememberedRegentOption = None,
    output: ListOutputOption = "table",
) -> None:
    """List what was found, who did it and what was done about it, oldest first.

    The newest 10,000 of each Regent are kept. Ends with 0 also where there is nothing, and with 1
    where it cannot be read.

    [dim]postgregent history --since yesterday --role mydb-viewer[/]

    [dim]postgregent history --follow -o json --dsn postgresql://my-admin@127.0.0.1/mydb[/]
    """
    from cli.checked import now_here
    from cli.history import Wanted, run_history
    from cli.since import since_of
    from cli.table_of import of_errors

    try:
        moment = None if since is None else since_of(since, now_here())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from None
    asked = of_server(dsn, home_database, regent)
    wanted = Wanted(moment, role, follow)
    end(run_history(asked, wanted, output), of_errors(output))
