"""What the Regent's `allow` lets a resource ask for (rules 10 and 12, docs/architecture.md). Pure.

Without `allow`, the Regent's own namespace may adopt, and nobody may have the attributes and the
built-in groups that read, write or run everything. A list that is given is the whole list.
"""

from __future__ import annotations

from collections.abc import Collection, Set
from dataclasses import replace

from regent.desired import Attributes, Listed
from regent.reach import HARMLESS_BUILT_IN, OPEN_ATTRIBUTES, POWERFUL_ATTRIBUTES
from regent.resolve.context import Context
from regent.resolve.libraries import library_of
from regent.resolve.situation import Situation
from shared.keys import ResourceKey
from shared.patterns import ANY, is_literal, matcher
from shared.state import PermissionEntry

_OURS = "PostgRegent's own role or the admin of a Regent, or reaches one"
_POWERFUL = (
    "reaches a built-in or provider's role, a superuser, CREATEROLE, REPLICATION or BYPASSRLS"
)


def may_adopt(situation: Situation, namespace: str, role: str) -> bool:
    """`allow.adopt` patterns; by default all for the Regent's own namespace, none for others."""
    if situation.allowed.adopt.is_given:
        return situation.allowed.adopt.matches(role)
    return namespace == situation.accepted.state.regent.namespace


def may_adopt_by_name(situation: Situation, role: str) -> bool:
    """Whether `allow.adopt` has its exact name: the Regent's editor has looked at this role."""
    return role in situation.allowed.adopt.names


def is_attribute_allowed(situation: Situation, name: str) -> bool:
    """`allow.attributes`, whole where it is given."""
    allow = situation.spec.allow
    given = allow.attributes if allow else None
    return name in (OPEN_ATTRIBUTES if given is None else given)


def may_be_ended(situation: Situation, role: str) -> bool:
    """Whether a role without a mark may be taken back to be ended, as one to be adopted may be."""
    observed = situation.server.roles.get(role)
    is_power = observed is not None and observed.attributes.superuser
    is_guarded = is_power and not is_attribute_allowed(situation, "superuser")
    return role != situation.server.admin and not is_guarded and may_be_named(situation, role)


def is_group_allowed(situation: Situation, group: str, own: Collection[str]) -> bool:
    """Ours of the same namespace, harmless, or in `allow.memberOf`.

    A pattern lets in no role that reaches everything, and nothing lets in PostgRegent's own.
    """
    if group in own or group in HARMLESS_BUILT_IN:
        return True
    if group in situation.standing.ours:
        return False
    if group in situation.standing.powerful:
        return group in situation.allowed.member_of.names
    return situation.allowed.member_of.matches(group)


def permission_trouble(situation: Situation, entry: PermissionEntry) -> str:
    """What of a Permission the Regent's `allow` does not list; empty when it is all there."""
    allow, spec = situation.spec.allow, entry.spec
    if allow is None:
        return ""
    databases = situation.allowed.databases
    if databases.is_given and not databases.matches(spec.database):
        return f"spec.database: {spec.database!r} is not in spec.allow.databases"
    schemas = situation.allowed.schemas
    for pattern in spec.schemas if schemas.is_given else ():
        is_one = is_literal(pattern)
        if not (schemas.matches(pattern) if is_one else is_within(pattern, allow.schemas or ())):
            return f"spec.schemas: {pattern!r} is not within spec.allow.schemas"
    for action in spec.actions if allow.actions is not None else ():
        if action not in (allow.actions or ()):
            return f"spec.actions: {action} is not in spec.allow.actions"
    return ""


def parameter_trouble(
    situation: Situation, names: Collection[str], privileges: Collection[str]
) -> str:
    """Why nobody may be given these privileges on these parameters; empty when they may be.

    Who may set what only a superuser may, or change the server for everybody, is soon a superuser:
    the Regent must list the one as it does for settings, and name ALTER SYSTEM for the other.
    """
    allow = situation.spec.allow
    changes_the_server = "ALTER SYSTEM" in privileges
    if changes_the_server and "ALTER SYSTEM" not in ((allow.actions if allow else None) or ()):
        return (
            "spec.actions: ALTER SYSTEM changes the server for everybody. Add it to"
            " spec.allow.actions of the Regent, or write SET alone."
        )
    for name in names:
        is_known = name in situation.known_parameters or "." in name
        if situation.known_parameters and not is_known:
            return (
                f"spec.parameters: this server knows no parameter {name!r}."
                " Correct its name, or take it out."
            )
        is_ordinary = name in situation.ordinary_parameters and not changes_the_server
        if not is_ordinary and not situation.allowed.parameters.matches(name):
            return (
                f"spec.parameters: {name} is not for everybody to set. Add it to"
                " spec.allow.parameters of the Regent, or take it out here."
            )
    return ""


def schemas_of(situation: Situation) -> tuple[str, ...] | None:
    """`allow.schemas`: where anything may be given, implied or not; None is everywhere."""
    allow = situation.spec.allow
    return None if allow is None else allow.schemas


def is_within(pattern: str, allowed: Collection[str]) -> bool:
    """Whether everything that a pattern matches is allowed.

    A star of the pattern may stand for nothing or for much: both must be within. What is not plain
    to see (a class, a question mark against a class) counts as not allowed.
    """
    if pattern in allowed or ANY in allowed:
        return True
    if is_literal(pattern):
        return matcher(allowed)(pattern)
    stars_only = [one for one in allowed if not set(one) & set("?[\\")]
    if set(pattern) & set("?[\\"):
        return False
    extremes = [pattern.replace("*", text) for text in ("", "\0" * 64)]
    return any(all(map(matcher([one]), extremes)) for one in stars_only)


