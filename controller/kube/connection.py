"""The way to an API server: where it is, how it is trusted, and what we show it.

kubernetes_asyncio finds and renews the credentials (a pod's account, kubeconfig, exec plugins);
the session is our own, for what the library's lacks: see `open_session`. Importing the library
takes a second and 50 MB, so local mode imports nothing of this package but its pure modules.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from kubernetes_asyncio import config
from kubernetes_asyncio.client.configuration import Configuration

from controller.kube.errors import UNREACHABLE, ApiError
from controller.kube.giving_up import TellingConnector
from shared.errors import PostgRegentError
from shared.logging import get_logger

log = get_logger(__name__)

IN_A_POD = "KUBERNETES_SERVICE_HOST"
_RENEWAL_SECONDS = 60.0
_LONGEST_HEADER_BYTES = 64 * 2**10
_LOST_AFTER_MILLISECONDS = 30_000


class NoCluster(PostgRegentError):
    """There is no usable way to a Kubernetes cluster."""


@contextlib.asynccontextmanager
async def credentials(
    kubeconfig: str | None = None, context: str | None = None
) -> AsyncIterator[Configuration]:
    """The configuration to use: of this kubeconfig, else of the pod, else the user's own.

    Tokens in it are kept fresh while the block lasts.
    """
    found = Configuration()
    loader: Any = None
    try:
        if kubeconfig is None and context is None and IN_A_POD in os.environ:
            config.load_incluster_config(found)  # type: ignore[no-untyped-call]
        else:
            loader = await config.load_kube_config(
                kubeconfig, context, client_configuration=found, persist_config=False
            )
    except (config.ConfigException, OSError) as problem:
        where = kubeconfig or "the pod's account or the default kubeconfig"
        raise NoCluster(
            f"{where}: {problem}", way_out="Name a kubeconfig and a context that exist."
        ) from problem
    renewal = asyncio.create_task(_renew(loader, found)) if loader else None
    try:
        yield found
    finally:
        if renewal:
            renewal.cancel()
            await asyncio.wait([renewal])


def open_session(found: Configuration) -> aiohttp.ClientSession:
    """One session for requests and watches; the caller closes it.

    - No limit of connections: each watch holds one for good, and the library's 100 would starve
      the requests.
    - Keepalive and TCP_USER_TIMEOUT: a peer that is gone without a word is noticed in 30 s.
    - SO_LINGER 0: closing is a reset, so a write that was given up while the network was down is
      not delivered by our kernel when it is back (controller/kube/giving_up.py).
    - No netrc and, in a pod, no proxy of the environment: Python does not know the CIDR ranges
      that NO_PROXY has in clusters, and would send the API's traffic to the proxy.
    """
    connector = TellingConnector(
        limit=0, ssl=_trust(found), socket_factory=_lasting_socket, keepalive_timeout=60
    )
    return aiohttp.ClientSession(
        connector=connector,
        trust_env=IN_A_POD not in os.environ,
        auto_decompress=True,
        max_field_size=_LONGEST_HEADER_BYTES,
        cookie_jar=aiohttp.DummyCookieJar(),
    )


async def authorization(found: Configuration, path: str) -> dict[str, str]:
    """The header that says who we are; empty where the client certificate does."""
    try:
        settings = await found.auth_settings()
    except Exception as problem:  # the token file, a plugin, its output
        raise ApiError(0, UNREACHABLE, f"{path}: no credentials: {problem}") from problem
    token = settings.get("BearerToken")
    return {"Authorization": token["value"]} if token and token["value"] else {}


def _trust(found: Configuration) -> ssl.SSLContext | bool:
    """As Go's clients do it: VERIFY_X509_STRICT, the default since Python 3.13, refuses CAs
    without key identifiers, which older clusters have for as long as they live.
    """
    trust = ssl.create_default_context(cafile=found.ssl_ca_cert)
    trust.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if found.cert_file:
        trust.load_cert_chain(found.cert_file, keyfile=found.key_file)
    if not found.verify_ssl:
        trust.check_hostname = False
        trust.verify_mode = ssl.CERT_NONE
    return trust


def _lasting_socket(address: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol = address[:3]
    made = socket.socket(family=family, type=kind, proto=protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    for option, value in (
        ("TCP_KEEPIDLE", 15),
        ("TCP_KEEPINTVL", 5),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", _LOST_AFTER_MILLISECONDS),
    ):
        if hasattr(socket, option):  # macOS has other names for some
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return made


async def _renew(loader: Any, found: Configuration) -> None:
    """Ask exec plugins and providers for new tokens; their failures are retried, not fatal.

    The library's own task for this ends at the first failure.
    """
    while True:
        try:
            await config.refresh_token(loader, found, interval=_RENEWAL_SECONDS)
        except Exception:  # a plugin may raise anything
            log.warning("the credentials could not be renewed", exc_info=True)
            await asyncio.sleep(_RENEWAL_SECONDS)
        else:
            return  # these credentials need no renewal
