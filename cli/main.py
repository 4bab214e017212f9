"""The `postgregent` command: its arguments, its help, its exit status.

What a command needs is imported when it is called, so that `--help` and completion are quick.
Long because each command's options and help are written out, and nothing else is here.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from cli.options import (
    AllOption,
    AllowEmpty,
    ContextOption,
    DatabaseOption,
    Directory,
    DriftOfRoleOption,
    DsnOption,
    FirstSide,
    FromEnvironment,
    HomeDatabaseOption,
    KubeconfigOption,
    KubernetesOption,
    ListOutputOption,
    MaybeDirectory,
    NamespacesOption,
    ObjectArgument,
    OutputOption,
    PrivilegeArgument,
    RegentOption,
    RememberedRegentOption,
    ReviewOutput,
    RoleArgument,
    RoleOption,
    SecondSide,
    SqlOption,
)
from cli.printing import Output, print_data, print_error, results
from cli.usage import Commands

if TYPE_CHECKING:
    from cli.checked import OfServer

FAILED = 1

app = typer.Typer(
    name="postgregent",
    cls=Commands,
    help="Keeps the roles and privileges of PostgreSQL servers as a directory of YAML declares"
    " them.\n\nStart with [bold]postgregent validate DIR[/], then [bold]postgregent local DIR"
    " --embedded[/].",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        results().print(f"postgregent {_known_version()}", markup=False)
        raise typer.Exit


@app.callback()
def before_any_command(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """What is understood without a command."""


@app.command()
def validate(
    directory: Directory,
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
    r"""Show every problem of a directory at once. Needs no database.

    Ends with 0 when all is valid, and with 1 when something is not. Warnings alone end with 0.

    With --dsn it reads that server, too, and warns of each object that a Permission names and that
    is not there: a schema, table, column, routine, type, foreign server or any other. It writes
    nothing, and ends with 1 when the server or one of its databases cannot be read.

    [dim]postgregent validate examples/flights[/]

    [dim]postgregent validate examples/flights --dsn postgresql://my-admin@127.0.0.1:5432/mydb[/]

    [dim]postgregent validate examples/flights -o json | jq '.problems\[].field'[/]
    """
    from cli.declared import Request
    from cli.validate import validate as run
    from cli.validate import validate_with_server

    if dsn is not None:
        request = Request(directory, dsn, regent, secrets_from_env)
        _end(validate_with_server(request, output, allow_empty=allow_empty), output)
    if regent is not None:
        raise typer.BadParameter("--regent goes with --dsn.")
    environment = os.environ if secrets_from_env else None
    code = run(
        directory,
        output,
        environment=environment,
        allow_empty=allow_empty,
        console=results(),
    )
    raise typer.Exit(code)


@app.command()
def plan(
    directory: Directory,
    dsn: DsnOption = None,
    regent: RegentOption = None,
    output: OutputOption = "table",
    sql: SqlOption = False,
    everything: AllOption = False,
    role: RoleOption = None,
    secrets_from_env: FromEnvironment = False,
) -> None:
    """Show what [bold]apply[/] would do. Writes nothing.

    Without --dsn it asks the server that the Regent of the directory names. Ends with 0 when there
    is nothing to do, with 2 when there is, also where the brake withholds all of it, it waits for
    the end of a pause, or the server refused it before, and with 1 when it cannot be known or done:
    a database that could not be read, a standby, an admin that may not make the home database.

    More than a page of changes is summed up; what is taken away is always listed in full.

    [dim]postgregent plan examples/flights --dsn postgresql://my-admin@127.0.0.1:5432/mydb[/]

    [dim]postgregent plan examples/flights --sql -o yaml[/]

    [dim]postgregent plan examples/flights --role mydb-viewer[/]
    """
    from cli.declared import Request
    from cli.pages import Wanted
    from cli.plan import run_plan

    request = Request(directory, dsn, regent, secrets_from_env)
    wanted = Wanted(everything=everything, sql=sql, role=role)
    _end(run_plan(request, output, wanted), output)


@app.command()
def apply(
    directory: Directory,
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

    Where the Regent says [bold]approval: Manual[/], what is declared anew waits for --approve; only
    drift is corrected before, and it ends with 3.

    [dim]postgregent apply examples/flights --dsn postgresql://my-admin@127.0.0.1:5432/mydb[/]

    [dim]postgregent apply examples/flights --release 9f86d081884c7d65[/]
    """
    from cli.apply import Given, run_apply
    from cli.declared import Request
    from cli.pages import Wanted

    request = Request(directory, dsn, regent, secrets_from_env)
    wanted = Wanted(everything=everything, sql=sql, role=role)
    given = Given(release=release, approve=approve, takeover=accept_takeover)
    work = run_apply(request, output, wanted, given)
    _end(work, output)


