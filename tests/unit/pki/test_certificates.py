"""Two CAs, and how each is replaced."""

from __future__ import annotations

import socket
import ssl
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller.pki.certificates import (
    LEAF_LIFE,
    Authority,
    Pair,
    Use,
    needs_new,
)

NOW = datetime.now(UTC)
NAMES = ("regent-a.postgregent.svc",)
SOON = timedelta(hours=1)


def contexts(
    folder: Path, server: Pair, client: Pair, *, server_believes: bytes, client_believes: bytes
) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    files = {"server": server, "client": client}
    for name, pair in files.items():
        (folder / name).write_bytes(pair.certificate + pair.key)
    at_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    at_server.verify_mode = ssl.CERT_REQUIRED
    at_server.load_cert_chain(folder / "server")
    at_server.load_verify_locations(cadata=server_believes.decode())
    at_client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    at_client.load_cert_chain(folder / "client")
    at_client.load_verify_locations(cadata=client_believes.decode())
    return at_server, at_client


def meet(at_server: ssl.SSLContext, at_client: ssl.SSLContext, name: str) -> str:
    """What the client reads, or the reason why not."""
    near, far = socket.socketpair()
    near.settimeout(10)
    far.settimeout(10)

    def serve() -> None:
        try:
            with at_server.wrap_socket(far, server_side=True) as secure:
                secure.sendall(b"hello")
        except OSError:
            far.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with at_client.wrap_socket(near, server_hostname=name) as secure:
            return secure.recv(5).decode() or "nothing"
    except OSError as error:
        return type(error).__name__
    finally:
        near.close()
        thread.join()


@pytest.fixture
def cas() -> tuple[Authority, Authority]:
    return Authority.create("controller", NOW), Authority.create("regents", NOW)


@pytest.mark.parametrize(
    ("signer", "use", "name", "is_let_in"),
    [
        ("controller", "client", NAMES[0], True),
        ("controller", "client", "regent-b.postgregent.svc", False),
        ("regents", "client", NAMES[0], False),
        ("regents", "server", NAMES[0], False),
        ("controller", "server", NAMES[0], False),
    ],
)
def test_only_the_controller_is_let_in_and_only_by_the_regent_it_means(
    cas: tuple[Authority, Authority],
    tmp_path: Path,
    signer: str,
    use: Use,
    name: str,
    is_let_in: bool,
) -> None:
    """No Regent's certificate commands another Regent, and none passes for another one."""
    controller, regents = cas
    issuer = controller if signer == "controller" else regents
    server = regents.issue("server", NAMES, "regent-a", NOW)
    client = issuer.issue(use, NAMES, "somebody", NOW)
    both = contexts(
        tmp_path, server, client,
        server_believes=controller.bundle, client_believes=regents.bundle,
    )  # fmt: skip
    assert (meet(*both, name) == "hello") is is_let_in


def test_a_certificate_is_replaced_in_time_for_other_names_and_by_another_ca(
    cas: tuple[Authority, Authority],
) -> None:
    controller, regents = cas
    pair = regents.issue("server", NAMES, "regent-a", NOW)
    assert not needs_new(pair, regents, NAMES, NOW + SOON)
    assert needs_new(None, regents, NAMES, NOW)
    assert needs_new(pair, regents, NAMES, NOW + LEAF_LIFE * 0.7)
    assert needs_new(pair, regents, ("other.svc",), NOW)
    assert needs_new(pair, controller, NAMES, NOW)
    replaced = replace(controller, old=(regents.signing.certificate,))
    assert needs_new(pair, replaced, NAMES, NOW), "what an old CA signed keeps it from going"
    assert needs_new(Pair(b"not a certificate", b""), regents, NAMES, NOW)


def test_it_is_kept_in_a_secret_as_it_is(cas: tuple[Authority, Authority]) -> None:
    first, other = cas
    for one in (
        first,
        replace(first, next=other.signing),
        replace(first, old=(other.signing.certificate,)),
    ):
        assert Authority.from_data(one.to_data()) == one
    with pytest.raises(KeyError):
        Authority.from_data({})
    assert "PRIVATE" not in repr(first)
