"""Who is in our authority: whose privileges a pass may give and take (rules 8 and 9)."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace

from regent.desired import Causes, Desired
from regent.observed import ObservedServer
from regent.plan.differences import Scope
from regent.plan.matching import Needs
from regent.plan.powerless import Clinging, Inherited, Powerless, Users, powerless_on
from regent.plan.public import NOTHING_OF_PUBLIC, OfPublic
from regent.reach import PROVIDER_ROLES, SYSTEM_PREFIX
from regent.standing import admins_of
from shared.names import OWNER_ROLE
from shared.patterns import matcher
from shared.privileges import PublicRight

NO_RIGHTS: frozenset[PublicRight] = frozenset()


@dataclass(frozen=True, slots=True)
class Authority:
    """The roles of one pass, sorted by what may be done about them.

    `managed` shall hold exactly what is declared, `declared` are those of them that may be given
    something. `known` are all roles that exist, ours or not. `causes` names who declares a role.
    """

    managed: frozenset[str]
    declared: frozenset[str]
    is_untouchable: Callable[[str], bool]
    known: Container[str]
    causes: Mapping[str | None, Causes]
    powerless: Powerless
    """Grantors who cannot take back what they gave."""
    inherited: Inherited
    acting: frozenset[str] = frozenset()
    """The roles as whom an admin that is no superuser gives and takes."""
    admin: str = ""
    public: Mapping[str, frozenset[PublicRight]] = field(default_factory=dict)
    """By database, the rights of PUBLIC that are declared."""

    def scope_on(
        self,
        owner: str,
        managed: frozenset[str],
        tolerated: Needs,
        users: Users | None = None,
        *,
        of_public: OfPublic = NOTHING_OF_PUBLIC,
    ) -> Scope:
        """Whose items may be touched on an object of this owner; `users` may use its schema."""
        unable = self.powerless if users is None else replace(self.powerless, users=users)
        return Scope(
            owner,
            managed,
            self.known,
            tolerated,
            unable=unable,
            clinging=Clinging(owner, unable),
            superusers=unable.superusers,
            acting=self.acting - {owner},
            is_owner_reached=owner not in self.powerless.anywhere,
            of_public=of_public.privileges,
            is_public_kept=of_public.is_kept,
        )

    @property
    def trusted(self) -> frozenset[str]:
        """Who may own members of extensions that are left as they are."""
        return self.powerless.superusers | {self.admin}

    def public_in(self, database: str) -> frozenset[PublicRight]:
        """The rights of PUBLIC that are declared there."""
        return self.public.get(database, NO_RIGHTS)

    def causes_of(self, *roles: str | None) -> Causes:
        """The resources that declare any of these roles, each once; None is PUBLIC."""
        return tuple(sorted({key for role in roles for key in self.causes.get(role, ())}))


class _Untouchable(dict[str, bool]):
    """Roles of admins, PostgreSQL and providers, and what ignoreRoles names; judged once."""

    def __init__(self, admins: frozenset[str], ignore_roles: tuple[str, ...]) -> None:
        super().__init__()
        self._never = PROVIDER_ROLES | admins | {OWNER_ROLE}
        self._is_ignored = matcher(ignore_roles)

    def __missing__(self, role: str) -> bool:
        found = role in self._never or role.startswith(SYSTEM_PREFIX) or self._is_ignored(role)
        self[role] = found
        return found


def authority_of(desired: Desired, server: ObservedServer) -> Authority:
    """Sort the roles of one pass."""
    # A role that is ours does not leave our authority by becoming a member of the owner role.
    admins = (admins_of(server) - desired.managed) | server.own_admins
    is_untouchable = _Untouchable(admins, desired.ignore_roles).__getitem__
    causes: dict[str | None, Causes] = {None: desired.public_declared_by}
    causes |= {e.name: (e.holder,) for e in desired.endings}
    causes |= {r.name: r.declared_by or (r.holder,) for r in desired.roles.values()}
    managed = frozenset(role for role in desired.managed if not is_untouchable(role))
    inherited = Inherited(server)
    return Authority(
        managed=managed,
        declared=managed.intersection(desired.roles),
        is_untouchable=is_untouchable,
        known=frozenset(server.roles).union(desired.roles),
        causes=causes,
        powerless=powerless_on(server, inherited),
        inherited=inherited,
        acting=frozenset() if server.admin_is_superuser else inherited.by(server.admin),
        admin=server.admin,
        public=dict.fromkeys(desired.public_in, desired.public) if desired.public else {},
    )
