"""One change as SQL: what is sent, and what may be shown of it.

Marks, sessions and ownership are not SQL of one statement: for them, and for a change that is only
about a mark, `render` gives nothing and apply does what there is to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import assert_never

from regent.apply.naming import identifier, routine
from regent.apply.verifiers import set_password
from regent.changes import (
    AdoptRole,
    AlterRole,
    AlterSetting,
    Change,
    ClearPassword,
    CreateOwned,
    CreateRole,
    Cut,
    DisableRole,
    DropRole,
    EnableRole,
    EndSessions,
    GatherObjects,
    GrantDefaults,
    GrantMembership,
    GrantPrivileges,
    HandOnOwned,
    HandOver,
    ObjectRef,
    ReleaseRole,
    RenameRole,
    RevokeDefaults,
    RevokeMembership,
    RevokePrivileges,
    SetOwner,
    SetPassword,
)
from regent.desired import attribute_word
from regent.kinds import KINDS, Naming
from regent.plan.settings import is_list, list_items
from shared.memberships import OPTIONS_SINCE
from shared.names import quote_ident, quote_literal
from shared.privileges import ObjectKind

OBJECTS_PER_STATEMENT = 500
HIDDEN = "'(hidden)'"

_SWITCHES = ("superuser", "createdb", "createrole", "inherit", "replication", "bypassrls")


@dataclass(frozen=True, slots=True)
class Statement:
    """`sql` is sent, `shown` may be logged. `as_role` must be the current role while it runs.

    `is_owners`: a superuser needs not be that role, as what it does counts as the owner's.
    """

    sql: str = field(repr=False)
    shown: str
    as_role: str | None = None
    is_owners: bool = False


def render(  # noqa: PLR0912 - one case per kind of change
    change: Change, *, major: int
) -> tuple[Statement, ...]:
    """The statements of one change on a server of this major version, in order."""
    match change:
        case GrantPrivileges():
            return tuple(_grant(change))
        case RevokePrivileges():
            return tuple(_revoke(change))
        case SetPassword():
            start = f"ALTER ROLE {quote_ident(change.role)} WITH PASSWORD "
            return (Statement(set_password(change.role), start + HIDDEN),)
        case CreateRole():
            return _plain(_create_role(change))
        case AlterRole():
            return _plain(_alter_role(change))
        case DisableRole(role=role):
            return _plain(f"ALTER ROLE {quote_ident(role)} WITH NOLOGIN")
        case EnableRole(role=role):
            return _plain(f"ALTER ROLE {quote_ident(role)} WITH LOGIN")
        case RenameRole(is_done_by_hand=True):
            return ()
        case RenameRole(puts_aside="", role=role, new_name=new_name, aside=aside):
            return _plain(_rename(aside or role, new_name))
        case RenameRole(puts_aside=other, role=role, new_name=new_name, aside=aside):
            return (*_plain(_rename(other, aside)), *_plain(_rename(role, new_name)))
        case ClearPassword(role=role):
            return _plain(f"ALTER ROLE {quote_ident(role)} WITH PASSWORD NULL")
        case AlterSetting():
            return _plain(_alter_setting(change))
        case GrantMembership():
            return _plain(_grant_membership(change, major))
        case RevokeMembership():
            return _plain(_revoke_membership(change, major))
        case GrantDefaults() | RevokeDefaults():
            return _plain(_alter_defaults(change))
        case DropRole(role=role):
            return _plain(f"DROP ROLE {quote_ident(role)}")
        case CreateOwned():
            return _plain(_create_owned(change))
        case SetOwner():
            return tuple(_set_owner(change))
        case GatherObjects():
            return tuple(_gather(change))
        case AdoptRole() | HandOver() | ReleaseRole() | EndSessions() | HandOnOwned():
            return ()
        case _:
            assert_never(change)


def _plain(sql: str) -> tuple[Statement, ...]:
    """One statement that hides nothing."""
    return (Statement(sql, sql),)


def _create_owned(change: CreateOwned) -> str:
    keyword = KINDS[change.kind].keyword
    by = "OWNER" if change.local_to is None else "AUTHORIZATION"
    return f"CREATE {keyword} {quote_ident(change.name)} {by} {quote_ident(change.owner)}"


def _set_owner(change: SetOwner) -> Iterator[Statement]:
    """Who owned it keeps what is declared for him, in the same transaction."""
    what = f"{KINDS[change.kind].keyword} {quote_ident(change.name)}"
    yield from _plain(f"ALTER {what} OWNER TO {quote_ident(change.owner)}")
    if change.keeps:
        kept = f"GRANT {_privileges(change.keeps, ())} ON {what} TO {quote_ident(change.former)}"
        yield Statement(kept, kept, change.owner, is_owners=True)


def _gather(change: GatherObjects) -> Iterator[Statement]:
    """ALTER TABLE and ALTER TYPE take views, sequences and domains, too.

    Each is carried out with what is kept on its object (regent/apply/keeping.py).
    """
    for one in change.objects:
        what = _objects(change.kind, (one,))
        yield from _plain(f"ALTER {what} OWNER TO {quote_ident(change.owner)}")
    for kept in change.keeps:
        for said in _grant(kept):
            yield replace(said, as_role=change.owner, is_owners=True)


def _create_role(change: CreateRole) -> str:
    """Only what differs from the server's defaults: an admin may lack the right to say the rest."""
    words = ["NOLOGIN"]
    for name in _SWITCHES:
        shall: bool = getattr(change.attributes, name)
        if shall != (name == "inherit"):
            words.append(attribute_word(name, on=shall))
    if change.connection_limit != -1:
        words.append(f"CONNECTION LIMIT {change.connection_limit:d}")
    if change.valid_until is not None:
        words.append(_valid_until(change.valid_until))
    return f"CREATE ROLE {quote_ident(change.role)} WITH {' '.join(words)}"


