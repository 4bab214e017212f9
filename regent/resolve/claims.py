"""Who may have which PostgreSQL name (rules 7 and 10); regent.resolve.names asks in turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from regent.reach import PROVIDER_ROLES
from regent.remembered import Mark
from regent.resolve.allowed import adopt_refused_by, name_refused_by
from regent.resolve.context import Claim, References
from regent.resolve.renamings import (
    former_mark,
    is_there,
    is_unmanaged,
    waits_for,
)
from regent.resolve.situation import Findings, Situation
from shared.keys import ResourceKey
from shared.names import OWNER_ROLE, quote_ident, role_name_problem
from shared.outcomes import EXISTS_UNMANAGED
from shared.state import RoleEntry, UserEntry

MOST_NAMED = 20


def grouped(listed: References) -> Iterator[Claim]:
    """Resources grouped: a User that lists the Role of its own name is one claim with it.

    A Role with `public: true` makes no role.
    """
    joined: dict[ResourceKey, ResourceKey] = {}
    names = {key: entry.spec.postgres_name(key.name) for key, entry in listed.entries.items()}
    for key, entry in listed.entries.items():
        if entry.kind == "User":
            for role in listed.roles.get(key, ()):
                is_same = names.get(role) == names[key] and not is_public(listed.entries[role])
                if is_same and role not in joined:
                    joined[role] = key
    users = frozenset(joined.values())
    for key, entry in listed.entries.items():
        if is_public(entry):
            continue
        if entry.kind == "Role":
            yield Claim(names[key], role=key, user=joined.get(key), holder=key)
        elif key not in users:
            yield Claim(names[key], role=None, user=key, holder=key)


def is_public(entry: RoleEntry | UserEntry) -> bool:
    """Whether it is a Role of PUBLIC's rights, which makes no role."""
    return entry.kind == "Role" and entry.spec.is_public


