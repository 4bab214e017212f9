"""Commands for a server that PostgRegent does not manage yet: export, adopt, preflight, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.options import (
    AllOption,
    Directory,
    DsnOption,
    FromEnvironment,
    MaybeDirectory,
    OutputOption,
    RegentOption,
)
from cli.printing import results
from cli.running import end, require_directory


def export(
    out: Annotated[
        Path | None,
        typer.Argument(
            metavar="[OUT]",
            help="A new or empty directory. Default: one stream on standard output.",
            show_default=False,
        ),
    ] = None,
    dsn: DsnOption = None,
    database: Annotated[
        list[str] | None,
        typer.Option("--database", metavar="NAME", help="One more database; may be repeated."),
    ] = None,
    roles: Annotated[
        list[str] | None,
        typer.Option("--roles", metavar="PATTERN", help="Only these; may be repeated."),
    ] = None,
    schemas: Annotated[
        list[str] | None,
        typer.Option("--schemas", metavar="PATTERN", help="Only these; may be repeated."),
    ] = None,
    ignore_roles: Annotated[
        list[str] | None,
        typer.Option("--ignore-roles", metavar="PATTERN", help="Not these; may be repeated."),
    ] = None,
    per: Annotated[
        Literal["kind", "role"],
        typer.Option("--per", help="What OUT has one file for."),
    ] = "kind",
    wildcards: Annotated[
        bool,
        typer.Option(
            "--wildcards",
            help='Write "*" wherever all objects have it now; what is made later gets it, too.',
        ),
    ] = False,
    passwords: Annotated[
        bool, typer.Option("--passwords", help="Write a Secret with the SCRAM verifiers.")
    ] = False,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Of the Regent. Default: DATABASE.")
    ] = None,
    sql: Annotated[
        bool,
        typer.Option(
            "--sql", help="Write SQL for psql instead, with all that is there, for a recovery."
        ),
    ] = False,
) -> None:
    """Write the roles and privileges of a server that nobody manages yet as manifests.

    Their plan adopts the roles and changes nothing else: that is proved before anything is written,
    by planning it. What no declaration says is listed on standard error, and with its SQL in
    comments. Writes nothing to the server.

    [dim]postgregent export ./access --dsn postgresql://my-admin@127.0.0.1:5432/mydb[/]

    [dim]postgregent plan ./access --dsn postgresql://my-admin@127.0.0.1:5432/mydb[/]

    [dim]postgregent export --roles 'app_*' --dsn postgresql://my-admin@127.0.0.1/mydb[/]
    """
    from cli.export import Wanted, run_export

    if dsn is None:
        raise typer.BadParameter("Say --dsn DSN for the server.")
    wanted = Wanted(
        dsn,
        out,
        databases=tuple(database or ()),
        roles=tuple(roles or ()),
        schemas=tuple(schemas or ()),
        ignore_roles=tuple(ignore_roles or ()),
        layout=per,
        is_wide=wildcards,
        with_passwords=passwords,
        name=name,
        as_sql=sql,
    )
    end(run_export(wanted), "table")


def adopt(
    directory: Directory,
    roles: Annotated[
        list[str] | None,
        typer.Option("--role", metavar="NAME", help="As PostgreSQL calls it; may be repeated."),
    ] = None,
    selectors: Annotated[
        list[str] | None,
        typer.Option(
            "--selector",
            "-l",
            metavar="LABELS",
            help="Whoever has these labels in the directory, as kubectl takes them; repeatable.",
        ),
    ] = None,
    dsn: DsnOption = None,
    regent: RegentOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    digest: Annotated[
        str | None,
        typer.Option(
            "--digest", metavar="DIGEST", help="Do not ask, where exactly this would be lost."
        ),
    ] = None,
    with_regent: Annotated[
        bool,
        typer.Option(
            "--with-regent", help="Put the directory's Regent in force too, if another one is."
        ),
    ] = False,
    output: OutputOption = "table",
    everything: AllOption = False,
    secrets_from_env: FromEnvironment = False,
) -> None:
    """Bring some roles of a directory under management, and leave all others as they are.

    Shows what each person would lose and gain, asks, and puts it in force beside what was adopted
    before. What the chosen ones need, such as the Roles of a User, comes along. Without a terminal
    it needs --yes, or --digest with the digest of what was shown: nothing is done when something
    else would be lost by then.

    Refuses while a Regent runs there. Ends with 0 when all that was chosen is in force, as a pass
    has seen, and with 1 when something is not; it can be called again.

    [dim]postgregent adopt ./access --role alice --dsn postgresql://my-admin@127.0.0.1:5432/mydb[/]

    [dim]postgregent adopt ./access -l team=flights --yes[/]

    [dim]postgregent adopt ./access --role alice --role bob --digest 9f86d081884c7d65[/]
    """
    from cli.adopt import Wanted, run_adopt
    from cli.asking import confirm
    from cli.declared import Request

    if not roles and not selectors:
        raise typer.BadParameter("Say who: --role NAME or --selector LABELS.")
    if yes and digest is not None:
        raise typer.BadParameter("--yes agrees to anything; leave it out, or --digest.")
    request = Request(directory, dsn, regent, secrets_from_env)
    wanted = Wanted(
        tuple(roles or ()), tuple(selectors or ()), yes, digest, everything, with_regent
    )
    end(run_adopt(request, wanted, output, confirm), output)


def preflight(
    directory: MaybeDirectory = None,
    dsn: DsnOption = None,
    databases: Annotated[
        list[str] | None,
        typer.Option("--database", metavar="NAME", help="Look into this one, too; repeatable."),
    ] = None,
    regent: RegentOption = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show every object and every statement.")
    ] = False,
    output: OutputOption = "table",
    secrets_from_env: FromEnvironment = False,
) -> None:
    r"""Look at a server before PostgRegent manages it. Writes nothing.

    Says what the admin cannot do and the SQL that helps, who has more than they should, whose dump,
    replication or pooler is affected, and what a restore needs. Reads the database of --dsn, or
    those that the Regent of DIR serves, in READ ONLY transactions.

    Ends with 0 when nothing blocks, with 2 when something does, and with 1 when something could not
    be read.

    [dim]postgregent preflight --dsn postgresql://my-admin@127.0.0.1:5432/mydb[/]

    [dim]postgregent preflight examples/flights -o json | jq '.findings\[].name'[/]
    """
    from cli.preflight import Asked, run_preflight

    require_directory(directory, regent, secrets_from_env)
    asked = Asked(directory, dsn, tuple(databases or ()), regent, secrets_from_env)
    end(run_preflight(asked, output, everything=everything), output)


def demo(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The example to run.")] = Path(
        "examples/flights"
    ),
) -> None:
    """Tell the whole story on a PostgreSQL that is started here, and leave nothing behind.

    Ends with 0 when every step happened. In the project's folder, [bold]make demo[/] is the same.

    [dim]postgregent demo examples/flights[/]
    """
    from cli.demo import run_demo
    from shared.logging import configure_logging

    configure_logging("warning")
    end(run_demo(directory, results(markup=True)), "table")
