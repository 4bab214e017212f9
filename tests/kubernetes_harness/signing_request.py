"""A client certificate from a cluster whose CA is not ours: asked for, approved, fetched."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.kubernetes_harness.certificates import Identity, write_key

SIGNER = "kubernetes.io/kube-apiserver-client"


def signed_by(
    kubectl: Callable[..., str], folder: Path, name: str, user: str, groups: Sequence[str]
) -> Identity:
    """Let the cluster itself sign, as `kubectl certificate approve` does for people."""
    key = ec.generate_private_key(ec.SECP256R1())
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    subject = x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, user)])
    asked = x509.CertificateSigningRequestBuilder().subject_name(subject)
    pem = asked.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    resource = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"generateName": f"postgregent-{name}-"},
        "spec": {
            "request": base64.b64encode(pem).decode(),
            "signerName": SIGNER,
            "usages": ["client auth"],
        },
    }
    made = kubectl("create", "-o", "name", "-f", "-", stdin=json.dumps(resource)).strip()
    kubectl("certificate", "approve", made)
    kubectl("wait", "--for=jsonpath={.status.certificate}", made, "--timeout=120s")
    certificate = kubectl("get", made, "-o", "jsonpath={.status.certificate}")
    kubectl("delete", made)
    identity = Identity(folder / f"{name}.crt", folder / f"{name}.key")
    identity.certificate.write_bytes(base64.b64decode(certificate))
    write_key(identity.key, key)
    return identity
