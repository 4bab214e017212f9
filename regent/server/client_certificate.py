"""A client certificate to log in with, for ssl, which reads certificate and key from a file alone.

The key is in a file for the moment of the reading: mode 0600, in memory where the machine has a
folder for that, and gone right after.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile

from regent.server.trouble import CannotConnectError

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a fallback to the ordinary folder is made below
WAY_OUT = "Put the certificate into tls.crt and its key, without a passphrase, into tls.key."


class BadCertificateError(CannotConnectError):
    """The client certificate or its key cannot be used."""


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate, with what it was issued by, and its private key: PEM."""

    certificate: str
    key: str = field(repr=False)


CertificateSource = Callable[[], Awaitable[ClientCertificate]]
"""Read again at each connect: a mounted Secret changes under us."""


def load_into(context: ssl.SSLContext, client: ClientCertificate) -> None:
    """Show this certificate when the server asks for one. Raises BadCertificateError."""
    folder = IN_MEMORY if IN_MEMORY.is_dir() else None
    try:
        with NamedTemporaryFile("w", dir=folder, prefix="postgregent-", encoding="utf-8") as file:
            file.write(f"{client.certificate}\n{client.key}\n")
            file.flush()
            # Without a function for it OpenSSL would ask the terminal for a passphrase.
            context.load_cert_chain(file.name, password=lambda: "")
    except ssl.SSLError as error:
        raise BadCertificateError(
            f"The client certificate cannot be used: {_what_is_wrong(error)}.", way_out=WAY_OUT
        ) from None
    except OSError as error:
        raise BadCertificateError(
            f"The client certificate cannot be prepared: {error.strerror}.",
            way_out="Let the process write to /dev/shm or its folder for temporary files.",
        ) from None


def _what_is_wrong(error: ssl.SSLError) -> str:
    reason: str | None = error.reason
    if reason == "KEY_VALUES_MISMATCH":
        return "the key is not that of the certificate"
    return f"certificate or key is not PEM, or the key has a passphrase ({reason or 'unknown'})"