@app.command()
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
    _end(run_local(options), output)


@app.command()
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
    kubeconfig: Annotated[
        Path | None, typer.Option("--kubeconfig", metavar="FILE", help="Default: as kubectl's.")
    ] = None,
    kube_context: Annotated[
        str | None, typer.Option("--context", metavar="NAME", help="Of the kubeconfig.")
    ] = None,
    namespace: Annotated[
        list[str] | None,
        typer.Option("--namespace", "-n", metavar="NAME", help="Only there; may be repeated."),
    ] = None,
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
    given = {
        name
        for name in context.params
        if (source := context.get_parameter_source(name)) and source.name == "COMMANDLINE"
    }
    from cli.asking import confirm
    from cli.uninstall_targets import cluster_removal, misplaced

    if wrong := misplaced(given, "kubernetes" if kubernetes else "dsn"):
        raise typer.BadParameter(wrong)
    if kubernetes:
        work = cluster_removal(kubeconfig, kube_context, namespace, patience, yes, output)
        _end(work, output)
    from cli.uninstall import Removal, run_uninstall

    if dsn is None:
        raise typer.BadParameter("Say --dsn DSN for a server, or --kubernetes for a cluster.")
    removal = Removal(dsn, regent, home_database, home=home, is_confirmed=yes)
    _end(run_uninstall(removal, output, confirm), output)


@app.command()
def why(
    role: RoleArgument,
    privilege: PrivilegeArgument,
    name: ObjectArgument,
    directory: MaybeDirectory = None,
    dsn: DsnOption = None,
    database: DatabaseOption = None,
    regent: RegentOption = None,
    output: OutputOption = "table",
    secrets_from_env: FromEnvironment = False,
) -> None:
    r"""Show by which chains a role has a privilege, and which resources declare them.

    Each chain goes through memberships to a GRANT, to PUBLIC, to a built-in role or to a superuser.
    With DIR it names the resources, with their files. It writes nothing, and needs nothing of
    PostgRegent on the server. Ends with 0 when the role has the privilege at once, and with 2 when
    it has not, or only after SET ROLE.

    Where a table and a sequence, say, are called alike, write [bold]table/schema1.flights[/].

    [dim]postgregent why mydb-viewer SELECT schema1.flights --dsn postgresql://my-admin@db/mydb[/]

    [dim]postgregent why summer-intern-2 SELECT schema1.flights examples/flights[/]

    [dim]postgregent why bob EXECUTE 'schema1.f(integer)' -o json | jq '.holders\[0].chains'[/]
    """
    from cli.why import Asked, run_why

    _require_directory(directory, regent, secrets_from_env)
    asked = Asked(privilege, name, directory, dsn, database, regent, secrets_from_env)
    _end(run_why(asked, role, output), output)


@app.command(name="who-can")
def who_can(
    privilege: PrivilegeArgument,
    name: ObjectArgument,
    directory: MaybeDirectory = None,
    dsn: DsnOption = None,
    database: DatabaseOption = None,
    regent: RegentOption = None,
    everybody: Annotated[
        bool, typer.Option("--all", help="Roles that may not log in, too.")
    ] = False,
    output: OutputOption = "table",
    secrets_from_env: FromEnvironment = False,
) -> None:
    """Show who has a privilege on an object, and the shortest chain of each.

    Those who may log in; with --all groups, too. Writes nothing. Ends with 0 also where there is
    nobody.

    [dim]postgregent who-can SELECT schema1.flights --dsn postgresql://my-admin@db/mydb[/]

    [dim]postgregent who-can CREATE schema/schema1 examples/flights --all[/]
    """
    from cli.why import Asked, run_who_can

    _require_directory(directory, regent, secrets_from_env)
    asked = Asked(privilege, name, directory, dsn, database, regent, secrets_from_env)
    _end(run_who_can(asked, output, everybody=everybody), output)


