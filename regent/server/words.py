"""A hint in the words of what somebody used: the fields of a resource, or those of a DSN. Pure."""

from __future__ import annotations

from shared.errors import PostgRegentError

_OF_A_DSN = (
    ("adminPasswordSecretRef instead of clientCertificateSecretRef", "a password instead"),
    ("clientCertificateSecretRef", "sslcert and sslkey"),
    ("its Secret in tls.caSecretRef", "its file in sslrootcert"),
    ("tls.mode verify-", "sslmode=verify-"),
    ("tls.caSecretRef", "sslrootcert"),
    ("in authentication.region or AWS_REGION", "in AWS_REGION"),
    (" (in a pod authentication.identity, or EKS Pod Identity)", ""),
    ("in a pod authentication.identity; elsewhere ", ""),
    ("spec.authentication", "POSTGREGENT_AUTHENTICATION"),
    ("tls.mode", "sslmode"),
    ("databaseHost and port", "host and port in --dsn"),
    ("databaseHost", "the host in --dsn"),
    ("databaseName", "the database in --dsn"),
    ("adminUser", "the user in --dsn"),
)
"""In order: what holds another one comes first."""


def by_dsn(text: str) -> str:
    """The same for somebody who gave a DSN, and may never have seen a resource."""
    for field, word in _OF_A_DSN:
        text = text.replace(field, word)
    return text


def say_by_dsn(error: PostgRegentError) -> None:
    """Change the words of an error that is on its way to whoever gave a DSN.

    What it says of the server itself is never ours to change, so the message only loses a field
    that it begins with.
    """
    error.way_out = by_dsn(error.way_out)
    if error.message.startswith(("databaseHost", "tls.mode", "spec.authentication")):
        error.message = by_dsn(error.message)
