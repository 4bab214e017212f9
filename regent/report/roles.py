"""The managed roles as the API shows them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from regent.desired import Desired, DesiredRole
from regent.passes.one_pass import Pass
from regent.remembered import Mark
from shared.http import PrivilegeBody, RoleBody, RolePage, RoleSummary


def role_page(latest: Pass | None, marks: Iterable[Mark], limit: int, after: str) -> RolePage:
    """Managed roles by name, from the one after `after`."""
    summaries = [s for s in _summaries(latest, marks) if s.name > after]
    more = len(summaries) > limit
    items = tuple(summaries[:limit])
    return RolePage(items=items, continue_=items[-1].name if more else None)


def role_body(latest: Pass | None, marks: Iterable[Mark], name: str) -> RoleBody | None:
    """One managed role with what it is declared to be and to have."""
    summary = next((s for s in _summaries(latest, marks) if s.name == name), None)
    if summary is None or latest is None:
        return None
    desired, observed = latest.desired, latest.server.roles.get(name)
    role = desired.roles.get(name)
    memberships = latest.server.memberships
    return RoleBody(
        **summary.model_dump(),
        attributes=_attributes(role) if role else {},
        connection_limit=role.connection_limit if role else -1,
        valid_until=role.valid_until if role else None,
        has_password=observed is not None and observed.verifier is not None,
        settings={
            f"{k.database}.{k.parameter}" if k.database else k.parameter: v
            for k, v in (role.settings if role else {}).items()
        },
        member_of=tuple(sorted({m.group for m in memberships if m.member == name})),
        members=tuple(sorted({m.member for m in memberships if m.group == name})),
        privileges=tuple(_privileges(desired, name)),
    )


def _summaries(latest: Pass | None, marks: Iterable[Mark]) -> Iterator[RoleSummary]:
    if latest is None:
        return
    origins = {mark.role: mark.origin for mark in marks}
    ending = {ending.name for ending in latest.desired.endings}
    for name in sorted(latest.desired.managed):
        role = latest.desired.roles.get(name)
        yield RoleSummary(
            name=name,
            resources=tuple(str(key) for key in role.declared_by) if role else (),
            login=role.login if role else False,
            origin=origins.get(name, "created"),
            ending=name in ending,
        )


def _attributes(role: DesiredRole) -> dict[str, bool]:
    names = ("superuser", "createdb", "createrole", "inherit", "replication", "bypassrls")
    return {name: getattr(role.attributes, name) for name in names}


def _privileges(desired: Desired, name: str) -> Iterator[PrivilegeBody]:
    """As declared: patterns, not the objects that they match."""
    for database, grants in sorted(desired.grants.items()):
        for grant in grants:
            if name not in grant.grantees:
                continue
            place = ".".join(
                ",".join(part) for part in (grant.schemas, grant.names, grant.columns) if part
            )
            privileges = tuple(sorted(grant.privileges))
            yield PrivilegeBody(
                kind=grant.kind.value,
                database=database,
                object=place or database,
                privileges=privileges,
                grantable=privileges if grant.grantable else (),
                resources=(str(grant.permission),),
            )