@dataclass(frozen=True, slots=True)
class Court:
    """Decides who gets a name; what it refuses it says to the resource."""

    situation: Situation
    listed: References
    findings: Findings

    def entitled(self, claims: list[Claim]) -> list[Claim]:
        """Less those that may not have the name: they keep nobody from getting it."""
        found = []
        for claim in claims:
            if refusal := may_not_have(self.situation, claim):
                self._refused(claim, *refusal)
            else:
                found.append(claim)
        return found

    def winner(self, name: str, claims: list[Claim]) -> Claim | None:
        """The recorded holder, else the only one who asks."""
        winner = self._holder(self.situation.marked.by_role.get(name), claims)
        if winner is None and len(claims) == 1:
            winner = claims[0]
        losers = [claim for claim in claims if claim is not winner]
        keys = list(dict.fromkeys(key for claim in claims for key in claim.declared_by))
        for claim in losers:
            _conflict(claim, winner, keys, self.findings)
        return winner

    def _holder(self, mark: Mark | None, claims: list[Claim]) -> Claim | None:
        """The recorded holder keeps it; when it went, one that waited beside it takes over."""
        if mark is None:
            return None
        for claim in claims:
            if mark.holder in claim.declared_by:
                return claim
        neighbours = [c for c in claims if c.holder.namespace == mark.holder.namespace]
        if mark.holder not in self.listed.entries and len(neighbours) == 1:
            return neighbours[0]
        return None

    def settled(self, claim: Claim, vacated: Mark | None = None) -> Claim | None:
        """The claim with its mark and the name it has in the catalog; None when it is refused.

        `vacated` is the mark on its name where the role of it gets another name in the same pass.
        """
        refusal = may_not_have(self.situation, claim)
        if refusal:
            return self._refused(claim, *refusal)
        is_free = claim.name not in self.situation.server.roles or (
            vacated is not None and self.situation.marked.observed_name(vacated) == claim.name
        )
        mark = self._mark_of(claim, vacated)
        if mark is None or (not is_free and self.situation.marked.observed_name(mark) is None):
            # A mark whose role is gone says nothing about another one of the declared name.
            waits = waits_for(self.situation, self.listed, claim.declared_by)
            return self._refused(claim, *waits) if waits else self._unmarked(claim, is_free=is_free)
        if mark.regent != self.situation.regent and not mark.released:
            return self._refused(
                claim,
                "NameConflict",
                f"The role {claim.name!r} is managed by the Regent {mark.regent} of the same"
                f" server for {mark.holder}. Where that Regent is another one, declare it there, or"
                " give this one another name. Where that Regent was renamed or is gone, release its"
                f" roles: `postgregent uninstall --dsn … --regent {mark.regent}` leaves them as"
                " they are, and this one then takes them back.",
            )
        if _is_of_another_namespace(mark, claim):
            return self._refused(
                claim,
                "NameConflict",
                f"The role {claim.name!r} is that of {mark.holder}, in another namespace, and its"
                " end is not done yet. Wait for it, or give this one another name.",
            )
        observed = self.situation.marked.observed_name(mark)
        other = observed if observed and observed != claim.name else None
        if other and not is_free and (whose := self._renamed_by_hand(claim.name)):
            return self._refused(
                claim,
                "NameConflict",
                f"{other!r} cannot be renamed to {claim.name!r}: the role that is called so is"
                f" {whose.role!r}, that of {whose.holder}, which somebody renamed. Rename it:"
                f" ALTER ROLE {quote_ident(claim.name)} RENAME TO … ; its own status says why it"
                f" does not get its name back. Until then {other!r} keeps its name, and what is"
                " declared holds for it.",
            )
        if other and not is_free:
            return self._refused(
                claim,
                EXISTS_UNMANAGED,
                f"{other!r} cannot be renamed to {claim.name!r}: a role of that name exists."
                " Choose another name, or drop that role; adopt: true does not help a resource"
                f" that has a role. Until then {other!r} keeps its name, and what is declared"
                " holds for it.",
            )
        holder = mark.holder if mark.holder in claim.declared_by else claim.holder
        # A released mark is taken back, and a role that was made anew is the same as a stranger's
        # until all that it has beyond its declaration is gone: both are done like an adoption.
        is_adopted = mark.released or self.situation.marked.is_remade(mark)
        if is_adopted and (refusal := self._is_an_admin(other or claim.name)):
            return self._refused(claim, *refusal)
        return Claim(claim.name, claim.role, claim.user, holder, mark, other, is_adopted)

    def _renamed_by_hand(self, name: str) -> Mark | None:
        """The mark of the role of this name, where it is written for another name."""
        role = self.situation.server.roles.get(name)
        if role is None:
            return None
        marks = self.situation.marked.by_role.values()
        found = (one for one in marks if one.role_oid == role.oid and not one.released)
        return next((one for one in found if one.role != name), None)

    def _mark_of(self, claim: Claim, vacated: Mark | None) -> Mark | None:
        """The mark on this name, else the one that its resource held under another name."""
        marked = self.situation.marked
        mark = marked.by_role.get(claim.name)
        if mark is not None and mark is not vacated:
            is_own = mark.holder in claim.declared_by
            if not mark.released or (is_own and not marked.is_remade(mark)):
                return mark
        admins = self.situation.standing.admins
        for key in claim.declared_by:
            for own in marked.mine_by_holder.get(key, ()):
                if not own.released or marked.observed_name(own) not in admins:
                    return own
        return None if mark is not None and mark.released else self._renamed_from(claim)

    def _renamed_from(self, claim: Claim) -> Mark | None:
        """`renamedFrom` takes over the role of a resource that is gone from the same namespace."""
        for key in claim.declared_by:
            mark = former_mark(self.situation, key, self.listed.entries[key])
            if mark is not None and not is_there(self.situation, mark.holder):
                return mark
        return None

    def _unmarked(self, claim: Claim, *, is_free: bool) -> Claim | None:
        if is_free:
            former = self._unmanaged_former(claim)
            return self._refused(claim, *former) if former else claim
        if refusal := self._is_an_admin(claim.name):
            return self._refused(claim, *refusal)
        wants = any(self.listed.entries[key].spec.adopt for key in claim.declared_by)
        accepted = self.situation.accepted
        is_back = accepted.is_home_lost or claim.name in accepted.takes_back
        if is_back:
            self.findings.taken_back.add(claim.name)
        where = adopt_refused_by(self.situation, claim.holder.namespace, claim.name)
        if is_back or (wants and not where):
            return Claim(claim.name, claim.role, claim.user, claim.holder, adopted=True)
        way_out = (
            f"Add {claim.name!r} to {where}.adopt of the Regent, or choose another name."
            if wants
            else "Set adopt: true to take it over (the plan shows what that takes away),"
            " or choose another name."
        )
        return self._refused(
            claim,
            EXISTS_UNMANAGED,
            f"A role {claim.name!r} exists that PostgRegent did not make. {way_out}",
        )

    def _is_an_admin(self, name: str) -> tuple[str, str] | None:
        """Whoever declares the admin of another Regent would stop that one, or be it (rule 9)."""
        if name not in self.situation.standing.admins:
            return None
        return "NotAllowed", (
            f"{name!r} is the admin of a Regent of this server (a member of {OWNER_ROLE!r}) and is"
            " never managed. Give the resource another roleName or userName."
        )

    def _unmanaged_former(self, claim: Claim) -> tuple[str, str] | None:
        """Where `renamedFrom` names a role that is not managed: a new one is not meant."""
        for key in claim.declared_by:
            former = self.listed.entries[key].spec.renamed_from
            if former is not None and is_unmanaged(self.situation, former):
                return EXISTS_UNMANAGED, (
                    f"spec.renamedFrom: the role {former!r} exists and is not managed, so it is not"
                    f" renamed, and no role {claim.name!r} is made. Adopt {former!r} under its own"
                    " name first, then rename it; or take renamedFrom out to have a new role made."
                )
        return None

    def still_anothers(self, claim: Claim, holder: ResourceKey) -> None:
        """Its name is that of a role whose resource keeps it, as it is refused what it declares."""
        self._refused(
            claim,
            "NameConflict",
            f"The role {claim.name!r} still belongs to {holder}, which does not get the name it"
            " declares: its own status says why. Correct that, or give one of them another roleName"
            " or userName.",
        )

    def _refused(self, claim: Claim, reason: str, message: str) -> Claim | None:
        """No claim, and every resource of it says why."""
        for key in claim.declared_by:
            self.findings.trouble(key, reason, message)
        return None


