"""`--role NAME`: what a plan or an apply has to say of one role; the rest is counted. Pure.

The exit status is still that of everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from cli.show import would_be
from regent.changes import Change, Plan
from regent.one_shot import OnceReport
from shared.errors import PostgRegentError
from shared.outcomes import Outcome
from shared.problems import nearest


class UnknownRoleError(PostgRegentError):
    """--role names nobody."""


def require_known(role: str | None, known: Iterable[str]) -> None:
    """Raises UnknownRoleError, with the nearest name, where nobody is called so."""
    names = frozenset(known)
    if role is None or role in names:
        return
    near = nearest(role, names)
    way_out = f"Did you mean {near}?" if near else "Name a role as it is called in PostgreSQL."
    raise UnknownRoleError(
        f"--role {role}: no Role or User of the directory is called so, nor was one before.",
        way_out=way_out,
    )


def names_in(change: Change) -> frozenset[str]:
    """The roles that a change is about."""
    found = {getattr(change, name, None) for name in ("role", "member", "group", "to", "new_name")}
    found.update(getattr(change, "grantees", ()))
    return frozenset(name for name in found if name)


def of_the_role(
    role: str, report: OnceReport, outcomes: Sequence[Outcome], names: Mapping[str, str]
) -> tuple[OnceReport, tuple[Outcome, ...]]:
    """The report and the outcomes, as far as they are of this role; a note says what is not.

    `names` are what the Roles and Users are called in PostgreSQL, by resource.
    """
    to_do = tuple(one for one in report.to_do if role in names_in(one))
    results = tuple(one for one in report.results if role in names_in(one.change))
    kept = tuple(one for one in outcomes if names.get(one.resource) == role)
    brake = report.brake
    if brake is not None:
        losses = tuple(one for one in brake.losses if one.role == role)
        brake = brake.model_copy(update={"losses": losses})
    others = (
        len(report.to_do) - len(to_do) + len(report.results) - len(results),
        _not_ready(outcomes, report) - _not_ready(kept, report),
        sum(one.role != role for one in report.withheld),
    )
    narrowed = replace(
        report,
        plan=Plan(tuple(one for one in report.plan.changes if role in names_in(one))),
        to_do=to_do,
        results=results,
        brake=brake,
        withheld=tuple(one for one in report.withheld if one.role == role),
        waiting=tuple(one for one in report.waiting if role in names_in(one)),
        owned=tuple(one for one in report.owned if one.role == role),
        paused=tuple(one for one in report.paused if role in one.names),
        refused=tuple(one for one in report.refused if role in names_in(one.change)),
        notes=(*report.notes, _left_out(role, *others)),
    )
    return narrowed, kept


def _not_ready(outcomes: Iterable[Outcome], report: OnceReport) -> int:
    """As a page counts them: what a plan has nothing to say of is not among them."""
    return sum(not one.is_ready for one in would_be(outcomes, report.restraint))


def _left_out(role: str, changes: int, not_ready: int, withheld: int) -> str:
    counted = (
        (changes, "change", "changes"),
        (not_ready, "resource that is not ready", "resources that are not ready"),
        (withheld, "withheld loss", "withheld losses"),
    )
    words = [
        f"{number:,} {one if number == 1 else many}" for number, one, many in counted if number
    ]
    if not words:
        return f"Only {role!r} is shown; of others there is nothing to say."
    return f"Only {role!r} is shown. Of others there are {', '.join(words)}: leave --role out."
