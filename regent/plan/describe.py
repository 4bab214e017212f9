"""One change in words: a line for people, and where it happens. Never a secret."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import assert_never

from regent.changes import (
    AdoptRole,
    AlterRole,
    AlterSetting,
    Change,
    ClearPassword,
    CreateOwned,
    CreateRole,
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
    PrivilegeChange,
    ReleaseRole,
    RenameRole,
    RevokeDefaults,
    RevokeMembership,
    RevokePrivileges,
    SetOwner,
    SetPassword,
)
from regent.desired import Attributes, attribute_word
from regent.kinds import KINDS
from shared.listing import first_of
from shared.printable import printable
from shared.privileges import ObjectKind
from shared.utc import utc

MOST_NAMED = 3
ALL = sys.maxsize
"""As `most`: nothing is cut."""


def describe(change: Change, *, most: int = MOST_NAMED) -> str:
    """Such as `grant SELECT on 3 tables in schema1 (a, b, c) to mydb-viewer`.

    At most so many objects and grantees are named. Names may hold line breaks: they are escaped,
    so that it stays one line.
    """
    return printable(_describe(change, most))


def where(change: Change) -> str:
    """The database or the role that a change is about, for a table's column."""
    return printable(change.where)


def _describe_revoke(change: RevokePrivileges, most: int) -> str:
    option = "the grant option for " if change.grant_option_only else ""
    by = "" if all(ref.owner == change.grantor for ref in change.objects) else change.grantor
    granted = f", granted by {by}" if by else ""
    cascade = ", and what hangs on it" if change.cascade else ""
    if change.cut is not None and by and not change.by_grantor:
        cascade = f", and all else of it that {by} gave"
    return f"revoke {option}{edge(change, most)} from {grantees(change, most)}{granted}{cascade}"


def _describe(change: Change, most: int) -> str:  # noqa: PLR0912 - one line per kind of change
    match change:
        case GrantPrivileges():
            option = " with grant option" if change.grantable else ""
            return (
                f"grant {edge(change, most)} to {grantees(change, most)}{option}{_instead(change)}"
            )
        case RevokePrivileges():
            return _describe_revoke(change, most)
        case GrantDefaults(object=those, role=role):
            return f"grant {_listed(change)} on {those} to {grantee(role)}"
        case RevokeDefaults(object=those, role=role):
            option = "the grant option for " if change.grant_option_only else ""
            return f"revoke {option}{_listed(change)} on {those} from {grantee(role)}"
        case CreateRole():
            return f"create role {change.role}{_attributes(change.attributes)}"
        case AdoptRole():
            return f"adopt role {change.role} for {change.holder}"
        case RenameRole(is_done_by_hand=True):
            return f"note that role {change.marked_as} is called {change.role} now"
        case RenameRole():
            cleared = ", which clears its md5 password" if change.clears_password else ""
            return f"rename role {change.role} to {change.new_name}{cleared}"
        case HandOver():
            return f"hand role {change.role} over to {change.holder}"
        case AlterRole():
            until = " and no password, until it is handed over" if change.for_now else ""
            return f"alter role {change.role}: {', '.join(alterations(change))}{until}"
        case DisableRole():
            return f"disable role {change.role}: NOLOGIN, as nobody declares it"
        case EnableRole():
            return f"give role {change.role} its LOGIN back, which was disabled"
        case SetPassword():
            return f"set the password of {change.role}"
        case ClearPassword():
            return f"clear the password of {change.role}"
        case AlterSetting():
            return _setting(change)
        case GrantMembership():
            words = f"{_options(change)}{_instead(change)}"
            return f"make {change.member} a member of {change.group}{words}"
        case RevokeMembership():
            return _lost_membership(change)
        case EndSessions():
            return f"end the sessions of {change.role}: {change.why}"
        case HandOnOwned(refusal=""):
            return f"hand what {change.role} owns in {change.database} on to {change.to}"
        case HandOnOwned():
            return f"leave what {change.role} owns in {change.database}: {change.refusal}"
        case CreateOwned():
            one = KINDS[change.kind].one
            return f"create {one} {change.place}, owned by {change.owner}"
        case SetOwner():
            return _set_owner(change)
        case GatherObjects():
            what = objects(change, most)
            said = f"make {change.owner} the owner of {what}, in place of {change.former}"
            lost = ", which can alter them no more and has on them only what is granted to it"
            return f"{said}{lost}" if change.strands else said
        case DropRole():
            return f"drop role {change.role}"
        case ReleaseRole():
            # What no pass takes away, and what PUBLIC has, it keeps.
            how = "without LOGIN and what was declared" if change.has_ended else "as it is"
            return f"release role {change.role}, which stays {how}"
        case _:
            assert_never(change)


