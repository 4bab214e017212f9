"""What the Regent's `allow` lets a resource ask for (rules 10 and 12, docs/architecture.md). Pure.

Without `allow`, the Regent's own namespace may adopt, and nobody may have the attributes and the
built-in groups that read, write or run everything. A list that is given is the whole list.

Another namespace may declare what the Regent's own may and the entry that lets it in lists (rule
3): each question is asked of all that bounds the one who asks. Which groups may be joined is in
joining.py.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Set
from dataclasses import replace

from regent.desired import Attributes, Listed
from regent.kinds import KINDS, Naming
from regent.reach import POWERFUL_ATTRIBUTES
from regent.resolve.allow_lists import AllowLists
from regent.resolve.context import Context
from regent.resolve.libraries import library_of
from regent.resolve.situation import Situation
from shared.keys import ResourceKey
from shared.outside_schemas import DATABASE, field_of, needed_for
from shared.patterns import ANY, is_literal, matcher
from shared.resources import PermissionSpec
from shared.state import PermissionEntry

OURS = "PostgRegent's own role or the admin of a Regent, or reaches one"
POWERFUL = (
    "reaches a built-in or provider's role, a superuser, CREATEROLE, REPLICATION, BYPASSRLS,"
    " parameters that not every user may set, or functions for files of the server"
)


def refused_by(situation: Situation, namespace: str, lets_in: Callable[[AllowLists], bool]) -> str:
    """The field of the first `allow` that does not let it in; empty where all of them do."""
    bounds = situation.bounds.of_namespace(namespace)
    return next((lists.where for lists in bounds if not lets_in(lists)), "")


def adopt_refused_by(situation: Situation, namespace: str, role: str) -> str:
    """The `allow` without it in `adopt`: by default all for its own namespace, none for others."""
    return refused_by(situation, namespace, lambda lists: lists.adopt.lets_in(role))


def may_adopt_by_name(situation: Situation, namespace: str, role: str) -> bool:
    """Whether `allow.adopt` has its exact name: the Regent's editor has looked at this role."""
    return not refused_by(situation, namespace, lambda lists: role in lists.adopt.names)


def attribute_refused_by(situation: Situation, namespace: str, name: str) -> str:
    """The `allow` without this attribute in its `attributes`, whole where that is given."""
    return refused_by(situation, namespace, lambda lists: name in lists.attributes)


def may_be_ended(situation: Situation, namespace: str, role: str) -> bool:
    """Whether a role without a mark may be taken back to be ended, as one to be adopted may be."""
    observed = situation.server.roles.get(role)
    is_power = observed is not None and observed.attributes.superuser
    is_guarded = is_power and bool(attribute_refused_by(situation, namespace, "superuser"))
    is_admin = role in situation.server.own_admins
    return not is_admin and not is_guarded and not name_refused_by(situation, namespace, role)


def permission_trouble(situation: Situation, namespace: str, entry: PermissionEntry) -> str:
    """What of a Permission is not allowed, and by which list; empty when it is all there."""
    bounds = situation.bounds.of_namespace(namespace)
    return next((why for lists in bounds if (why := _not_listed(lists, entry.spec))), "")


def _not_listed(lists: AllowLists, spec: PermissionSpec) -> str:
    """The first thing of a Permission that one `allow` does not list."""
    if not lists.databases.lets_in(spec.database):
        return f"spec.database: {spec.database!r} is not in {lists.where}.databases"
    schemas = lists.schemas
    for pattern in spec.schemas if schemas.is_given else ():
        is_one = is_literal(pattern)
        if not (schemas.matches(pattern) if is_one else is_within(pattern, schemas.patterns)):
            return f"spec.schemas: {pattern!r} is not within {lists.where}.schemas"
    for action in spec.actions:
        if lists.actions is not None and action not in lists.actions:
            return f"spec.actions: {action} is not in {lists.where}.actions"
    return _outside_of_schemas(lists, spec)


def _outside_of_schemas(lists: AllowLists, spec: PermissionSpec) -> str:
    """What stands in no schema: each kind of it has a list (ADR 42).

    Of parameters the Regent's own namespace may give what everybody may set; others need each.
    """
    word = needed_for(spec)
    if word and word not in lists.outside_schemas:
        what = f"spec.{field_of(word)}: "
        if word == DATABASE:
            what += "CREATE on a database makes schemas of any name, and "
        return f"{what}{word} is not in {lists.where}.outsideSchemas"
    if lists.is_own or KINDS[spec.object_kind].naming is not Naming.PARAMETER:
        return ""
    name = next((n for n in spec.object_names if not lists.parameters.matches(n.lower())), None)
    return f"spec.parameters: {name} is not in {lists.where}.parameters" if name else ""


def parameter_trouble(
    situation: Situation, namespace: str, names: Collection[str], privileges: Collection[str]
) -> str:
    """Why nobody may be given these privileges on these parameters; empty when they may be.

    Who may set what only a superuser may, or change the server for everybody, is soon a superuser:
    the Regent must list the one as it does for settings, and name ALTER SYSTEM for the other.
    """
    changes_the_server = "ALTER SYSTEM" in privileges
    if changes_the_server and (
        where := refused_by(situation, namespace, lambda one: "ALTER SYSTEM" in (one.actions or ()))
    ):
        return (
            "spec.actions: ALTER SYSTEM changes the server for everybody. Add it to"
            f" {where}.actions of the Regent, or write SET alone."
        )
    for name in names:
        is_known = name in situation.known_parameters or "." in name
        if situation.known_parameters and not is_known:
            return (
                f"spec.parameters: this server knows no parameter {name!r}."
                " Correct its name, or take it out."
            )
        is_ordinary = name in situation.ordinary_parameters and not changes_the_server
        where = "" if is_ordinary else parameter_refused_by(situation, namespace, name)
        if where:
            return (
                f"spec.parameters: {name} is not for everybody to set. Add it to"
                f" {where}.parameters of the Regent, or take it out here."
            )
    return ""


