"""Requests to the API server as its admin, without kubectl: that takes a tenth of a core's second.

For what every test does: its namespace. A cluster that somebody else runs is asked by kubectl.
"""

from __future__ import annotations

import functools
import json
import ssl
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import Any

from tests.kubernetes_harness.access import Cluster
from tests.kubernetes_harness.certificates import Authority

PATIENCE_SECONDS = 120.0
POLL_SECONDS = 0.02
REQUEST_SECONDS = 60.0
NAMESPACES = "/api/v1/namespaces"


def make_namespace(cluster: Cluster, name: str) -> None:
    """Return once pods can be made in it: its default service account is there."""
    if cluster.authority is None:
        cluster.kubectl("create", "namespace", name)
        cluster.wait_for_default_account(name)
        return
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    _ask(cluster, cluster.authority, "POST", NAMESPACES, body)
    account = f"{NAMESPACES}/{name}/serviceaccounts/default"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _ask(cluster, cluster.authority, "GET", account):
        if time.monotonic() > deadline:
            raise TimeoutError(f"namespace {name} has no default service account")
        time.sleep(POLL_SECONDS)


def delete_namespace(cluster: Cluster, name: str) -> None:
    """Ask for its end, if it is there still."""
    if cluster.authority is None:
        cluster.kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")
        return
    _ask(cluster, cluster.authority, "DELETE", f"{NAMESPACES}/{name}")


def _ask(
    cluster: Cluster, authority: Authority, verb: str, path: str, body: dict[str, Any] | None = None
) -> bool:
    """False where the object is not there; HTTPError for whatever else is refused."""
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310 - an https address of ours
        f"{cluster.server}{path}", content, {"Content-Type": "application/json"}, method=verb
    )
    try:
        with _opener(authority).open(request, timeout=REQUEST_SECONDS) as answer:
            answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            if refused.code == HTTPStatus.NOT_FOUND:
                return False
            # A namespace that ends already is asked to once more.
            if (verb, refused.code) == ("DELETE", HTTPStatus.CONFLICT):
                return True
            raise
    return True


@functools.cache
def _opener(authority: Authority) -> urllib.request.OpenerDirector:
    trust = ssl.create_default_context(cafile=str(authority.certificate))
    trust.load_cert_chain(authority.folder / "admin.crt", authority.folder / "admin.key")
    return urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
    )