def _rename(role: str, new_name: str) -> str:
    return f"ALTER ROLE {quote_ident(role)} RENAME TO {quote_ident(new_name)}"


def _alter_role(change: AlterRole) -> str:
    words: list[str] = []
    for name in ("login", *_SWITCHES):
        shall: bool | None = getattr(change, name)
        if shall is not None:
            words.append(attribute_word(name, on=shall))
    if change.for_now:
        words.append("PASSWORD NULL")
    if change.connection_limit is not None:
        words.append(f"CONNECTION LIMIT {change.connection_limit:d}")
    if change.valid_until is not None or change.forever:
        words.append(_valid_until(change.valid_until))
    return f"ALTER ROLE {quote_ident(change.role)} WITH {' '.join(words)}"


def _valid_until(moment: datetime | None) -> str:
    """`VALID UNTIL NULL` is a syntax error; a moment without a zone is taken as UTC.

    PostgreSQL reads every offset: a moment that Python cannot turn into UTC is given with its own.
    """
    if moment is None:
        return "VALID UNTIL 'infinity'"
    zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    with suppress(OverflowError):
        zoned = zoned.astimezone(UTC)
    return f"VALID UNTIL {quote_literal(zoned.isoformat(sep=' '))}"


def _alter_setting(change: AlterSetting) -> str:
    where = f" IN DATABASE {quote_ident(change.database)}" if change.database is not None else ""
    start = f"ALTER ROLE {quote_ident(change.role)}{where}"
    parameter = ".".join(quote_ident(part) for part in change.parameter.split("."))
    if change.value is None:
        return f"{start} RESET {parameter}"
    return f"{start} SET {parameter} TO {_setting_value(change.parameter, change.value)}"


def _setting_value(parameter: str, value: str) -> str:
    """A list is written item by item, else the server would keep it as one quoted item."""
    if not is_list(parameter):
        return quote_literal(value)
    items = list_items(parameter, value)
    return ", ".join(quote_literal(item) for item in items) if items else "''"


def _grant_membership(change: GrantMembership, major: int) -> str:
    """ADMIN is only ever given here: REVOKE ADMIN OPTION FOR takes it."""
    start = f"GRANT {quote_ident(change.group)} TO {quote_ident(change.member)}"
    if major < OPTIONS_SINCE:
        return start + (" WITH ADMIN OPTION" if change.admin else "")
    options = ["ADMIN TRUE"] if change.admin else []
    options.append(f"INHERIT {str(change.inherit).upper()}")
    options.append(f"SET {str(change.set_role).upper()}")
    return f"{start} WITH {', '.join(options)}"


def _revoke_membership(change: RevokeMembership, major: int) -> str:
    option = "ADMIN OPTION FOR " if change.admin_only else ""
    sql = f"REVOKE {option}{quote_ident(change.group)} FROM {quote_ident(change.member)}"
    if major < OPTIONS_SINCE:
        return sql
    cascade = " CASCADE" if change.along else ""
    return f"{sql} GRANTED BY {quote_ident(change.grantor)}{cascade}"


def _grant(change: GrantPrivileges) -> Iterator[Statement]:
    what = _privileges(change.privileges, change.columns)
    to = _grantees(change.grantees)
    option = " WITH GRANT OPTION" if change.grantable else ""
    for objects in _chunks(change.objects):
        sql = f"GRANT {what} ON {_objects(change.kind, objects)} TO {to}{option}"
        yield Statement(sql, sql)