def parameter_refused_by(situation: Situation, namespace: str, name: str) -> str:
    """The `allow` of which `parameters` has it neither as it is written nor in lower case."""
    return refused_by(
        situation, namespace, lambda lists: any(map(lists.parameters.matches, _spellings(name)))
    )


def schemas_of(situation: Situation, namespace: str) -> tuple[tuple[str, ...], ...]:
    """`allow.schemas`: where anything may be given, implied or not, which each must let in."""
    bounds = situation.bounds.of_namespace(namespace)
    return tuple(lists.schemas.patterns for lists in bounds if lists.schemas.is_given)


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


def name_refused_by(situation: Situation, namespace: str, role: str) -> str:
    """The `allow` of which `names`, what roles may be called in PostgreSQL, lacks this one."""
    return refused_by(situation, namespace, lambda lists: lists.names.lets_in(role))


def heir_standing(
    situation: Situation, namespace: str, heir: str | None, own: Set[str]
) -> tuple[Listed, str]:
    """How `allow.reassignOwnedTo` lists the role that gets what a leaver owned, and why it may not.

    Without a list only the managed roles of the leaver's namespace, `own`, may. A pattern lets in
    no role that reaches everything, and nothing lets in PostgRegent's own. Of two lists the one
    that says less counts.
    """
    if heir is None:
        return Listed.NO, ""
    if heir in situation.standing.ours:
        return Listed.NO, (f"{heir!r} is {OURS}, so nothing is handed on to it. Name another role.")
    found = [
        _heir_in(lists, situation, heir, own) for lists in situation.bounds.of_namespace(namespace)
    ]
    refused = next((why for _, why in found if why), "")
    if refused:
        return Listed.NO, refused
    return min(listed for listed, _ in found), ""


def _heir_in(
    lists: AllowLists, situation: Situation, heir: str, own: Set[str]
) -> tuple[Listed, str]:
    """The same, of one list."""
    given, where = lists.reassign_owned_to, f"{lists.where}.reassignOwnedTo"
    if not given.is_given and heir in own:
        return Listed.NO, ""
    if heir in given.names:
        return Listed.BY_NAME, ""
    if given.matches(heir):
        if heir not in situation.standing.powerful:
            return Listed.BY_PATTERN, ""
        return Listed.NO, (
            f"{heir!r} {POWERFUL}: no pattern of {where} matches it, so nothing"
            f" is handed on to it. Add its exact name to {where} of the Regent,"
            " or name another role."
        )
    why = (
        f"{heir!r} is not in {where} of the Regent"
        if given.is_given
        else f"{heir!r} is no managed role of this namespace"
    )
    return Listed.NO, (
        f"{why}, so nothing is handed on to it. Add it to {where} of the Regent,"
        " or name another role."
    )


def allowed_attributes(context: Context, key: ResourceKey, declared: Attributes) -> Attributes:
    """The declared attributes less those that the Regent does not allow."""
    for name in POWERFUL_ATTRIBUTES:
        if not getattr(declared, name):
            continue
        if where := attribute_refused_by(context.situation, key.namespace, name):
            context.findings.trouble(
                key,
                "NotAllowed",
                f"spec.attributes.{name}: the Regent does not allow it, and it is not given."
                f" Add {name} to {where}.attributes of the Regent, or take it out here.",
            )
            declared = replace(declared, **{name: False})
    return declared


def may_set(context: Context, key: ResourceKey, parameter: str) -> bool:
    """Whether a setting may be given: any user could set it, or `allow.parameters` lists it."""
    where = parameter_refused_by(context.situation, key.namespace, parameter)
    if not where:
        return True
    if parameter.lower() in context.situation.ordinary_parameters:
        return True
    if not context.situation.known_parameters:
        return True
    name = f"spec.parameters.{parameter}"
    add = f"Add it to {where}.parameters of the Regent, or take it out here."
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


def database_refused_by(situation: Situation, namespace: str, database: str) -> str:
    """The `allow` of which `databases` lacks this one."""
    return refused_by(situation, namespace, lambda lists: lists.databases.lets_in(database))


def may_set_in(context: Context, key: ResourceKey, database: str) -> bool:
    """Whether `databaseParameters` may name this database: allowed, and this Regent's.

    One of this Regent that is not served for now, as another one still has it, keeps what is set.
    """
    name = f"spec.databaseParameters.{database}"
    if where := database_refused_by(context.situation, key.namespace, database):
        context.findings.trouble(
            key,
            "NotAllowed",
            f"{name}: {database!r} is not in {where}.databases of the Regent. Add it there, or"
            " take it out here.",
        )
        return False
    spec = context.situation.accepted.state.regent.spec
    if database not in (*context.situation.served, *spec.databases):
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