def _is_of_another_namespace(mark: Mark, claim: Claim) -> bool:
    """Then it is not handed over: with the role would go what it owns, and its members."""
    is_holder = mark.holder in claim.declared_by
    return not mark.released and not is_holder and mark.holder.namespace != claim.holder.namespace


def _conflict(
    claim: Claim, winner: Claim | None, declared_by: Sequence[ResourceKey], findings: Findings
) -> None:
    """Anybody may give thousands of resources one name: each is told a few of the others."""
    others = (str(key) for key in declared_by if key not in claim.declared_by)
    named = list(islice(others, MOST_NAMED))
    more = len(declared_by) - len(claim.declared_by) - len(named)
    who = ", ".join(named) + (f" and {more} more" if more else "")
    keeps = f"{winner.holder} keeps it" if winner else "neither gets it"
    for key in claim.declared_by:
        findings.trouble(
            key,
            "NameConflict",
            f"The PostgreSQL name {claim.name!r} is also declared by {who}; {keeps}."
            " Give one of them another roleName or userName, or list the Role in the User.",
        )


def may_not_have(situation: Situation, claim: Claim) -> tuple[str, str] | None:
    """Why nobody, or not this namespace, may have a role of this name; None where it may."""
    problem = role_name_problem(claim.name)
    if problem:
        return "Invalid", f"The PostgreSQL name {claim.name!r} {problem}."
    if claim.name in situation.server.own_admins:
        whose = "is the Regent's own admin user"
    elif claim.name == OWNER_ROLE:
        whose = "is PostgRegent's own role"
    elif claim.name in PROVIDER_ROLES:
        whose = "belongs to the database's provider"
    elif where := name_refused_by(situation, claim.holder.namespace, claim.name):
        return "NotAllowed", (
            f"The PostgreSQL name {claim.name!r} is not in {where}.names of the Regent. Add it"
            " there, or give the resource another roleName or userName."
        )
    else:
        return None
    message = f"{claim.name!r} {whose} and is never managed."
    return "NotAllowed", f"{message} Give the resource another roleName or userName."
