"""What is told of roles that nobody declares: who, since when, and by whom (rule 11). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from regent.apply.result import ChangeResult
from regent.changes import DisableRole, EnableRole
from regent.gate.refusals import Refusal
from regent.passes.one_pass import Pass
from regent.remembered import Noticed
from regent.resolve.unmanaged import Found
from regent.unmanaged.who import Unmanaged
from shared.drift_text import who
from shared.http import (
    UnmanagedBody,
    UnmanagedPage,
    UnmanagedRoleBody,
)
from shared.listing import first_of
from shared.outcomes import REPORTED, Actor, Drift

SHOWN = 50
NAMED = 5
NONE: Mapping[str, str] = {}
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class News:
    """What a pass finds of them that is not remembered yet, and what need not be any more.

    `new` are roles by oid, and `renamed` the new names of such as are remembered by another. At the
    first look nobody has just appeared. `is_over`: nobody asks any more.
    """

    new: Mapping[int, Unmanaged] = field(default_factory=dict)
    gone: frozenset[int] = frozenset()
    is_first: bool = False
    is_over: bool = False
    renamed: Mapping[int, str] = field(default_factory=dict)


def news_of(one: Pass) -> News:
    """What is to be remembered, of a pass that looked at the server that is obeyed."""
    if one.server.is_in_recovery or one.takeover is not None or one.is_targeted:
        return News()
    census, found = one.census, {role.oid: role for role in one.unmanaged.roles}
    there = {role.oid for role in one.server.roles.values()}
    stays = {n.role_oid for n in census.noticed if n.disabled_at and n.role_oid in there}
    if one.unmanaged.policy == "Ignore":
        gone = frozenset(n.role_oid for n in census.noticed if n.role_oid not in stays)
        return News(gone=gone, is_over=census.since is not None)
    known = {n.role_oid: n.role for n in census.noticed}
    renamed = {
        oid: role.name for oid, role in found.items() if known.get(oid, role.name) != role.name
    }
    new = {oid: role for oid, role in found.items() if oid not in known}
    gone = frozenset(known.keys() - found.keys() - stays)
    return News(new, gone, census.since is None, renamed=renamed)


def told(one: Pass, news: News, actor: Actor) -> tuple[Unmanaged, ...]:
    """The roles with what is remembered of them from now on."""
    return tuple(
        replace(role, noticed=_noticed(one, role, news, actor)) if role.oid in news.new else role
        for role in one.unmanaged.roles
    )


def _noticed(one: Pass, role: Unmanaged, news: News, actor: Actor) -> Noticed:
    if news.is_first:
        return Noticed(role.oid, role.name)
    return Noticed(role.oid, role.name, one.found_at, actor)


def appearances(regent: str, one: Pass, news: News, actor: Actor) -> tuple[Drift, ...]:
    """One entry of the history for each role that has just appeared."""
    if news.is_first:
        return ()
    disabled = {change.role for change in one.drift if isinstance(change, DisableRole)}
    return tuple(
        Drift(
            regent=regent,
            what=f"nobody declares role {role.name}",
            deed=f"role {role.name} may log in now{_powers(role)}, and nobody declares it",
            correction=REPORTED,
            object=role.name,
            role=role.name,
            found_at=one.found_at,
            corrected_at=one.corrected_at,
            actor=actor,
            action=REPORTED,
        )
        for role in sorted(news.new.values(), key=lambda role: role.name)
        if role.name not in disabled
    )


def disabled_by(one: Pass) -> Mapping[int, str]:
    """The roles that came and were disabled in one pass, by oid: who made them is known now."""
    if one.census.since is None:
        return {}
    came = {c.oid: c.role for c in one.drift if isinstance(c, DisableRole)}
    return {n.role_oid: n.role for n in one.census.noticed if n.role_oid in came and not n.actor}


def unmanaged_body(one: Pass, roles: Iterable[Unmanaged]) -> UnmanagedBody | None:
    """Those that are refused, then the newest of them first; None where nobody asks."""
    roles = tuple(roles)
    found, problems = one.unmanaged, problems_of(one)
    if found.policy == "Ignore" and not any(role.is_disabled for role in roles):
        return None
    ordered = sorted(roles, key=lambda role: role.name)
    ordered.sort(key=_appeared, reverse=True)
    ordered.sort(key=lambda role: role.name not in problems)
    return UnmanagedBody(
        policy=found.policy,
        count=len(ordered),
        disabled=sum(role.is_disabled for role in ordered),
        waits=found.waits,
        roles=tuple(role_body(role, problems) for role in ordered[:SHOWN]),
    )


def problems_of(one: Pass) -> Mapping[str, str]:
    """By role, why the server refuses to disable or to enable it."""
    parts: list[Refusal | ChangeResult] = [*one.not_manageable, *one.refused]
    found = {
        part.change.role: f"{part.message} ({part.sqlstate}) {part.way_out}".strip()
        for part in parts
        if isinstance(part.change, DisableRole | EnableRole)
    }
    return dict(sorted(found.items()))


def unmanaged_page(
    roles: Iterable[Unmanaged], problems: Mapping[str, str], limit: int, after: str
) -> UnmanagedPage:
    """By name, from the one after `after`."""
    found = [role for role in roles if role.name > after]
    items = tuple(role_body(role, problems) for role in found[:limit])
    return UnmanagedPage(items=items, continue_=items[-1].name if len(found) > limit else None)


def role_body(role: Unmanaged, problems: Mapping[str, str] = NONE) -> UnmanagedRoleBody:
    """One of them."""
    noticed = role.noticed
    actor = noticed.actor if noticed is not None else None
    return UnmanagedRoleBody(
        name=role.name,
        may_log_in=role.may_log_in,
        disabled=role.is_disabled,
        may=role.may,
        appeared_at=noticed.appeared_at if noticed is not None else None,
        by=who(actor) if actor is not None else "",
        spared=role.spared,
        problem=problems.get(role.name, ""),
    )


def in_words(found: Found) -> tuple[str, ...]:
    """Lines for `plan`: who is there that nobody declares, and whom Disable spares."""
    roles = [role for role in found.roles if role.may_log_in]
    left = _left_in_words(found)
    if found.policy == "Ignore" or not roles:
        return left
    count = "1 role" if len(roles) == 1 else f"{len(roles)} roles"
    named = [f"{role.name}{_powers(role)}" for role in roles]
    lines = [f"Nobody declares {count} that may log in: {first_of(named, NAMED)}."]
    spared = [f"{role.name} ({role.spared})" for role in roles if role.spared]
    if found.policy == "Disable" and spared:
        lines.append(f"Disable spares {first_of(spared, NAMED)}.")
    return (*lines, *left, *filter(None, (found.waits,)))


def _left_in_words(found: Found) -> tuple[str, ...]:
    lines = []
    if found.not_ended:
        lines.append(
            "These resources were deleted, and a role of their name goes on logging in, which is"
            f" not marked as theirs: {first_of([*map(str, found.not_ended)], NAMED)}. End it by"
            " SQL, if it is not meant to stay."
        )
    if not found.left:
        return tuple(lines)
    said = (
        "These were left as they were, by deletionPolicy: Retain or when their Regent was"
        " uninstalled, may log in, and are declared no more:"
        f" {first_of([*map(str, found.left)], NAMED)}. Declare them again and delete them then, or"
        " end them by SQL, if that is not meant."
    )
    return (*lines, said)


def _powers(role: Unmanaged) -> str:
    return f" ({', '.join(role.may)})" if role.may else ""


def _appeared(role: Unmanaged) -> datetime:
    noticed = role.noticed
    return (noticed.appeared_at if noticed is not None else None) or LONG_AGO
