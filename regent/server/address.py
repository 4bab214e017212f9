"""Where a server is: a host by name or by address, never a DSN, a list or a socket (rule 28b).

What asyncpg would take as a host may also be a folder, a list to fall over to, or nothing at all,
and then the environment of the process decides where the admin's password goes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_address

from shared.errors import PostgRegentError
from shared.resources.regent import TlsMode

LONGEST_NAME = 253
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


class BadAddressError(PostgRegentError):
    """This is no address of a PostgreSQL server."""


def host_problem(host: str) -> str | None:
    """Why this is neither a DNS name nor an IP address; None when it is one."""
    if _is_ip_address(host):
        return None
    if len(host) > LONGEST_NAME:
        return f"is {len(host)} characters long, a DNS name has at most {LONGEST_NAME}"
    labels = host.removesuffix(".").split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        return "is neither a DNS name nor an IP address; a DSN, a list or a socket is not accepted"
    return None


def _is_ip_address(host: str) -> bool:
    address, _, zone = host.partition("%")
    try:
        ip_address(address)
    except ValueError:
        return False
    return zone.isalnum() or address == host


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """One server and who we are there: who logs in, and the role that acts (`setRole`).

    `tls_mode` None means: verify-full when there is `ca_pem`, else TLS when the server has it. The
    password is safe either way, see `regent.server.authentication`. Without `ca_pem` the
    certificate authorities of the system count, for verify-full only: with verify-ca anyone's
    certificate would do.
    """

    host: str
    port: int
    admin_user: str
    tls_mode: TlsMode | None = None
    ca_pem: str | None = field(default=None, repr=False)
    set_role: str | None = None

    def __post_init__(self) -> None:
        if problem := host_problem(self.host):
            raise BadAddressError(
                f"databaseHost {self.host!r} {problem}.",
                way_out="Write a name such as db.example.com or an address such as 10.0.0.5.",
            )
        if not 0 < self.port < 2**16:
            raise BadAddressError(
                f"port {self.port} is out of range.", way_out="Write one from 1 to 65535."
            )
        if self.tls_mode == "verify-ca" and not self.ca_pem:
            raise BadAddressError(
                "tls.mode verify-ca needs a certificate authority of your own.",
                way_out="Name its Secret in tls.caSecretRef, or use verify-full.",
            )

    @property
    def verifies_tls(self) -> bool:
        """True when a server without the right certificate is never spoken to."""
        return self.tls_mode in {"verify-ca", "verify-full"} or (
            self.tls_mode is None and self.ca_pem is not None
        )

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"
