"""`clientCertificateSecretRef`: the admin logs in by a certificate, and by nothing else.

The servers of 14 to 17 are built with TLS; that of 18 is not.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr

from regent.server.address import BadAddressError
from regent.server.client_certificate import BadCertificateError
from regent.server.connect import CannotConnectError, Connector, UnsafeAuthenticationError
from regent.server.refused import CertificateRefused
from regent.settings import ServerSettings, connector_of
from shared.resources.regent import TlsMode
from tests.command import postgregent
from tests.postgres.server import PostgresServer
from tests.tls import Authority, Issued, speak_tls

ADMIN = "cert admin"
Launch = Callable[..., PostgresServer]


async def asking(launch_server: Launch, authority: Authority, method: str) -> PostgresServer:
    """A server that asks the admin so."""
    server = launch_server()
    connection = await server.connect()
    await connection.execute(f"CREATE ROLE \"{ADMIN}\" LOGIN SUPERUSER PASSWORD 'not-given'")
    await connection.close()
    await speak_tls(server, authority, ADMIN, method)
    return server


def settings(
    server: PostgresServer, authority: Authority, shown: Issued, mode: TlsMode | None = None
) -> ServerSettings:
    return ServerSettings(
        host="localhost",
        port=server.port,
        admin_user=ADMIN,
        tls_mode=mode,
        ca_pem=authority.pem,
        client_certificate=shown.certificate,
        client_key=SecretStr(shown.key),
    )


@pytest.mark.found("E291")
@pytest.mark.versions(14, 15, 16, 17)
@pytest.mark.slow_versions(14, 16, 17)
async def test_a_certificate_lets_the_admin_in_and_what_is_wrong_with_one_is_said(
    launch_server: Launch,
) -> None:
    authority = Authority()
    server = await asking(launch_server, authority, "cert")

    def connector(shown: Issued) -> Connector:
        return connector_of(settings(server, authority, shown))

    own = authority.issue(ADMIN)
    connection = await connector(own).connect("postgres", purpose="test")
    found = await connection.fetchval(
        "SELECT client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    )
    await connection.close()
    assert ADMIN in found
    others = authority.issue("somebody else")
    with pytest.raises(CertificateRefused, match="certificate") as refused:
        await connector(others).connect("postgres", purpose="test")
    assert "clientCertificateSecretRef" in refused.value.way_out
    with pytest.raises(CannotConnectError) as unknown:
        await connector(Authority().issue(ADMIN)).connect("postgres", purpose="test")
    assert "ssl_ca_file" in unknown.value.way_out
    for broken, what in (
        (Issued(own.certificate, others.key), "not that of the certificate"),
        (Issued("no certificate", own.key), "not PEM"),
    ):
        with pytest.raises(BadCertificateError, match=what) as wrong:
            await connector(broken).connect("postgres", purpose="test")
        assert "PRIVATE" not in str(wrong.value)


@pytest.mark.found("E291")
@pytest.mark.versions(15)
async def test_where_a_certificate_is_declared_no_password_is_given_and_no_other_way_is_tried(
    launch_server: Launch,
) -> None:
    authority = Authority()
    server = await asking(launch_server, authority, "scram-sha-256")
    shown = authority.issue(ADMIN)
    with pytest.raises(UnsafeAuthenticationError, match="client certificate is what"):
        await connector_of(settings(server, authority, shown)).connect("postgres", purpose="test")
    modes: tuple[TlsMode, ...] = ("disable", "require")
    for mode in modes:
        with pytest.raises(BadAddressError, match="proves who it is"):
            connector_of(settings(server, authority, shown, mode))
    without_authority = settings(server, authority, shown).model_copy(update={"ca_pem": None})
    assert connector_of(without_authority).address.tls_mode == "verify-full"


@pytest.mark.found("E291")
@pytest.mark.versions(15)
async def test_a_certificate_that_was_renewed_is_shown_at_the_next_connection(
    launch_server: Launch, tmp_path: Path
) -> None:
    """Read from files, as in a pod."""
    authority = Authority()
    server = await asking(launch_server, authority, "cert")
    given = settings(server, authority, authority.issue(ADMIN)).model_copy(
        update={
            "client_certificate": None,
            "client_key": None,
            "client_certificate_file": tmp_path / "admin.crt",
            "client_key_file": tmp_path / "admin.key",
        }
    )
    connector = connector_of(given)
    with pytest.raises(BadCertificateError, match="cannot be read"):
        await connector.connect("postgres", purpose="test")
    serials = []
    for _ in range(2):
        issued = authority.issue(ADMIN)
        (tmp_path / "admin.crt").write_text(issued.certificate)
        (tmp_path / "admin.key").write_text(issued.key)
        connection = await connector.connect("postgres", purpose="test")
        serials.append(
            await connection.fetchval(
                "SELECT client_serial FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            )
        )
        await connection.close()
    assert len(set(serials)) == 2


@pytest.mark.found("E291")
@pytest.mark.versions(15)
async def test_a_directory_names_the_secret_and_a_dsn_the_files(
    launch_server: Launch, tmp_path: Path
) -> None:
    authority = Authority()
    server = await asking(launch_server, authority, "cert")
    issued = authority.issue(ADMIN)
    regent = {
        "adminUser": ADMIN,
        "clientCertificateSecretRef": {"name": "admin"},
        "tls": {"caSecretRef": {"name": "ca", "key": "ca.crt"}},
        "databaseHost": "localhost",
        "port": server.port,
        "databaseName": "postgres",
    }
    documents = [
        {"apiVersion": "putnam120.postgregent/v1alpha1", "kind": "Regent",
         "metadata": {"name": "my-regent"}, "spec": regent},
        {"apiVersion": "putnam120.postgregent/v1alpha1", "kind": "Role",
         "metadata": {"name": "crew"}, "spec": {"database": "postgres"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "ca"},
         "stringData": {"ca.crt": authority.pem}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "admin"},
         "type": "kubernetes.io/tls",
         "stringData": {"tls.crt": issued.certificate, "tls.key": issued.key}},
    ]  # fmt: skip
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    (manifests / "all.yaml").write_text(yaml.safe_dump_all(documents))
    ended = await postgregent("apply", str(manifests))
    assert ended.status == 0, ended.out + ended.err
    files = {"ca": authority.pem, "crt": issued.certificate, "key": issued.key}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "key").chmod(0o600)
    dsn = (
        f"host=localhost port={server.port} user='{ADMIN}' dbname=postgres"
        f" sslrootcert={tmp_path}/ca sslcert={tmp_path}/crt sslkey={tmp_path}/key"
    )
    planned = await postgregent("plan", str(manifests), "--dsn", dsn)
    assert planned.status == 0, planned.out + planned.err
    two = await postgregent(
        "plan", str(manifests), "--dsn", dsn, environment={"PGPASSWORD": "another way"}
    )
    assert two.status not in (0, 2)
    assert "one way to log in" in " ".join(two.err.split())
    (tmp_path / "key").chmod(0o644)
    open_key = await postgregent("plan", str(manifests), "--dsn", dsn)
    assert open_key.status not in (0, 2)
    assert "chmod 600" in " ".join(open_key.err.split())
    assert not any("PRIVATE KEY" in one.out + one.err for one in (ended, planned, two, open_key))


def test_a_setting_with_a_key_shows_it_nowhere() -> None:
    issued = Authority().issue(ADMIN)
    given = ServerSettings(
        host="db",
        admin_user=ADMIN,
        client_certificate=issued.certificate,
        client_key=SecretStr(issued.key),
    )
    assert "PRIVATE" not in repr(given) + given.model_dump_json()
