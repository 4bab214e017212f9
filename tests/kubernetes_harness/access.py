"""The way into a running cluster: kubeconfig files for anybody, kubectl, helm."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.errors import PostgRegentError
from tests.kubernetes_harness.certificates import Authority, Identity
from tests.kubernetes_harness.signing_request import signed_by
from tests.kubernetes_harness.tools import tools

CALL_SECONDS = 180


class CallFailed(PostgRegentError):
    """kubectl or helm ended with an error."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that somebody runs. `folder` is for files of ours; the admin may do everything."""

    server: str
    ca_pem: str
    kubeconfig: Path
    folder: Path
    authority: Authority | None = None

    def kubeconfig_for(self, user: str, groups: Sequence[str] = ()) -> Path:
        """The kubeconfig of a person or program that has no rights but what RBAC gives it."""
        digest = hashlib.sha256(json.dumps([user, *groups]).encode()).hexdigest()
        name = f"user-{digest[:16]}"
        path = self.folder / f"{name}.kubeconfig"
        if not path.exists():
            if self.authority is not None:
                identity = self.authority.client(name, user, groups)
            else:
                identity = signed_by(self.kubectl, self.folder, name, user, groups)
            write_kubeconfig(path, self.server, self.ca_pem, identity)
        return path

    def kubectl(
        self, *arguments: str, stdin: str | None = None, kubeconfig: Path | None = None
    ) -> str:
        """What kubectl prints, as the admin or whoever `kubeconfig` is; raises CallFailed."""
        return self._call("kubectl", arguments, stdin, kubeconfig)

    def helm(self, *arguments: str, kubeconfig: Path | None = None) -> str:
        """What helm prints; raises CallFailed."""
        return self._call("helm", arguments, None, kubeconfig)

    def get(self, *arguments: str) -> Any:
        """One object or a list of them: get("-n", "default", "service", "kubernetes")."""
        return json.loads(self.kubectl("get", "-o", "json", *arguments))

    def apply(self, *manifests: dict[str, Any], namespace: str | None = None) -> None:
        """Server-side apply."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        place = ("-n", namespace) if namespace else ()
        self.kubectl("apply", "--server-side", *place, "-f", "-", stdin=json.dumps(listed))

    def wait_for_default_account(self, namespace: str) -> None:
        """Until the namespace's default service account is there: no pod can be made before."""
        account = ("serviceaccount/default", "-n", namespace, "--timeout=120s")
        self.kubectl("wait", "--for=create", *account)

    def environment(self, kubeconfig: Path | None = None) -> dict[str, str]:
        """For a program that talks to the cluster: no proxy, nothing of the person's own files."""
        kept = {n: v for n, v in os.environ.items() if not n.lower().endswith("_proxy")}
        return kept | {
            "KUBECONFIG": str(kubeconfig or self.kubeconfig),
            "KUBECACHEDIR": str(self.folder / "kubectl"),
            "HELM_CACHE_HOME": str(self.folder / "helm" / "cache"),
            "HELM_CONFIG_HOME": str(self.folder / "helm" / "config"),
            "HELM_DATA_HOME": str(self.folder / "helm" / "data"),
        }

    def _call(
        self, program: str, arguments: Sequence[str], stdin: str | None, kubeconfig: Path | None
    ) -> str:
        answer = subprocess.run(
            [str(tools() / program), *arguments],
            env=self.environment(kubeconfig),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=CALL_SECONDS,
            check=False,
        )
        if answer.returncode != 0:
            raise CallFailed(f"{program} {' '.join(arguments)}: {answer.stderr.strip()}")
        return answer.stdout


def write_kubeconfig(path: Path, server: str, ca_pem: str, identity: Identity) -> None:
    """A kubeconfig with everything in it, readable by us alone. JSON is YAML."""
    user = {
        "client-certificate-data": _base64(identity.certificate.read_bytes()),
        "client-key-data": _base64(identity.key.read_bytes()),
    }
    cluster = {"server": server, "certificate-authority-data": _base64(ca_pem.encode())}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tests", "cluster": cluster}],
        "users": [{"name": "user", "user": user}],
        "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "user"}}],
        "current-context": "tests",
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=1))


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
