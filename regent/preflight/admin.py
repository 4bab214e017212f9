"""What the admin cannot do, and the SQL that would help. Pure.

What blocks is what PostgRegent cannot do without. A superuser lacks none of it. What other roles
keep from it is in regent/preflight/out_of_reach.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from regent.gate.restraint import ON_A_STANDBY
from regent.home.database import sql_to_run
from regent.preflight.facts import Facts
from regent.preflight.finding import A_SUPERUSER, Finding, Severity, Way
from shared.memberships import OPTIONS_SINCE, with_options
from shared.names import OWNER_ROLE, quote_ident

_NEEDED = ("createrole", "createdb")


def findings(facts: Facts) -> Iterator[Finding]:
    """All of them."""
    server = facts.server
    if server.is_in_recovery:
        yield Finding(
            Severity.BLOCKS,
            "standby",
            ON_A_STANDBY,
            ways=(Way("SELECT sender_host, sender_port FROM pg_catalog.pg_stat_wal_receiver;"),),
        )
    yield from _template(facts)
    yield from _home(facts)
    if server.admin_is_superuser:
        return
    yield from _attributes(facts)
    yield from _detector(facts)
    yield from _lesser(facts)


def _template(facts: Facts) -> Iterator[Finding]:
    names = [name for name, one in facts.databases.items() if one.is_template]
    if names:
        yield Finding(
            Severity.BLOCKS,
            "template",
            "A template is not served: its copies would carry the event triggers.",
            tuple(names),
            tuple(Way(f"ALTER DATABASE {quote_ident(one)} IS_TEMPLATE false;") for one in names),
        )


def _home(facts: Facts) -> Iterator[Finding]:
    """It is made where the admin may; one that is there must be PostgRegent's, and open to it."""
    server, home = facts.server, facts.home
    owner = server.owner_of(home)
    admin = server.roles.get(server.admin)
    is_member = any(
        one.group == OWNER_ROLE and one.member == server.admin for one in server.memberships
    )
    if owner is None:
        is_able = server.admin_is_superuser or (admin is not None and admin.attributes.createdb)
        if not is_able:
            yield Finding(
                Severity.BLOCKS,
                "home-database",
                f"The home database {home}, in which PostgRegent remembers, does not exist, and the"
                " admin cannot make it. Run what does not exist yet of this.",
                (home,),
                (Way(sql_to_run(home, server.admin, major=server.major), by=A_SUPERUSER),),
            )
    elif owner != OWNER_ROLE:
        yield Finding(
            Severity.BLOCKS,
            "home-database",
            f"The database {home} already exists and is not PostgRegent's: {owner} owns it. Set"
            " another homeDatabase on the Regent.",
            (home,),
        )
    elif not server.admin_is_superuser and not is_member:
        options = with_options(server.major)
        grant = f"GRANT {quote_ident(OWNER_ROLE)} TO {quote_ident(server.admin)}{options};"
        yield Finding(
            Severity.BLOCKS,
            "home-database",
            f"PostgRegent's home database {home} is there, and the admin is not let into it.",
            (home,),
            (Way(grant, by=A_SUPERUSER),),
        )


def _attributes(facts: Facts) -> Iterator[Finding]:
    server = facts.server
    admin = server.roles.get(server.admin)
    if admin is None or admin.attributes.createrole:
        return
    lacking = [one.upper() for one in _NEEDED if not getattr(admin.attributes, one)]
    alter = f"ALTER ROLE {quote_ident(server.admin)} {' '.join(lacking)};"
    yield Finding(
        Severity.BLOCKS,
        "no-createrole",
        "The admin has no CREATEROLE: it can make, change and drop no role.",
        (server.admin,),
        (Way(alter, by=A_SUPERUSER),),
    )


def _detector(facts: Facts) -> Iterator[Finding]:
    server = facts.server
    closed = [name for name, one in facts.databases.items() if not one.may_create]
    yield Finding(
        Severity.NOTE,
        "no-event-triggers",
        "The admin is not a superuser, so it can create event triggers only where the platform"
        " allows it. Without them a Regent finds changes of objects once a second, not at once, and"
        " cannot say who made them.",
        tuple(f"no CREATE on {name}, which they need as well" for name in closed),
        tuple(
            Way(
                f"GRANT CREATE ON DATABASE {quote_ident(name)} TO {quote_ident(server.admin)};",
                by="the owner of the database",
                database=name,
            )
            for name in closed
        ),
    )


def _lesser(facts: Facts) -> Iterator[Finding]:
    server = facts.server
    admin = server.roles.get(server.admin)
    if not any(role.password_is_readable for role in server.roles.values()):
        yield Finding(
            Severity.NOTE,
            "passwords-not-read",
            "The admin cannot read pg_authid: which roles have a password, which passwords are md5,"
            " and who changed one is not known here, nor to a Regent with this admin.",
        )
    if not facts.may_signal:
        yield Finding(
            Severity.NOTE,
            "no-signal",
            "The admin can end the sessions of roles that it can grant. Sessions of other roles go"
            " on after their access has ended.",
            ways=(
                Way(
                    f'GRANT "pg_signal_backend" TO {quote_ident(server.admin)};',
                    by="a superuser, or as a role that has ADMIN over it",
                ),
            ),
        )
    is_new = server.major >= OPTIONS_SINCE
    lacking = [
        name.upper()
        for name in ("replication", "bypassrls")
        if not is_new or (admin is not None and not getattr(admin.attributes, name))
    ]
    yield Finding(
        Severity.NOTE,
        "attributes",
        f"The admin cannot give or take {' or '.join(['SUPERUSER', *lacking])}: leave them out of"
        " spec.attributes, and roles that have them undeclared.",
        ways=tuple(
            Way(f"ALTER ROLE {quote_ident(server.admin)} {' '.join(lacking)};", by=A_SUPERUSER)
            for _ in lacking[:1]
            if is_new
        ),
    )