def _listed(change: GrantDefaults | RevokeDefaults) -> str:
    return ", ".join(sorted(change.privileges))


def _set_owner(change: SetOwner) -> str:
    """With what it means for whoever owned it: migrations may run as he."""
    what = f"{KINDS[change.kind].one} {change.place}"
    said = f"make {change.owner} the owner of {what}, in place of {change.former}"
    if not change.strands:
        return said
    kept = ", ".join(sorted(change.keeps))
    has = f"only {kept}" if kept else "only what is granted to it"
    return f"{said}, which can alter it no more and has on it {has}"


def _attributes(attributes: Attributes) -> str:
    default = Attributes()
    words = [
        attribute_word(f.name, on=getattr(attributes, f.name))
        for f in fields(Attributes)
        if getattr(attributes, f.name) != getattr(default, f.name)
    ]
    return f" with {', '.join(words)}" if words else ""


def alterations(change: AlterRole) -> Iterable[str]:
    """Each attribute that it sets, such as `NOCREATEDB`."""
    for name in ("login", *(f.name for f in fields(Attributes))):
        shall: bool | None = getattr(change, name)
        if shall is not None:
            yield attribute_word(name, on=shall)
    if change.connection_limit is not None:
        unlimited = change.connection_limit < 0
        yield "no connection limit" if unlimited else f"connection limit {change.connection_limit}"
    if change.valid_until is not None:
        yield f"valid until {utc(change.valid_until)}"
    elif change.forever:
        yield "valid for ever"


def _setting(change: AlterSetting) -> str:
    place = f" in {change.database}" if change.database is not None else ""
    if change.value is None:
        return f"reset {change.parameter} of {change.role}{place}"
    return f"set {change.parameter} of {change.role}{place} to {change.value}"


def _options(change: GrantMembership) -> str:
    words = ["with ADMIN"] if change.admin else []
    words += [] if change.inherit else ["without INHERIT"]
    words += [] if change.set_role else ["without SET"]
    return f" {', '.join(words)}" if words else ""


def _instead(change: GrantPrivileges | GrantMembership) -> str:
    """By whom a role that is not managed had it, where that grant falls."""
    grantors = first_of(sorted(change.instead_of), MOST_NAMED)
    return f", in place of the grant by {grantors}" if grantors else ""


def _lost_membership(change: RevokeMembership) -> str:
    others = first_of([member for member, _ in change.along], MOST_NAMED)
    along = f", and with it {others}" if others else ""
    by = f"(granted by {change.grantor})"
    if change.admin_only:
        return f"take ADMIN over {change.group} from {change.member} {by}{along}"
    return f"take {change.member} out of {change.group} {by}{along}"


def edge(change: PrivilegeChange, most: int = MOST_NAMED) -> str:
    """Such as `SELECT on 3 tables in schema1 (a, b, c)`; names as they are."""
    columns = f" ({', '.join(change.columns)})" if change.columns else ""
    privileges = ", ".join(f"{one}{columns}" for one in sorted(change.privileges))
    return f"{privileges} on {objects(change, most)}"


def objects(change: PrivilegeChange | GatherObjects, most: int = MOST_NAMED) -> str:
    """One object by its name, several by their number, where they stand and the first names."""
    refs = change.objects
    one, many = _words(change.kind, refs)
    if len(refs) == 1:
        return f"{one} {refs[0]}"
    schemas = sorted({ref.schema for ref in refs if ref.schema is not None})
    place = f" in {first_of(schemas, most)}" if schemas else ""
    shown = ", ".join(ref.called for ref in refs[:most])
    more = ", …" if len(refs) > most else ""
    return f"{len(refs)} {many}{place} ({shown}{more})"


def _words(kind: ObjectKind, refs: Sequence[ObjectRef]) -> tuple[str, str]:
    """One and many of them: by their form, where they have the same."""
    row = KINDS[kind]
    forms = {ref.relation_kind for ref in refs}
    same = row.forms.get(min(forms)) if len(forms) == 1 else None
    return (row.one, row.many) if same is None else (same.one, same.many)


def grantees(change: PrivilegeChange, most: int = MOST_NAMED) -> str:
    """Their names, the first of many."""
    return first_of([grantee(one) for one in change.grantees], most)


def grantee(role: str | None) -> str:
    """Its name; None is PUBLIC."""
    return "PUBLIC" if role is None else role
