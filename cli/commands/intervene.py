"""Commands by which a person steps in: pause, resume, uninstall."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import (
    ContextOption,
    DsnOption,
    HomeDatabaseOption,
    KubeconfigOption,
    NamespacesOption,
    OutputOption,
)
from cli.running import end, given


def pause(
    role: Annotated[
        str | None, typer.Argument(metavar="ROLE", help="As PostgreSQL calls it.")
    ] = None,
    span: Annotated[
        str, typer.Option("--for", metavar="TIME", help="As 30m, 2h or 1d12h; at most 7d.")
    ] = "1h",
    reason: Annotated[
        str | None,
        typer.Option(
            "--reason", metavar="TEXT", help="Why, for whoever reads the status; needed to pause."
        ),
    ] = None,
    lists: Annotated[bool, typer.Option("--list", help="Show who is paused now.")] = False,
    dsn: DsnOption = None,
    home_database: HomeDatabaseOption = "postgregent",
    output: OutputOption = "table",
) -> None:
    """Leave a role as it is made by hand for a while, though Git says something else.

    For emergencies when Kubernetes is gone: attributes, password, settings, privileges and
    memberships that somebody gave the role stay, and it is given none, until the time is over.
    What Git takes from it, a deletion, enabled: false and an expiry are never held. Ends with 1
    when nothing was paused, as of a role that no Regent of this home database manages.

    The admin of --dsn must be a member of postgregent_owner; it needs no Regent that runs.

    [dim]export POSTGREGENT_DSN=postgresql://my-admin@127.0.0.1:5432/mydb[/]

    [dim]postgregent pause flights-admin --for 30m --reason "page 4711"[/]

    [dim]postgregent pause --list[/]
    """
    from cli.pausing import Home, run_list, run_pause, span_of

    if dsn is None:
        raise typer.BadParameter("Say --dsn DSN for the server.")
    home = Home(dsn, home_database)
    if lists:
        if role is not None or reason is not None:
            raise typer.BadParameter("--list shows all; leave ROLE and --reason out.")
        end(run_list(home, output), output)
    if role is None:
        raise typer.BadParameter("Say ROLE, as PostgreSQL calls it, or --list.")
    if reason is None:
        raise typer.BadParameter("Say --reason TEXT: why it is paused, for whoever reads it.")
    try:
        found = span_of(span)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--for") from None
    end(run_pause(home, role, found, reason, output), output)


def resume(
    role: Annotated[str, typer.Argument(metavar="ROLE", help="As PostgreSQL calls it.")],
    dsn: DsnOption = None,
    home_database: HomeDatabaseOption = "postgregent",
    output: OutputOption = "table",
) -> None:
    """Have a paused role corrected again, at once where a Regent runs.

    Ends with 0 also where it was not paused.

    [dim]postgregent resume flights-admin --dsn postgresql://my-admin@127.0.0.1:5432/mydb[/]
    """
    from cli.pausing import Home, run_resume

    if dsn is None:
        raise typer.BadParameter("Say --dsn DSN for the server.")
    end(run_resume(Home(dsn, home_database), role, output), output)


def uninstall(
    context: typer.Context,
    dsn: DsnOption = None,
    regent: Annotated[
        str | None,
        typer.Option(
            "--regent", metavar="NAMESPACE/NAME", help="Default: all that serve the database."
        ),
    ] = None,
    home_database: Annotated[
        str, typer.Option("--home-database", metavar="NAME", help="Where it remembers.")
    ] = "postgregent",
    home: Annotated[
        bool, typer.Option("--home", help="Drop the home database, too: all Regents' memory.")
    ] = False,
    kubernetes: Annotated[
        bool, typer.Option("--kubernetes", help="Free a cluster, its resources still there.")
    ] = False,
    kubeconfig: KubeconfigOption = None,
    kube_context: ContextOption = None,
    namespace: NamespacesOption = None,
    patience: Annotated[
        float,
        typer.Option(
            "--patience", metavar="SECONDS", min=0, help="How long to wait for a controller."
        ),
    ] = 30,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    output: OutputOption = "table",
) -> None:
    """Leave a server as it was, but for the roles; or a cluster.

    With --dsn it takes off triggers and schema and releases the marks: the resources that held the
    roles take them back without [bold]adopt[/].

    With --kubernetes it has the controller do that for each Regent, and takes off what runs the
    Regents and all finalizers; no resource is deleted. Where no controller acts, it takes them off
    itself, ends with 3, and says how to clean the servers.

    [dim]postgregent uninstall --dsn postgresql://my-admin@127.0.0.1:5432/mydb[/]

    [dim]postgregent uninstall --kubernetes -n my-team[/]
    """
    from cli.asking import confirm
    from cli.uninstall_targets import cluster_removal, misplaced

    if wrong := misplaced(given(context), "kubernetes" if kubernetes else "dsn"):
        raise typer.BadParameter(wrong)
    if kubernetes:
        work = cluster_removal(kubeconfig, kube_context, namespace, patience, yes, output)
        end(work, output)
    from cli.uninstall import Removal, run_uninstall

    if dsn is None:
        raise typer.BadParameter("Say --dsn DSN for a server, or --kubernetes for a cluster.")
    removal = Removal(dsn, regent, home_database, home=home, is_confirmed=yes)
    end(run_uninstall(removal, output, confirm), output)
