"""Accepted resources become what shall hold on this server: references, names, allow, merged.

Pure: the time and everything observed are arguments. What cannot be resolved becomes an outcome of
its resource and hides no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from regent.desired import Desired
from regent.remembered import AcceptedState
from regent.resolve.comers import comers
from regent.resolve.context import Context
from regent.resolve.defaults import declared_defaults
from regent.resolve.endings import endings, note_heirs
from regent.resolve.grants import declared_grants
from regent.resolve.kept import note_bounded
from regent.resolve.locked_ends import without_locked_ends
from regent.resolve.memberships import (
    desired_memberships,
    ended_memberships,
    undecided_memberships,
)
from regent.resolve.names import grant_claims
from regent.resolve.owners import desired_owners
from regent.resolve.public import public_rights, public_roles
from regent.resolve.references import look_up
from regent.resolve.refused import without_refused_adoptions
from regent.resolve.renamings import note_renames
from regent.resolve.roles import desired_role
from regent.resolve.situation import Findings, Situation, unseen
from regent.resolve.unmanaged import NOBODY, Found, found_unmanaged
from regent.resolve.unsupported import report_unsupported
from shared.outcomes import Outcome
from shared.privileges import PublicRight

__all__ = ["Resolution", "Situation", "resolve"]


@dataclass(frozen=True, slots=True)
class Resolution:
    """What shall hold, what was found on the way, and when to look again."""

    desired: Desired
    found: Findings
    accepted: AcceptedState
    next_due: datetime | None = None
    unmanaged: Found = NOBODY
    """The roles that nobody declares, where the Regent asks for them."""

    @property
    def is_waiting(self) -> bool:
        """Something keeps the form it had before while it waits for a reference (rule 18)."""
        return self.found.is_waiting

    @property
    def outcomes(self) -> Mapping[str, Outcome]:
        """What is to be said of each resource before anything was applied; reckoned when asked."""
        return unseen(self.accepted.state, self.found)

    @property
    def taken_back(self) -> frozenset[str]:
        """Roles that would be ExistsUnmanaged if the home database had not been lost (28a)."""
        return frozenset(self.found.taken_back)


def resolve(situation: Situation) -> Resolution:
    """Resolve the accepted state of one Regent at one moment."""
    findings = Findings()
    context = Context(situation, findings, look_up(situation, findings))
    context = context.with_granted(grant_claims(context))
    context = context.with_granted(without_refused_adoptions(context))
    claims = {claim.name: claim for claim in context.granted.values()}
    roles = {name: desired_role(context, claim) for name, claim in claims.items()}
    note_heirs(context, roles)
    note_renames(context)
    note_bounded(context)
    report_unsupported(context)
    speakers = public_roles(context)
    spec = situation.spec
    desired = Desired(
        roles=roles,
        memberships=desired_memberships(context),
        grants=declared_grants(context, speakers),
        defaults=declared_defaults(context, speakers),
        owners=desired_owners(context),
        endings=endings(context, roles),
        adopted=frozenset(name for name, claim in claims.items() if claim.adopted),
        foreign=situation.marked.foreign,
        undecided=undecided_memberships(context),
        ended=ended_memberships(context),
        bounded=frozenset(name for name, claim in claims.items() if claim.is_bounded),
        ignore_roles=tuple(spec.ignore_roles or ()),
        ignore_schemas=tuple(spec.ignore_schemas or ()),
        public=public_rights(spec),
        public_in=frozenset(spec.databases).intersection(situation.served),
        public_declared_by=speakers,
    )
    if PublicRight.CONNECT in desired.public:
        desired = replace(desired, comers=comers(context, desired.public_in))
    desired = without_locked_ends(context, desired)
    unmanaged = found_unmanaged(situation, desired)
    desired = replace(
        desired,
        unmanaged_roles=unmanaged.policy,
        disabling=unmanaged.disabling,
        enabling=unmanaged.enabling,
    )
    due = min(findings.due, default=None)
    return Resolution(desired, findings, situation.accepted, due, unmanaged)
