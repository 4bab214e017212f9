"""Arguments and options that several commands have, with their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.printing import Output
from cli.table_of import ListOutput

DSN_HELP = (
    "The server, as postgresql://USER@HOST:PORT/DATABASE. The password may also come from"
    " PGPASSWORD, where other users of this machine do not see it."
)

Directory = Annotated[
    Path,
    typer.Argument(
        metavar="DIR", help="The directory; all YAML and JSON files below it, but for hidden ones."
    ),
]
SourcesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH...",
        help="Directories, with all YAML and JSON files below them, but for hidden ones; files; or"
        " - for standard input.",
        show_default=False,
    ),
]
MaybeDirectory = Annotated[
    Path | None,
    typer.Argument(
        metavar="[DIR]", help="The directory whose resources are named.", show_default=False
    ),
]
RoleArgument = Annotated[
    str, typer.Argument(metavar="ROLE", help="As PostgreSQL calls it.", show_default=False)
]
PrivilegeArgument = Annotated[
    str, typer.Argument(metavar="PRIVILEGE", help="Such as SELECT.", show_default=False)
]
ObjectArgument = Annotated[
    str,
    typer.Argument(
        metavar="OBJECT",
        help="With its schema; a column after its table. A kind may stand before: table/flights.",
        show_default=False,
    ),
]
FirstSide = Annotated[
    str,
    typer.Argument(metavar="A", help="A directory, DIR@REV of Git, or a DSN.", show_default=False),
]
SecondSide = Annotated[
    str, typer.Argument(metavar="B", help="The same, after the change.", show_default=False)
]
DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", metavar="NAME", help="Where to look; default: the server's first."),
]
OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="How results are printed.", show_default=True)
]
ReviewOutput = Annotated[
    Literal["table", "json", "yaml", "csv", "html"],
    typer.Option("--output", "-o", help="How it is printed.", show_default=True),
]
DsnOption = Annotated[
    str | None, typer.Option("--dsn", metavar="DSN", envvar="POSTGREGENT_DSN", help=DSN_HELP)
]
RegentOption = Annotated[
    str | None,
    typer.Option("--regent", metavar="NAME", help="Which Regent, when there are several."),
]
FromEnvironment = Annotated[
    bool,
    typer.Option(
        "--secrets-from-env",
        help="Take Secrets also from POSTGREGENT_SECRET_<NAME>__<KEY>, in capitals, with _ for"
        " everything that is no letter or digit.",
    ),
]
SqlOption = Annotated[bool, typer.Option("--sql", help="Show the statements too; no secrets.")]
AllOption = Annotated[
    bool,
    typer.Option("--all", help="Show every change and resource, however many there are."),
]
RoleOption = Annotated[
    str | None,
    typer.Option(
        "--role",
        metavar="NAME",
        help="Show only what is of this role, in full. The exit status is that of everything.",
    ),
]
HomeDatabaseOption = Annotated[
    str, typer.Option("--home-database", metavar="NAME", help="Where the Regent remembers.")
]
KubernetesOption = Annotated[
    bool, typer.Option("--kubernetes", help="Instead: what the statuses in a cluster say.")
]
KubeconfigOption = Annotated[
    Path | None, typer.Option("--kubeconfig", metavar="FILE", help="Default: as kubectl's.")
]
ContextOption = Annotated[
    str | None, typer.Option("--context", metavar="NAME", help="Of the kubeconfig.")
]
NamespacesOption = Annotated[
    list[str] | None,
    typer.Option("--namespace", "-n", metavar="NAME", help="Only there; may be repeated."),
]
ListOutputOption = Annotated[
    ListOutput, typer.Option("--output", "-o", help="How results are printed.", show_default=True)
]
RememberedRegentOption = Annotated[
    str | None,
    typer.Option("--regent", metavar="NAMESPACE/NAME", help="Only this one; default: all."),
]
DriftOfRoleOption = Annotated[
    str | None,
    typer.Option("--role", metavar="NAME", help="Only what is about this role of PostgreSQL."),
]
AllowEmpty = Annotated[
    bool, typer.Option("--allow-empty", help="An empty directory means that nothing is declared.")
]