def may_be_named(situation: Situation, role: str) -> bool:
    """`allow.names`: what roles may be called in PostgreSQL."""
    names = situation.allowed.names
    return not names.is_given or names.matches(role)


def heir_standing(situation: Situation, heir: str | None, own: Set[str]) -> tuple[Listed, str]:
    """How `allow.reassignOwnedTo` lists the role that gets what a leaver owned, and why it may not.

    Without a list only the managed roles of the leaver's namespace, `own`, may. A pattern lets in
    no role that reaches everything, and nothing lets in PostgRegent's own.
    """
    if heir is None:
        return Listed.NO, ""
    given = situation.allowed.reassign_owned_to
    if heir in situation.standing.ours:
        return Listed.NO, (
            f"{heir!r} is {_OURS}, so nothing is handed on to it. Name another role."
        )
    if not given.is_given and heir in own:
        return Listed.NO, ""
    if heir in given.names:
        return Listed.BY_NAME, ""
    if given.matches(heir):
        if heir not in situation.standing.powerful:
            return Listed.BY_PATTERN, ""
        return Listed.NO, (
            f"{heir!r} {_POWERFUL}: no pattern of spec.allow.reassignOwnedTo matches it, so nothing"
            " is handed on to it. Add its exact name to spec.allow.reassignOwnedTo of the Regent,"
            " or name another role."
        )
    why = (
        f"{heir!r} is not in spec.allow.reassignOwnedTo of the Regent"
        if given.is_given
        else f"{heir!r} is no managed role of this namespace"
    )
    return Listed.NO, (
        f"{why}, so nothing is handed on to it. Add it to spec.allow.reassignOwnedTo of the Regent,"
        " or name another role."
    )


def allowed_attributes(context: Context, key: ResourceKey, declared: Attributes) -> Attributes:
    """The declared attributes less those that the Regent does not allow."""
    for name in POWERFUL_ATTRIBUTES:
        if getattr(declared, name) and not is_attribute_allowed(context.situation, name):
            context.findings.trouble(
                key,
                "NotAllowed",
                f"spec.attributes.{name}: the Regent does not allow it, and it is not given."
                f" Add {name} to spec.allow.attributes of the Regent, or take it out here.",
            )
            declared = replace(declared, **{name: False})
    return declared


def may_join(context: Context, member: tuple[ResourceKey, str], group: str, own: Set[str]) -> bool:
    """Whether `memberOf` may name this group: ours of the same namespace, harmless, or allowed.

    `member` is the resource with its PostgreSQL name.
    """
    if is_group_allowed(context.situation, group, own):
        return True
    key, name = member
    is_there = group in context.situation.standing.reaches.groups_of.get(name, ())
    taken = f" {name!r} is a member now, and it is taken out of it." if is_there else ""
    why, way_out = _why_not_joined(context.situation, group)
    context.findings.trouble(key, "NotAllowed", f"spec.memberOf: {group!r} {why}.{taken} {way_out}")
    return False


def _why_not_joined(situation: Situation, group: str) -> tuple[str, str]:
    """Why nobody may join this group, and the way out."""
    if group in situation.standing.ours:
        return (
            f"is {_OURS}: no declaration makes anybody a member",
            "Remove it here.",
        )
    if situation.allowed.member_of.matches(group):
        return (
            f"{_POWERFUL}: no pattern of spec.allow.memberOf matches it",
            "Add its exact name to spec.allow.memberOf of the Regent, or remove it here.",
        )
    return (
        "is neither a Role of this namespace nor allowed",
        "Add it to spec.allow.memberOf of the Regent, or take it out here.",
    )


def may_set(context: Context, key: ResourceKey, parameter: str) -> bool:
    """Whether a setting may be given: any user could set it, or `allow.parameters` lists it."""
    if any(map(context.situation.allowed.parameters.matches, _spellings(parameter))):
        return True
    if parameter.lower() in context.situation.ordinary_parameters:
        return True
    if not context.situation.known_parameters:
        return True
    name = f"spec.parameters.{parameter}"
    add = "Add it to spec.allow.parameters of the Regent, or take it out here."
    if parameter.lower() in context.situation.known_parameters:
        why = f"only a superuser may set it, and the Regent does not allow it. {add}"
        context.findings.trouble(key, "NotAllowed", f"{name}: {why}")
        return False
    if "." not in parameter:
        why = "this server knows no such parameter. Correct its name, or take it out."
        context.findings.trouble(key, "Unsupported", f"{name}: {why}")
        return False
    library = library_of(parameter, context.situation.known_parameters, context.situation.libraries)
    if library:
        why = (
            f"the server does not know it now, and the library {library!r} could make it a setting"
            f" that only a superuser may set. {add}"
        )
        context.findings.trouble(key, "NotAllowed", f"{name}: {why}")
        return False
    context.findings.note(
        key, f"{name}: the server does not know it; it is taken as the application's."
    )
    return True


def may_set_in(context: Context, key: ResourceKey, database: str) -> bool:
    """Whether `databaseParameters` may name this database: allowed, and served by this Regent."""
    databases = context.situation.allowed.databases
    name = f"spec.databaseParameters.{database}"
    if databases.is_given and not databases.matches(database):
        context.findings.trouble(
            key,
            "NotAllowed",
            f"{name}: {database!r} is not in spec.allow.databases of the Regent. Add it there, or"
            " take it out here.",
        )
        return False
    if database not in context.situation.served:
        context.findings.note(
            key,
            f"{name}: this Regent does not serve {database!r}, so nothing is set there. Correct"
            " the name, or add it to spec.additionalDatabases of the Regent.",
        )
        return False
    return True


def _spellings(parameter: str) -> tuple[str, str]:
    """The server does not tell upper from lower case in the names of parameters."""
    return parameter, parameter.lower()
