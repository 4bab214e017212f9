"""An authority of the test's own, and a PostgreSQL that speaks TLS and asks as a test likes."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.postgres.server import PostgresServer


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its key, PEM."""

    certificate: str
    key: str


class Authority:
    """Issues certificates by name."""

    def __init__(self, name: str = "an authority of the tests") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self._own = self._signed(self._name, self._key, is_authority=True)
        self.pem = self._own.public_bytes(serialization.Encoding.PEM).decode()

    def issue(self, name: str) -> Issued:
        """For this common name, which is a DNS name as well."""
        key = ec.generate_private_key(ec.SECP256R1())
        signed = self._signed(_named(name), key, dns=name)
        return Issued(
            signed.public_bytes(serialization.Encoding.PEM).decode(),
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ).decode(),
        )

    def _signed(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *,
        dns: str = "",
        is_authority: bool = False,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        )
        if dns:
            names = x509.SubjectAlternativeName([x509.DNSName(dns)])
            made = made.add_extension(names, critical=False)
        return made.sign(self._key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


async def speak_tls(server: PostgresServer, authority: Authority, user: str, method: str) -> None:
    """A server of the test's own asks this user by this method over TLS, as `localhost`."""
    issued = authority.issue("localhost")
    _put(server, "server.crt", issued.certificate)
    _put(server, "server.key", issued.key)
    _put(server, "root.crt", authority.pem)
    hba = server.data_dir / "pg_hba.conf"
    rules = f'hostssl all "{user}" all {method}\nhost all "{user}" all reject\n'
    hba.write_text(rules + hba.read_text())
    admin = await server.connect()
    try:
        await admin.execute("ALTER SYSTEM SET ssl_ca_file = 'root.crt'")
        await admin.execute("ALTER SYSTEM SET ssl = on")
        await admin.execute("SELECT pg_reload_conf()")
        while not await admin.fetchval("SELECT current_setting('ssl')::bool"):
            await asyncio.sleep(0.02)
    finally:
        await admin.close()


def _put(server: PostgresServer, name: str, text: str) -> Path:
    target = server.data_dir / name
    target.write_text(text)
    target.chmod(0o600)
    owner = server.data_dir.stat()
    shutil.chown(target, owner.st_uid, owner.st_gid)
    return target
