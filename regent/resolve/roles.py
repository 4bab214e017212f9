"""One claim becomes one desired role: attributes, login, password, settings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from regent.desired import Attributes, DesiredRole, PasswordPolicy, SettingKey
from regent.resolve.allowed import allowed_attributes, may_set, may_set_in
from regent.resolve.context import Claim, Context
from regent.resolve.renamings import note_cleared_password
from shared.keys import ResourceKey
from shared.outcomes import ACCESS_NOW, ACCESS_OVER
from shared.state import UserEntry, Verifier
from shared.utc import utc

PLAIN = Attributes()
"""Of whoever declares none, as nearly everybody does."""


def desired_role(context: Context, claim: Claim) -> DesiredRole:
    """Everything about the role itself. Where a Role and a User share it, the User's word wins."""
    user = context.listed.entries.get(claim.user) if claim.user else None
    user = user if isinstance(user, UserEntry) else None
    policy, verifier = _password(context, claim, user)
    if policy in (PasswordPolicy.UNMANAGED, PasswordPolicy.WAITING):
        note_cleared_password(context, claim.user, claim.observed_name)
    return DesiredRole(
        name=claim.name,
        holder=claim.holder,
        declared_by=claim.declared_by,
        login=user is not None and _may_log_in(context, claim.user, user),
        attributes=_attributes(context, claim),
        connection_limit=-1
        if user is None or user.spec.connection_limit is None
        else user.spec.connection_limit,
        valid_until=user.spec.valid_until if user else None,
        password=policy,
        verifier=verifier,
        settings=_settings(context, claim),
        renamed_from=claim.observed_name,
        marked_as=claim.mark.role if claim.mark else "",
        goes_on=_goes_on(context, claim),
    )


def _goes_on(context: Context, claim: Claim) -> bool:
    entries = (context.listed.entries[key] for key in claim.declared_by)
    return claim.mark is not None and any(e.spec.renamed_from == claim.mark.role for e in entries)


def _may_log_in(context: Context, key: ResourceKey | None, user: UserEntry) -> bool:
    """Disabled and expired users keep their role and lose LOGIN (rule 24)."""
    if not user.spec.is_enabled:
        context.findings.note(key, "enabled: false; it cannot log in.")
        return False
    until: datetime | None = user.spec.valid_until
    if until is None:
        return True
    context.findings.due_at(until, context.situation.now)
    if until <= context.situation.now:
        said = f"{ACCESS_OVER}it expired at {utc(until)} and cannot log in."
        context.findings.note(key, said)
        return False
    context.findings.note(key, f"{ACCESS_NOW}it may log in until {utc(until)}.")
    return True


def _password(
    context: Context, claim: Claim, user: UserEntry | None
) -> tuple[PasswordPolicy, Verifier | None]:
    if user is None or claim.user is None:
        return PasswordPolicy.NONE, None
    if user.password is None:
        return PasswordPolicy.UNMANAGED, None
    if user.password.note:
        context.findings.note(claim.user, user.password.note)
    if user.password.verifier is not None:
        return PasswordPolicy.SET, user.password.verifier
    if user.password.trouble is not None:
        trouble = user.password.trouble
        context.findings.trouble(claim.user, trouble.reason, trouble.message)
    return PasswordPolicy.WAITING, None


def _attributes(context: Context, claim: Claim) -> Attributes:
    values: dict[str, bool] = {}
    by: dict[str, ResourceKey] = {}
    for key in claim.declared_by:
        declared = context.listed.entries[key].spec.attributes
        if declared is not None:
            given = declared.model_dump(exclude_none=True)
            values.update(given)
            by.update(dict.fromkeys(given, key))
    if not values:
        return PLAIN
    blamed = next((by[name] for name in by if values[name]), claim.holder)
    return allowed_attributes(context, blamed, Attributes(**values))


def _settings(context: Context, claim: Claim) -> Mapping[SettingKey, str]:
    """One value for each: the server does not tell upper from lower case in their names."""
    settings: dict[SettingKey, tuple[SettingKey, str]] = {}
    for key in claim.declared_by:
        spec = context.listed.entries[key].spec
        if not spec.parameters and not spec.database_parameters:
            continue
        everywhere = [(None, name, value) for name, value in (spec.parameters or {}).items()]
        inside = [
            (database, name, value)
            for database, values in (spec.database_parameters or {}).items()
            for name, value in values.items()
        ]
        for database, name, value in [*everywhere, *inside]:
            if database is not None and not may_set_in(context, key, database):
                continue
            if may_set(context, key, name):
                folded = SettingKey(database, name.lower())
                settings[folded] = SettingKey(database, name), str(value)
    return dict(settings.values())
