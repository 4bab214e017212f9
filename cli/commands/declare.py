"""Commands that take a directory to a server: validate, plan, apply, local."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from cli.options import (
    AllOption,
    AllowEmpty,
    Directory,
    DsnOption,
    FromEnvironment,
    OutputOption,
    RegentOption,
    RoleOption,
    SourcesArgument,
    SqlOption,
)
from cli.printing import results
from cli.running import end


def validate(
    sources: SourcesArgument,
    dsn: Annotated[
        str | None,
        typer.Option(
            "--dsn",
            metavar="DSN",
            help="Look there, too: each name that is not there is a warning.",
        ),
    ] = None,
    regent: RegentOption = None,
    output: OutputOption = "table",
    secrets_from_env: FromEnvironment = False,
    allow_empty: AllowEmpty = False,
) -> None:
    r"""Show every problem of what is declared, at once. Needs no database.

    What is given together is checked together: a Role of one file may name a Permission of another.
    With [bold]-[/] it reads standard input, any number of documents.

    Ends with 0 when all is valid, and with 1 when something is not. Warnings alone end with 0.

    With --dsn it reads that server, too, and warns of each object that a Permission names and that
    is not there: a schema, table, column, routine, type, foreign server or any other. It writes
    nothing, and ends with 1 when the server or one of its databases cannot be read.

    [dim]postgregent validate examples/flights[/]

    [dim]postgregent validate examples/flights --dsn postgresql://my-admin@127.0.0.1:5432/mydb[/]

    [dim]kubectl kustomize deploy/production | postgregent validate -[/]

    [dim]postgregent validate examples/flights -o json | jq '.problems\[].field'[/]
    """
    from cli.validate import Checked, validate_with_server
    from cli.validate import validate as run

    environment = os.environ if secrets_from_env else None
    checked = Checked(tuple(sources), environment, allow_empty)
    if dsn is not None:
        end(validate_with_server(checked, dsn, regent, output), output)
    if regent is not None:
        raise typer.BadParameter("--regent goes with --dsn.")
    raise typer.Exit(run(checked, output, console=results()))


def plan(
    directory: Directory,
    dsn: DsnOption = None,
    regent: RegentOption = None,
    output: OutputOption = "table",
    sql: SqlOption = False,
    everything: AllOption = False,
    role: RoleOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Keep the plan there, for [bold]apply FILE[/]."),
    ] = None,
    secrets_from_env: FromEnvironment = False,
) -> None:
    """Show what [bold]apply[/] would do. Writes nothing.

    Without --dsn it asks the server that the Regent of the directory names. Ends with 0 when there
    is nothing to do, with 2 when there is, also where the brake withholds all of it, it waits for
    the end of a pause, or the server refused it before, and with 1 when it cannot be known or done:
    a database that could not be read, a standby, an admin that may not make the home database.

    With --out the plan is kept in a file, without any secret: [bold]apply FILE[/] does just that,
    or nothing. Where the plan cannot be known, no file is written.

    More than a page of changes is summed up; what is taken away is always listed in full.

    [dim]postgregent plan examples/flights --dsn postgresql://my-admin@127.0.0.1:5432/mydb[/]

    [dim]postgregent plan examples/flights --sql -o yaml[/]

    [dim]postgregent plan examples/flights --role mydb-viewer[/]

    [dim]postgregent plan examples/flights --out plan.json[/]
    """
    from cli.declared import Request
    from cli.pages import Wanted
    from cli.plan import run_plan

    request = Request(directory, dsn, regent, secrets_from_env)
    wanted = Wanted(everything=everything, sql=sql, role=role)
    end(run_plan(request, output, wanted, out), output)


def apply(
    target: Annotated[
        Path,
        typer.Argument(
            metavar="DIR|FILE",
            help="The directory, or a file that [bold]plan --out[/] wrote.",
            show_default=False,
        ),
    ],
    dsn: DsnOption = None,
    regent: RegentOption = None,
    release: Annotated[
        str | None,
        typer.Option("--release", metavar="DIGEST", help="Let these withheld losses through."),
    ] = None,
    approve: Annotated[
        str | None,
        typer.Option(
            "--approve", metavar="DIGEST", help="Approve what waits, its losses included."
        ),
    ] = None,
    accept_takeover: Annotated[
        str | None,
        typer.Option(
            "--accept-takeover",
            metavar="TOKEN",
            help="Obey another server or source, or take roles back.",
        ),
    ] = None,
    output: OutputOption = "table",
    sql: SqlOption = False,
    everything: AllOption = False,
    role: RoleOption = None,
    secrets_from_env: FromEnvironment = False,
) -> None:
    """Bring a server to what a directory declares, once.

    Refuses while a Regent runs there. Ends with 0 when everything is Ready, with 3 when it was
    applied and something is not, and with 1 when nothing was applied. More than a page is summed
    up; what was taken away or refused is always listed in full.

    With a FILE it plans anew, of the directory and on the server that the file names, and applies
    only what the file has: if anything differs it applies nothing, says what, and ends with 1. The
    password comes as ever, in PGPASSWORD or --dsn.

    Where the Regent says [bold]approval: Manual[/], what is declared anew waits for --approve; only
    drift is corrected before, and it ends with 3.

    [dim]postgregent apply examples/flights --dsn postgresql://my-admin@127.0.0.1:5432/mydb[/]

    [dim]postgregent apply plan.json[/]

    [dim]postgregent apply examples/flights --release 9f86d081884c7d65[/]
    """
    from cli.apply import Given, run_apply, run_kept
    from cli.declared import Request
    from cli.pages import Wanted

    wanted = Wanted(everything=everything, sql=sql, role=role)
    given = Given(release=release, approve=approve, takeover=accept_takeover)
    if not target.is_file():
        request = Request(target, dsn, regent, secrets_from_env)
        end(run_apply(request, output, wanted, given), output)
    if regent is not None:
        raise typer.BadParameter(f"{target} says which Regent it is for: leave --regent out.")
    if accept_takeover is not None:
        raise typer.BadParameter("--accept-takeover goes with a directory; make a new plan then.")
    end(run_kept(target, dsn, output, wanted, given, from_env=secrets_from_env), output)


def local(
    directory: Directory,
    embedded: Annotated[
        bool,
        typer.Option("--embedded", help="Put every Regent on a PostgreSQL that is started here."),
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="PATH", help="Keep the embedded server's data there."),
    ] = None,
    dsn: DsnOption = None,
    regent: RegentOption = None,
    status_dir: Annotated[
        Path | None,
        typer.Option(
            "--status-dir",
            metavar="PATH",
            help="Write the status of each resource to PATH/NAMESPACE/KIND/NAME.yaml.",
        ),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="End when everything was pushed and reported.")
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout",
            metavar="SECONDS",
            min=1,
            help="With --once: end with 1 when that takes longer. Default: 60.",
        ),
    ] = None,
    output: OutputOption = "table",
    secrets_from_env: FromEnvironment = False,
    allow_empty: AllowEmpty = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show what is logged, too, on standard error.")
    ] = False,
) -> None:
    """Keep servers as a directory declares them, while the directory changes.

    One process per Regent corrects drift as it happens. Ctrl-C ends all of it; what was applied
    stays. With -o json or yaml every line is a document.

    With --once it ends with 0 when everything is Ready, with 3 when something is not, and with 1
    when a Regent has not answered in time.

    [dim]postgregent local examples/flights --embedded[/]

    [dim]postgregent local examples/flights --dsn postgresql://my-admin@127.0.0.1/mydb -v[/]

    [dim]postgregent local examples/flights --once --timeout 30[/]
    """
    from cli.local import Options, run_local
    from shared.logging import configure_logging

    configure_logging("info" if verbose else "error")
    options = Options(
        directory,
        output,
        dsn=dsn,
        regent=regent,
        embedded=embedded,
        data=data,
        status_dir=status_dir,
        secrets_from_env=secrets_from_env,
        allow_empty=allow_empty,
        once=once,
        timeout=timeout,
    )
    end(run_local(options), output)
