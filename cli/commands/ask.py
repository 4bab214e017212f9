"""Commands that ask who has access: why, who-can, diff, access-review."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import (
    AllOption,
    DatabaseOption,
    DsnOption,
    FirstSide,
    FromEnvironment,
    MaybeDirectory,
    ObjectArgument,
    OutputOption,
    PrivilegeArgument,
    RegentOption,
    ReviewOutput,
    RoleArgument,
    RoleOption,
    SecondSide,
)
from cli.printing import Output
from cli.running import end, require_directory


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

    require_directory(directory, regent, secrets_from_env)
    asked = Asked(privilege, name, directory, dsn, database, regent, secrets_from_env)
    end(run_why(asked, role, output), output)


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

    require_directory(directory, regent, secrets_from_env)
    asked = Asked(privilege, name, directory, dsn, database, regent, secrets_from_env)
    end(run_who_can(asked, output, everybody=everybody), output)


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
    end(run_diff(asked, output), output)


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

    require_directory(directory, regent, secrets_from_env)
    asked = Asked(directory, dsn, regent, secrets_from_env, role, everything)
    errors_as: Output = output if output in ("json", "yaml") else "table"
    end(run_access_review(asked, output), errors_as)