@app.command()
def diff(
    before: FirstSide,
    after: SecondSide,
    dsn: DsnOption = None,
    regent: RegentOption = None,
    output: OutputOption = "table",
    everything: AllOption = False,
    role: RoleOption = None,
    secrets_from_env: FromEnvironment = False,
) -> None:
    r"""Show whose access differs between A and B, and in what. Writes nothing.

    Each of them is a directory, a directory as it was in a revision of Git ([bold]DIR@REV[/], which
    git writes to a temporary place), or a server as it is now (a DSN). What is compared is what
    each person has in the end, by memberships, PUBLIC, ownership and grants, and not the files.
    Patterns mean what is on a server now: that of --dsn, that of the other side, or the Regent's.

    Ends with 0 when nobody gains or loses anything, with 2 when somebody does, and with 1 when it
    cannot be known: a database could not be read, or was read on one side only.

    [dim]postgregent diff deploy@main deploy --dsn postgresql://my-admin@db.example.com/mydb[/]

    [dim]postgregent diff postgresql://my-admin@db.example.com/mydb deploy[/]

    [dim]postgregent diff deploy@HEAD~1 deploy --role anna -o json | jq '.persons\[].gains'[/]
    """
    from cli.diff import Compared, run_diff
    from cli.sides import Options

    options = Options(dsn, regent, secrets_from_env)
    asked = Compared(before, after, options, role, everything)
    _end(run_diff(asked, output), output)


@app.command(name="access-review")
def access_review(
    directory: MaybeDirectory = None,
    dsn: DsnOption = None,
    regent: RegentOption = None,
    output: ReviewOutput = "table",
    everything: AllOption = False,
    role: RoleOption = None,
    secrets_from_env: FromEnvironment = False,
) -> None:
    r"""Show who has access to what on a server, and why. Writes nothing.

    Every role that may log in, with all that it has by memberships, PUBLIC, ownership and grants,
    in every database of the server. With DIR it names the resources that declare each of them. It
    needs nothing of PostgRegent on the server. The digest is that of the access that was read: the
    same access has the same digest, so a report can be held against the server later.

    As csv there is a line for each right; html is one page that needs nothing else.

    Ends with 0 when all was read, and with 1 when a database was not; it is named.

    [dim]postgregent access-review --dsn postgresql://my-admin@db.example.com/mydb[/]

    [dim]postgregent access-review examples/flights --role summer-intern-2[/]

    [dim]postgregent access-review --dsn postgresql://my-admin@db/mydb -o html > access.html[/]
    """
    from cli.access_review import Asked, run_access_review

    _require_directory(directory, regent, secrets_from_env)
    asked = Asked(directory, dsn, regent, secrets_from_env, role, everything)
    errors_as: Output = output if output in ("json", "yaml") else "table"
    _end(run_access_review(asked, output), errors_as)


@app.command()
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
    _end(run_export(wanted), "table")


@app.command()
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

    _require_directory(directory, regent, secrets_from_env)
    asked = Asked(directory, dsn, tuple(databases or ()), regent, secrets_from_env)
    _end(run_preflight(asked, output, everything=everything), output)


@app.command()
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
        _end(run_list(home, output), output)
    if role is None:
        raise typer.BadParameter("Say ROLE, as PostgreSQL calls it, or --list.")
    if reason is None:
        raise typer.BadParameter("Say --reason TEXT: why it is paused, for whoever reads it.")
    try:
        found = span_of(span)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--for") from None
    _end(run_pause(home, role, found, reason, output), output)


