"""Two private CAs, so that the chain alone says who somebody is (docs/architecture.md). Pure.

One signs the controller's client certificate, the other the Regents' servers: with a single CA any
Regent could command another. Every certificate names its use, because one that names none passes
as a client (docs/facts.md).

How one CA is replaced by the next, and when, is in controller/pki/rotation.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Use = Literal["client", "server"]
USES = {"client": ExtendedKeyUsageOID.CLIENT_AUTH, "server": ExtendedKeyUsageOID.SERVER_AUTH}

CA_LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=90)
SKEW = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, PEM."""

    certificate: bytes
    key: bytes = field(repr=False)

    @property
    def ends(self) -> datetime:
        """When it is not valid any more."""
        return _read(self.certificate).not_valid_after_utc

    @property
    def begins(self) -> datetime:
        """When it was made, less the forgiven difference of clocks."""
        return _read(self.certificate).not_valid_before_utc

    def is_due(self, now: datetime) -> bool:
        """Two thirds of its life are over: time for the next one."""
        return now >= self.begins + (self.ends - self.begins) * 2 / 3

    def names(self) -> tuple[str, ...]:
        """The DNS names that it vouches for."""
        try:
            found = _read(self.certificate).extensions.get_extension_for_class(
                x509.SubjectAlternativeName
            )
        except x509.ExtensionNotFound:
            return ()
        return tuple(found.value.get_values_for_type(x509.DNSName))


@dataclass(frozen=True, slots=True)
class Authority:
    """One CA: the pair that signs, the next one where it is published already, and old ones."""

    signing: Pair
    next: Pair | None = None
    old: tuple[bytes, ...] = ()

    @classmethod
    def create(cls, name: str, now: datetime) -> Authority:
        """A new one."""
        return cls(_new_ca(name, now))

    @property
    def bundle(self) -> bytes:
        """Everything that is believed, PEM."""
        published = (self.next.certificate,) if self.next else ()
        return b"".join((self.signing.certificate, *published, *self.old))

    def old_at(self, now: datetime) -> tuple[bytes, ...]:
        """Those old ones that have not ended."""
        return tuple(pem for pem in self.old if _read(pem).not_valid_after_utc > now)

    @property
    def is_turning(self) -> bool:
        """It is being replaced, or has been, and the old one is believed still."""
        return self.next is not None or bool(self.old)

    def issue(self, use: Use, names: Sequence[str], common_name: str, now: datetime) -> Pair:
        """A certificate for one use and these DNS names."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = _read(self.signing.certificate)
        signer = serialization.load_pem_private_key(self.signing.key, None)
        if not isinstance(signer, ec.EllipticCurvePrivateKey):
            raise TypeError("the key of a CA of ours is an elliptic one")
        built = (
            _builder(common_name, issuer.subject, key, now, LEAF_LIFE)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([USES[use]]), critical=True)
            .add_extension(_key_usage(is_ca=False), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
                critical=False,
            )
        )
        if names:
            alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            built = built.add_extension(alternative, critical=False)
        return Pair(_pem(built.sign(signer, hashes.SHA256())), _key_pem(key))

    def has_signed(self, certificate: bytes) -> bool:
        """Whether a certificate, PEM, was signed by what signs now."""
        try:
            _read(certificate).verify_directly_issued_by(_read(self.signing.certificate))
        except (ValueError, TypeError, x509.InvalidVersion, InvalidSignature):
            return False
        return True

    def to_data(self) -> dict[str, bytes]:
        """As the data of a Secret."""
        data = {"ca.crt": self.signing.certificate, "ca.key": self.signing.key}
        if self.next is not None:
            data |= {"next.crt": self.next.certificate, "next.key": self.next.key}
        if self.old:
            data["old.crt"] = b"".join(self.old)
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, bytes]) -> Authority:
        """Read it back. Raises KeyError or ValueError where it is not one of ours."""
        following = Pair(data["next.crt"], data["next.key"]) if "next.crt" in data else None
        found = x509.load_pem_x509_certificates(data["old.crt"]) if "old.crt" in data else []
        authority = cls(
            Pair(data["ca.crt"], data["ca.key"]), following, tuple(_pem(one) for one in found)
        )
        _read(authority.signing.certificate)
        serialization.load_pem_private_key(authority.signing.key, None)
        return authority


def needs_new(pair: Pair | None, authority: Authority, names: Sequence[str], now: datetime) -> bool:
    """Whether a certificate must be issued: none, due, for other names, or of another CA.

    An old CA is another one: it goes only when nobody uses what it signed.
    """
    if pair is None:
        return True
    try:
        is_ours = authority.has_signed(pair.certificate)
        return pair.is_due(now) or pair.names() != tuple(names) or not is_ours
    except ValueError:
        return True


def is_issued_by(pair: Pair, bundle: bytes) -> bool:
    """Whether whoever holds this pair has it from one of these CAs.

    A certificate alone proves nothing: everybody who connects is shown it.
    """
    try:
        certificate = _read(pair.certificate)
        key = serialization.load_pem_private_key(pair.key, password=None)
        authorities = x509.load_pem_x509_certificates(bundle)
    except (ValueError, TypeError, x509.InvalidVersion):
        return False
    if key.public_key() != certificate.public_key():
        return False
    return any(_has_issued(one, certificate) for one in authorities)


def _has_issued(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def fingerprint(certificate: bytes) -> str:
    """Of one certificate, PEM: the SHA-256 of its DER, in hex."""
    return _read(certificate).fingerprint(hashes.SHA256()).hex()


def fingerprints(bundle: bytes) -> frozenset[str]:
    """Of each certificate of a bundle, PEM."""
    found = x509.load_pem_x509_certificates(bundle) if bundle.strip() else []
    return frozenset(one.fingerprint(hashes.SHA256()).hex() for one in found)


def _new_ca(name: str, now: datetime) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = (
        _builder(name, subject, key, now, CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(is_ca=True), critical=True)
    )
    return Pair(_pem(built.sign(key, hashes.SHA256())), _key_pem(key))


def _builder(
    common_name: str,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, is_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_ca,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _read(pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