def _cut(change: RevokePrivileges, cut: Cut) -> Iterator[Statement]:
    """As the owner: else it could count as the grantor's own, and the option would stay with it."""
    what = _privileges(change.privileges, change.columns)
    by_owner: dict[str, list[ObjectRef]] = {}
    for ref in change.objects:
        by_owner.setdefault(ref.owner, []).append(ref)
    for owner, refs in by_owner.items():
        roles = _grantees(change.grantees if change.grantor == owner else (change.grantor,))
        for objects in _chunks(refs):
            on = f"{what} ON {_objects(change.kind, objects)}"
            option = "" if cut is Cut.NOTHING else "GRANT OPTION FOR "
            give = f"GRANT {on} TO {roles} WITH GRANT OPTION"
            take = f"REVOKE {option}{on} FROM {roles} CASCADE"
            yield Statement(give, give, owner, is_owners=True)
            if change.by_grantor:
                only = "GRANT OPTION FOR " if change.grant_option_only else ""
                sql = f"REVOKE {only}{on} FROM {_grantees(change.grantees)} CASCADE"
                yield Statement(sql, sql, change.grantor)
            yield Statement(take, take, owner, is_owners=True)
            if cut is Cut.OPTION:
                yield Statement(give, give, owner, is_owners=True)


def _revoke(change: RevokePrivileges) -> Iterator[Statement]:
    """As the grantor where it is not the owner: a superuser's REVOKE counts as the owner's."""
    if change.refusal:
        return
    if change.cut is not None:
        yield from _cut(change, change.cut)
        return
    what = _privileges(change.privileges, change.columns)
    option = "GRANT OPTION FOR " if change.grant_option_only else ""
    end = f"FROM {_grantees(change.grantees)}{' CASCADE' if change.cascade else ''}"
    own = [ref for ref in change.objects if ref.owner == change.grantor]
    others = [ref for ref in change.objects if ref.owner != change.grantor]
    owner = change.grantor if change.as_owner else None
    for refs, as_role in ((own, owner), (others, change.grantor)):
        for objects in _chunks(refs):
            sql = f"REVOKE {option}{what} ON {_objects(change.kind, objects)} {end}"
            yield Statement(sql, sql, as_role, is_owners=change.as_owner and refs is own)


def _alter_defaults(change: GrantDefaults | RevokeDefaults) -> str:
    """As whoever we are: the creator's rights are asked for, and no SET ROLE."""
    new_ones = KINDS[change.kind].new_ones
    if new_ones is None:
        raise ValueError(f"There are no default privileges on {KINDS[change.kind].many}.")
    what = f"{_privileges(change.privileges, ())} ON {new_ones.keyword}"
    start = f"ALTER DEFAULT PRIVILEGES FOR ROLE {quote_ident(change.creator)}"
    if change.schema is not None:
        start += f" IN SCHEMA {quote_ident(change.schema)}"
    if isinstance(change, GrantDefaults):
        return f"{start} GRANT {what} TO {_grantees([change.role])}"
    option = "GRANT OPTION FOR " if change.grant_option_only else ""
    return f"{start} REVOKE {option}{what} FROM {_grantees([change.role])}"


def _privileges(privileges: Iterable[str], columns: Sequence[str]) -> str:
    behind = f" ({', '.join(quote_ident(c) for c in columns)})" if columns else ""
    return ", ".join(f"{privilege}{behind}" for privilege in sorted(privileges))


def _grantees(grantees: Iterable[str | None]) -> str:
    return ", ".join("PUBLIC" if g is None else quote_ident(g) for g in grantees)


def _objects(kind: ObjectKind, objects: Iterable[ObjectRef]) -> str:
    row = KINDS[kind]
    return f"{row.keyword} {', '.join(_name(ref, row.naming) for ref in objects)}"


def _name(ref: ObjectRef, naming: Naming) -> str:
    match naming:
        case Naming.NAME:
            return identifier(ref)
        case Naming.SIGNATURE:
            return routine(ref.schema or "", ref.name, ref.arguments or "")
        case Naming.NUMBER:
            return f"{ref.oid:d}"
        case Naming.PARAMETER:
            return ".".join(quote_ident(part) for part in ref.name.split("."))
        case _:
            assert_never(naming)


def _chunks(objects: Sequence[ObjectRef]) -> Iterator[Sequence[ObjectRef]]:
    for start in range(0, len(objects), OBJECTS_PER_STATEMENT):
        yield objects[start : start + OBJECTS_PER_STATEMENT]
