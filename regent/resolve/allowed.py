"""What the Regent's `allow` lets a resource ask for (semantics 10 and 12, architecture 10). Pure.

Without `allow`, the Regent's own namespace may adopt, and nobody may have the attributes and the
built-in groups that read, write or run everything. A list that is given is the whole list.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from regent.desired import Attributes
from regent.resolve.situation import Findings, Situation
from shared.keys import ResourceKey
from shared.patterns import matcher

OPEN_ATTRIBUTES = frozenset({"createdb"})
"""What may be declared where the Regent says nothing."""
GUARDED_ATTRIBUTES = ("superuser", "createrole", "createdb", "replication", "bypassrls")
HARMLESS_BUILT_IN = frozenset(
    {"pg_monitor", "pg_read_all_settings", "pg_read_all_stats", "pg_stat_scan_tables"}
)
"""Built-in groups that see statistics and settings, and no data."""


def may_adopt(situation: Situation, namespace: str, role: str) -> bool:
    """`allow.adopt` patterns; by default all for the Regent's own namespace, none for others."""
    allow = situation.spec.allow
    if allow is not None and allow.adopt is not None:
        return matcher(allow.adopt)(role)
    return namespace == situation.accepted.state.regent.namespace


def allowed_attributes(
    situation: Situation, key: ResourceKey, declared: Attributes, findings: Findings
) -> Attributes:
    """The declared attributes less those that the Regent does not allow."""
    allow = situation.spec.allow
    given = allow.attributes if allow else None
    listed = OPEN_ATTRIBUTES if given is None else frozenset(given)
    for name in GUARDED_ATTRIBUTES:
        if getattr(declared, name) and name not in listed:
            findings.trouble(
                key,
                "NotAllowed",
                f"spec.attributes.{name}: the Regent does not allow it, and it is not given."
                f" Add {name} to spec.allow.attributes of the Regent, or take it out here.",
            )
            declared = replace(declared, **{name: False})
    return declared


def may_join(
    situation: Situation, key: ResourceKey, group: str, own: Set[str], findings: Findings
) -> bool:
    """Whether `memberOf` may name this group: ours of the same namespace, harmless, or allowed."""
    allow = situation.spec.allow
    if group in own or group in HARMLESS_BUILT_IN:
        return True
    if allow and allow.member_of and matcher(allow.member_of)(group):
        return True
    findings.trouble(
        key,
        "NotAllowed",
        f"spec.memberOf: {group!r} is neither a Role of this namespace nor allowed."
        " Add it to spec.allow.memberOf of the Regent, or take it out here.",
    )
    return False


def may_set(situation: Situation, key: ResourceKey, parameter: str, findings: Findings) -> bool:
    """Whether a setting may be given: any user could set it, or `allow.parameters` lists it."""
    allow = situation.spec.allow
    if allow and allow.parameters and matcher(allow.parameters)(parameter):
        return True
    if parameter.lower() in situation.ordinary_parameters:
        return True
    if "." in parameter and parameter.lower() not in situation.known_parameters:
        return True
    if not situation.known_parameters:
        return True
    known = parameter.lower() in situation.known_parameters
    findings.trouble(
        key,
        "NotAllowed" if known else "Unsupported",
        f"spec.parameters.{parameter}: "
        + (
            "only a superuser may set it, and the Regent does not allow it."
            " Add it to spec.allow.parameters of the Regent, or take it out here."
            if known
            else "this server knows no such parameter. Correct its name, or take it out."
        ),
    )
    return False
