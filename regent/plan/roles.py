"""Roles themselves: made or adopted, their attributes, LOGIN and password."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from datetime import datetime

from regent.changes import (
    AdoptRole,
    AlterRole,
    Change,
    ClearPassword,
    CreateRole,
    Effect,
    EndSessions,
    HandOver,
    SetPassword,
)
from regent.desired import Attributes, Desired, DesiredRole, PasswordPolicy
from regent.observed import ObservedRole, ObservedServer
from regent.plan.authority import Authority
from regent.plan.passwords import is_in_force
from regent.plan.persons import Persons, has_password, put_out, remembered
from regent.plan.settings import plan_settings
from shared.keys import ResourceKey

UNLIMITED = -1


def plan_roles(
    desired: Desired,
    server: ObservedServer,
    authority: Authority,
    *,
    verifier_digests: Mapping[str, str],
    holders: Mapping[str, ResourceKey],
    persons: Persons,
) -> Iterator[Change]:
    """Every role that is declared and may be touched, by name."""
    moving = {role.renamed_from for role in desired.roles.values()}
    for name, role in sorted(desired.roles.items()):
        if name not in authority.managed:
            continue
        observed = server.roles.get(name)
        known_as = role.known_as(moving)
        digest = remembered(verifier_digests, known_as) or ""
        has_sessions = name in server.lingering
        if observed is None:
            yield _created(role)
        elif name in desired.adopted:
            yield AdoptRole(name, role.holder, role.declared_by)
        elif name in persons.former:
            yield HandOver(name, role.holder, role.declared_by, to_another=True)
        elif role.renamed_from is None and remembered(holders, known_as) not in (None, role.holder):
            yield HandOver(name, role.holder, role.declared_by)
        if observed is not None:
            if name in persons.strangers:
                yield from _put_out(role, observed, digest)
                observed = replace(observed, verifier=None, login=observed.login and not role.login)
                digest, has_sessions = "", has_sessions and not role.login
            yield from _attributes(role, observed)
        yield from plan_settings(role, observed)
        yield from _password(role, observed, digest)
        yield from _login(role, observed, has_sessions=has_sessions)


def _put_out(role: DesiredRole, observed: ObservedRole, digest: str) -> Iterator[Change]:
    """Whoever had it; where nobody is to log in LOGIN and sessions end as they always do."""
    if role.login:
        yield from put_out(role.name, role.declared_by)
    elif has_password(observed, digest):
        yield ClearPassword(role.name, role.declared_by)


def _created(role: DesiredRole) -> CreateRole:
    return CreateRole(
        role.name,
        role.holder,
        role.attributes,
        role.connection_limit,
        role.valid_until,
        role.declared_by,
    )


def _attributes(role: DesiredRole, observed: ObservedRole) -> Iterator[AlterRole]:
    """One change for all that widens, one for all that narrows."""
    if (role.attributes, role.connection_limit, role.valid_until) == (
        observed.attributes,
        observed.connection_limit,
        observed.valid_until,
    ):
        return
    wider: dict[str, bool] = {}
    narrower: dict[str, bool] = {}
    for attribute in fields(Attributes):
        shall: bool = getattr(role.attributes, attribute.name)
        if shall != getattr(observed.attributes, attribute.name):
            (wider if shall else narrower)[attribute.name] = shall
    limits, until = _limits(role, observed), _until(role, observed)
    for effect, switches in ((Effect.WIDEN, wider), (Effect.NARROW, narrower)):
        limit = limits.get(effect)
        lasts = effect in until
        if switches or limit is not None or lasts:
            yield AlterRole(
                role.name,
                effect,
                connection_limit=limit,
                valid_until=until.get(effect),
                forever=lasts and until[effect] is None,
                causes=role.declared_by,
                **switches,
            )


def _limits(role: DesiredRole, observed: ObservedRole) -> dict[Effect, int]:
    shall, before = role.connection_limit, observed.connection_limit
    if shall == before:
        return {}
    is_wider = shall == UNLIMITED or (before != UNLIMITED and shall > before)
    return {Effect.WIDEN if is_wider else Effect.NARROW: shall}


def _until(role: DesiredRole, observed: ObservedRole) -> dict[Effect, datetime | None]:
    shall, before = role.valid_until, observed.valid_until
    if shall == before:
        return {}
    is_wider = shall is None or (before is not None and shall > before)
    return {Effect.WIDEN if is_wider else Effect.NARROW: shall}


def _password(role: DesiredRole, observed: ObservedRole | None, digest: str) -> Iterator[Change]:
    if role.password is PasswordPolicy.SET and role.verifier is not None:
        if not is_in_force(role.verifier, observed, digest):
            yield SetPassword(role.name, role.verifier, role.declared_by)
    elif role.password is PasswordPolicy.NONE and observed and has_password(observed, digest):
        yield ClearPassword(role.name, role.declared_by)


def _login(
    role: DesiredRole, observed: ObservedRole | None, *, has_sessions: bool
) -> Iterator[Change]:
    """LOGIN given, or taken together with the sessions, also those that an earlier pass left."""
    may_now = observed is not None and observed.login
    if role.login and not may_now and not _waits(role):
        yield AlterRole(role.name, Effect.OPEN, login=True, causes=role.declared_by)
    if may_now and not role.login:
        yield AlterRole(role.name, Effect.CLOSE, login=False, causes=role.declared_by)
    if not role.login and (may_now or has_sessions):
        yield EndSessions(role.name, _why_closed(role), role.declared_by)


def _waits(role: DesiredRole) -> bool:
    """For its Secret: no LOGIN is given before the password is there (rule 19)."""
    is_missing = role.password is PasswordPolicy.SET and role.verifier is None
    return is_missing or role.password is PasswordPolicy.WAITING


def _why_closed(role: DesiredRole) -> str:
    if role.password is PasswordPolicy.NONE:
        return "it is declared as a role without LOGIN"
    return "its access has ended"
