"""Which adoptions may be made: whole ones, that give their author nothing that is not allowed.

And which renames: those that leave every member in the role.

Whoever adopts a role gets its password, and with it what the role reaches after the pass. And an
adoption must not take away what its own resource declares because the Regent does not allow it:
then it is refused as a whole, and the role stays as it is (rule 10). Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set

from regent.holdings import How, ways_out
from regent.holdings import listed as listed_holdings
from regent.reach import ALTER_SYSTEM, ON_FILES, ON_PARAMETER, POWERFUL_ATTRIBUTES
from regent.resolve.allowed import (
    attribute_refused_by,
    database_refused_by,
    may_adopt_by_name,
    may_set,
    may_set_in,
    parameter_refused_by,
    permission_trouble,
)
from regent.resolve.allowed_defaults import default_trouble
from regent.resolve.context import Claim, Context
from regent.resolve.decided import Decided
from regent.resolve.joining import refusing
from regent.resolve.powers import power_refused_by
from regent.resolve.situation import Situation
from shared.keys import ResourceKey
from shared.outcomes import EXISTS_UNMANAGED

Refusal = tuple[str, str]
"""A reason and a message."""
Listers = Mapping[tuple[str, str], Sequence[ResourceKey]]
"""Who lists a role in `memberOf`, by namespace and name, in order."""


def refusal_to_adopt(decided: Decided, claim: Claim) -> Refusal | None:
    """Why it is not adopted; None where it may be."""
    stays = frozenset(
        group for key in claim.declared_by for group in decided.stays_in(key, claim.name)
    )
    return (
        _reaches_too_much(decided.context.situation, claim, stays)
        or _holds_what_stays(decided.context, claim)
        or _takes_what_it_declares(decided, claim, stays)
    )


def refusal_to_rename(decided: Decided, claim: Claim, listers: Listers) -> Refusal | None:
    """Members that name it by its former name would be taken out of it, with nobody saying so."""
    former = claim.observed_name or ""
    if former in decided.names:
        return None
    listing = listers[claim.holder.namespace, former]
    key = next((one for one in listing if one in decided.granted), None)
    if key is None:
        return None
    return (
        "NameConflict",
        (
            f"{former!r} is not renamed to {claim.name!r}: {key} lists {former!r} in"
            " spec.memberOf, and would be taken out of it. Nothing was changed. Write"
            f" {claim.name!r} there with the same push."
        ),
    )


def _reaches_too_much(situation: Situation, claim: Claim, stays: Set[str]) -> Refusal | None:
    """What it has itself is taken before its password is given; SUPERUSER is not for the Regent.

    What it is in and stays in is not: groups of another Regent, and declared Roles that got none.
    """
    name = claim.current_name
    observed = situation.server.roles.get(name)
    if observed is None:
        return None
    namespace = claim.holder.namespace
    if observed.attributes.superuser and (
        where := attribute_refused_by(situation, namespace, "superuser")
    ):
        return "NotAllowed", (
            f"The role {name!r} is a superuser. Add superuser to {where}.attributes of"
            " the Regent to have it adopted, or choose another name."
        )
    foreign, standing = situation.marked.foreign, situation.standing
    for group in standing.reaches.groups_of.get(name, ()):
        if group not in foreign and group not in stays:
            continue
        if group in standing.ours:
            return "NotAllowed", (
                f"The role {name!r} is a member of {group!r}, stays one, and reaches"
                f" PostgRegent's own roles by that. Take it out of {group!r}, or choose"
                " another name."
            )
        if power := _forbidden_power(situation, namespace, group):
            where = power_refused_by(situation, namespace, power)
            return "NotAllowed", (
                f"The role {name!r} is a member of {group!r}, stays one, and reaches"
                f" {power} by that. Take it out of {group!r}{_or_allow(power, where)}."
            )
    return None


def is_too_strong(situation: Situation, group: str) -> bool:
    """Whether somebody is not adopted who stays in this group."""
    powers = situation.standing.powers.get(group, frozenset())
    if group in situation.standing.ours or (powers and situation.bounds.others):
        return True
    return bool(_forbidden_power(situation, situation.bounds.own_namespace, group))


def _forbidden_power(situation: Situation, namespace: str, group: str) -> str:
    """The first power that a group reaches and the Regent does not allow; empty for none."""
    powers = sorted(situation.standing.powers.get(group, ()))
    return next((power for power in powers if power_refused_by(situation, namespace, power)), "")


def _holds_what_stays(context: Context, claim: Claim) -> Refusal | None:
    """What no pass takes away, so its adopter would get it.

    That is what it owns, what no reading sees, and what the Regent leaves alone (`ignoreSchemas`).

    Not asked of roles that their holder takes back, and of those that a person lets back in.
    """
    is_taken_back = claim.mark is not None and claim.mark.released
    name = claim.current_name
    if is_taken_back or name in context.findings.taken_back:
        return None
    holdings = context.situation.server.holdings.get(name, ())
    if not holdings or may_adopt_by_name(context.situation, claim.holder.namespace, name):
        return None
    owned = [one for one in holdings if one.how is How.OWNER and not one.is_mapping]
    others = [one for one in holdings if one not in owned]
    parts = [f"owns {listed_holdings(owned)}"] if owned else []
    parts += [f"has privileges on {listed_holdings(others)}"] if others else []
    return EXISTS_UNMANAGED, (
        f"A role {name!r} exists that PostgRegent did not make. It {', and '.join(parts)}:"
        " an adoption does not take that away, and whoever sets the password would get it. Nothing"
        f" was changed. If it is meant, add the exact name {name} to spec.allow.adopt of the"
        f" Regent; else take that away first. {ways_out(name, (*others, *owned))}"
    )


def _or_allow(power: str, where: str) -> str:
    """What of `allow` lets somebody reach it. Functions for files of the server nothing does."""
    if power.startswith(ON_FILES):
        return ""
    if power in POWERFUL_ATTRIBUTES:
        return f", or add {power} to {where}.attributes of the Regent"
    privilege, is_on_parameter, parameter = power.partition(ON_PARAMETER)
    if not is_on_parameter:
        return f", or add {power} to {where}.memberOf of the Regent"
    also = f", and {ALTER_SYSTEM} to {where}.actions" if privilege == ALTER_SYSTEM else ""
    return f", or add {parameter} to {where}.parameters of the Regent{also}"


def _takes_what_it_declares(decided: Decided, claim: Claim, stays: Set[str]) -> Refusal | None:
    """The first thing that is declared, not allowed, and there now: it would be taken away."""
    context = decided.context
    for key in claim.declared_by:
        for refusal in (
            *_groups(decided, key, claim.current_name, stays),
            *_attributes(context, key, claim.current_name),
            *_settings(context, key, claim.current_name),
            *_permissions(context, key),
            *_defaults(decided, key),
        ):
            return refusal
    return None


def _groups(decided: Decided, key: ResourceKey, name: str, stays: Set[str]) -> Iterator[Refusal]:
    context, own = decided.context, decided.own_of(key.namespace)
    namespace = key.namespace
    groups = frozenset(context.situation.standing.reaches.groups_of.get(name, ()))
    for membership in context.listed.entries[key].spec.member_of:
        group = membership.role
        if group in stays:
            continue
        refused = refusing(context.situation, namespace, group, decided.own)
        if refused is not None:
            if group in groups:
                there = f"{name!r} is a member of {group!r}"
                yield _not_allowed("spec.memberOf", there, refused.where, group)
        elif group not in own and group not in context.situation.server.roles:
            yield (
                "RoleNotFound",
                (
                    f"spec.memberOf: there is no role {group!r} on this server, so {name!r} is not"
                    " adopted: what it is a member of instead would be taken away. Correct the"
                    " name, create the role, or remove it from the list."
                ),
            )


def _attributes(context: Context, key: ResourceKey, name: str) -> Iterator[Refusal]:
    observed = context.situation.server.roles.get(name)
    declared = context.listed.entries[key].spec.attributes
    if observed is None or declared is None:
        return
    for one in POWERFUL_ATTRIBUTES:
        is_both = getattr(declared, one) and getattr(observed.attributes, one)
        where = attribute_refused_by(context.situation, key.namespace, one) if is_both else ""
        if where:
            there = f"{name!r} has {one}"
            yield _not_allowed(f"spec.attributes.{one}", there, f"{where}.attributes", one)


def _settings(context: Context, key: ResourceKey, name: str) -> Iterator[Refusal]:
    observed = context.situation.server.roles.get(name)
    if observed is None:
        return
    there = {(one.database, one.parameter.lower()) for one in observed.settings}
    spec = context.listed.entries[key].spec
    everywhere = [(None, spec.parameters or {})]
    for database, values in (*everywhere, *(spec.database_parameters or {}).items()):
        for one in values:
            if (database, one.lower()) in there and not _may_set(context, key, database, one):
                field = "parameters" if database is None else f"databaseParameters.{database}"
                said = f"it is set for {name!r}"
                where = parameter_refused_by(context.situation, key.namespace, one)
                listed_in, what = f"{where or 'spec.allow'}.parameters", one
                if database is not None and _may_set(context, key, None, one):
                    where = database_refused_by(context.situation, key.namespace, database)
                    listed_in, what = f"{where or 'spec.allow'}.databases", database
                yield _not_allowed(f"spec.{field}.{one}", said, listed_in, what)


def _may_set(context: Context, key: ResourceKey, database: str | None, parameter: str) -> bool:
    """As for a role that is managed already; what is said there is not said here."""
    silent = context.silent()
    if database is not None and not may_set_in(silent, key, database):
        return False
    return may_set(silent, key, parameter)


def _permissions(context: Context, key: ResourceKey) -> Iterator[Refusal]:
    """What a Permission says is not known, or not allowed: what the role has of it would go."""
    found = context.listed.permissions.get(key, ())
    would = "so the role is not adopted: what the Permission gives would be taken away."
    for name in context.listed.entries[key].spec.permissions:
        permission = ResourceKey("Permission", key.namespace, name)
        if permission not in found:
            yield (
                "PermissionNotFound",
                (
                    f"Permission {name!r} is not in namespace {key.namespace!r}, {would}"
                    " Create it, or remove it from the list."
                ),
            )
        elif refusal := permission_trouble(
            context.situation, key.namespace, context.listed.available[permission]
        ):
            yield (
                "NotAllowed",
                (
                    f"Permission {name!r} is not allowed ({refusal} of the Regent), {would}"
                    " Add it there, or remove it from the list."
                ),
            )


def _defaults(decided: Decided, key: ResourceKey) -> Iterator[Refusal]:
    """Default privileges that are not allowed: the role may have them now."""
    entry = decided.context.listed.entries[key]
    if entry.kind != "Role":
        return
    own = decided.own_of(key.namespace)
    for index, one in enumerate(entry.spec.default_privileges):
        trouble = default_trouble(
            decided.context.situation, key.namespace, entry.spec.database, one, own
        )
        if trouble:
            yield (
                "NotAllowed",
                (
                    f"spec.defaultPrivileges[{index}].{trouble} Until then the role is not"
                    " adopted: what it has of that would be taken away."
                ),
            )


def _not_allowed(field: str, there: str, listed_in: str, what: str) -> Refusal:
    return (
        "NotAllowed",
        (
            f"{field}: {there}, and the Regent does not allow it, so adopting the role would take"
            f" it away. Nothing was changed. Add {what} to {listed_in} of the Regent, or"
            " remove it here to have it taken away."
        ),
    )