@app.command()
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
    _end(run_resume(Home(dsn, home_database), role, output), output)


@app.command()
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
    output: ListOutputOption = "table",
) -> None:
    r"""Show whether a Regent lives, what it shall hold, and what is wrong, with what helps.

    With --dsn it reads the home database and the server, and needs no Regent that runs: who holds
    its lock, whether it hears, the detector in each served database, the brake, approvals, pauses,
    what the server refuses, the admin's rights, the clock, and whose server it is. It writes
    nothing.

    With --status-dir it shows what a local Regent says of each resource, and whether it runs. With
    --kubernetes the same of a cluster, with your own rights there.

    Ends with 0 when all is fine, with 3 when something is not, and with 1 when something could not
    be read.

    [dim]postgregent status --dsn postgresql://my-admin@127.0.0.1:5432/mydb[/]

    [dim]postgregent status --status-dir /tmp/status[/]

    [dim]postgregent status --kubernetes -n my-team[/]

    [dim]postgregent status -o json | jq '.regents\[].findings\[] | select(.level == "Fault")'[/]
    """
    from cli.status import run_status
    from cli.status_sources import OF_A_CLUSTER, OF_A_SERVER, of_cluster
    from cli.table_of import of_errors

    if status_dir is not None:
        from cli.status_folder import run_status_folder

        _require_none_given(context, "--status-dir", "dsn", *OF_A_SERVER, *OF_A_CLUSTER)
        _end(run_status_folder(status_dir, output), of_errors(output))
    if kubernetes:
        _require_none_given(context, "--kubernetes", "dsn", *OF_A_SERVER)
        _end(of_cluster(kubeconfig, kube_context, namespace, output), of_errors(output))
    _require_none_given(context, "--dsn", *OF_A_CLUSTER[1:])
    _end(run_status(_of_server(dsn, home_database, regent), output), of_errors(output))


@app.command()
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

    _end(run_drift(_of_server(dsn, home_database, regent), role, output), of_errors(output))


@app.command()
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
    asked = _of_server(dsn, home_database, regent)
    wanted = Wanted(moment, role, follow)
    _end(run_history(asked, wanted, output), of_errors(output))


@app.command()
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
    _end(run_demo(directory, results(markup=True)), "table")


@app.command()
def version(output: OutputOption = "table") -> None:
    """Show the version."""
    if output == "table":
        _show_version(asked=True)
    else:
        print_data(results(), {"version": _known_version()}, output)


def _require_none_given(context: typer.Context, beside: str, *names: str) -> None:
    """What is of another source is refused where it was written; the environment has no say."""
    for name in names:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = name.removeprefix("kube_").replace("_", "-")
            raise typer.BadParameter(f"--{option} does not go with {beside}.")


def _of_server(dsn: str | None, home_database: str, regent: str | None) -> OfServer:
    from cli.checked import OfServer

    if dsn is None:
        raise typer.BadParameter("Say --dsn DSN for the server.")
    return OfServer(dsn, home_database, regent)


def _require_directory(directory: Path | None, regent: str | None, secrets_from_env: bool) -> None:
    """What tells how to read a directory is refused without one."""
    if directory is None and (regent is not None or secrets_from_env):
        raise typer.BadParameter("--regent and --secrets-from-env go with DIR.")


def _known_version() -> str:
    try:
        return installed_version("postgregent")
    except PackageNotFoundError:
        return "not installed"


def _end(work: Coroutine[None, None, int], output: Output) -> NoReturn:
    """Run a command to its exit status; expected errors are told, others keep their traceback."""
    from cli.declared import ProblemsError
    from cli.printing import print_problems
    from regent.server.trouble import TOLD, in_words

    try:
        code = asyncio.run(work)
    except ProblemsError as error:
        print_problems(error.problems, output)
        code = FAILED
    except BrokenPipeError:
        raise  # Whoever read the output is gone, not the server.
    except TOLD as error:
        print_error(in_words(error), output)
        code = FAILED
    except KeyboardInterrupt:
        code = 130
    raise typer.Exit(code)
