"""How a transaction becomes the role that a statement must be run as, and the admin again.

SET ROLE asks the role that logged in, also where `setRole` made the session a superuser: such a
login joins the role first, and leaves it in the same transaction, so that nobody sees it. RESET
ROLE leads back to the role of the startup packet, the one that acts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from regent.observed import ObservedServer
from regent.reach import Reaches
from shared.memberships import with_options
from shared.names import quote_ident

BACK = "RESET ROLE"


@dataclass(frozen=True, slots=True)
class Becoming:
    """What the session may become.

    `joins` is the login that joins a role to become it, with `options`, empty where SET ROLE is
    enough; `reached` are the roles that it may become without that.
    """

    is_superuser: bool = False
    joins: str = ""
    reached: frozenset[str] = field(default=frozenset(), repr=False)
    options: str = ""

    @classmethod
    def on(cls, server: ObservedServer) -> Becoming:
        """That of the Regent's sessions on this server."""
        if not server.admin_is_superuser or server.login_is_superuser:
            return cls(server.admin_is_superuser)
        used = ((m.member, m.group) for m in server.memberships if m.set_role)
        reached = Reaches.by(server, used).roles_of(server.login)
        return cls(True, server.login, reached, options=with_options(server.major, inherit=False))

    def begin(self, role: str) -> Iterable[str]:
        """The session is this role afterwards."""
        if self._must_join(role):
            yield f"GRANT {quote_ident(role)} TO {quote_ident(self.joins)}{self.options}"
        yield f"SET LOCAL ROLE {quote_ident(role)}"

    def end(self, role: str) -> Iterable[str]:
        """It is the admin again."""
        yield BACK
        if self._must_join(role):
            yield f"REVOKE {quote_ident(role)} FROM {quote_ident(self.joins)}"

    def _must_join(self, role: str) -> bool:
        return bool(self.joins) and role not in self.reached
