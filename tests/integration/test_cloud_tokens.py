"""`authentication`: the clouds' own libraries give the admin's token, which expires.

The clouds themselves are played on this machine; the servers of 15 speak TLS.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from google.auth.compute_engine import _metadata

from cli.dsn import parse_dsn
from cli.dsn_error import BadDsnError
from regent.clouds import asking, azure, gcp
from regent.clouds.asking import Cloud, CloudTokenError
from regent.server.address import BadAddressError, ServerAddress
from regent.server.connect import Connector, WrongPasswordError
from regent.server.tokens import Token
from regent.settings import ServerSettings, connector_of
from shared.resources.regent import Authentication, TlsMode
from tests.clouds import FakeCloud, fake_cloud
from tests.command import flights, postgregent, postgregent_process
from tests.postgres.canary import Canary
from tests.postgres.server import PostgresServer
from tests.tls import Authority, speak_tls

ADMIN = "postgregent@project.iam"
RDS = ServerAddress("db.abc.eu-central-1.rds.amazonaws.com", 5433, "token admin", "verify-full")
Launch = Callable[..., PostgresServer]
OF_CLOUDS = ("AWS_", "AZURE_", "GOOGLE_", "GCE_", "CLOUDSDK_")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of whoever runs the tests, and no way to a real cloud."""
    for name in list(os.environ):
        if name.startswith(OF_CLOUDS):
            monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "CLOUDSDK_CONFIG"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with fake_cloud() as found:
        yield found


@pytest.fixture
def metadata(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> FakeCloud:
    """That of GCP, for this process: its library reads the variable once, when it is loaded."""
    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", f"127.0.0.1:{cloud.port}")
    monkeypatch.setenv("GCE_METADATA_IP", f"127.0.0.1:{cloud.port}")
    return cloud


def set_all(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def of(provider: str, **more: str) -> Authentication:
    return Authentication.model_validate({"provider": provider, **more})


async def asked(authentication: Authentication, address: ServerAddress = RDS) -> Token:
    return await Cloud(authentication, address).ask()


def signature_of(token: str, secret: str) -> str:
    """By https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html"""
    url = urlsplit(f"https://{token}")
    given = dict(parse_qsl(url.query, strict_parsing=True))
    del given["X-Amz-Signature"]
    query = "&".join(f"{quote(n, safe='')}={quote(v, safe='')}" for n, v in sorted(given.items()))
    request = ["GET", "/", query, f"host:{url.netloc}", "", "host", hashlib.sha256().hexdigest()]
    _, scope = given["X-Amz-Credential"].split("/", 1)
    digest = hashlib.sha256("\n".join(request).encode()).hexdigest()
    signed = "\n".join(["AWS4-HMAC-SHA256", given["X-Amz-Date"], scope, digest])
    key = b"AWS4" + secret.encode()
    for part in (*scope.split("/"), signed):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


@pytest.mark.found("E350")
@pytest.mark.parametrize("in_a_pod", [False, True], ids=["by static credentials", "by a role"])
async def test_a_token_of_aws_is_signed_for_this_host_port_user_and_region(
    cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, in_a_pod: bool
) -> None:
    cloud.token = secret = "of-the-access-key"
    if in_a_pod:
        set_all(monkeypatch, cloud.of_aws(tmp_path))
    else:
        keys = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": secret}
        set_all(monkeypatch, keys)
    before = datetime.now(UTC)
    found = await asked(of("AWS", region="eu-central-1"))
    url = urlsplit(f"https://{found.value}")
    given = dict(parse_qsl(url.query))
    assert (url.hostname, url.port, url.path) == (RDS.host, RDS.port, "/")
    assert (given["Action"], given["DBUser"]) == ("connect", RDS.admin_user)
    key, day, *scope = given["X-Amz-Credential"].split("/")
    assert key == ("ASIAEXAMPLE" if in_a_pod else "AKIAEXAMPLE")
    assert given.get("X-Amz-Security-Token") == ("a-session" if in_a_pod else None)
    assert scope == ["eu-central-1", "rds-db", "aws4_request"]
    signed_at = datetime.strptime(given["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert day == f"{signed_at:%Y%m%d}"
    assert found.expires is not None
    assert before + timedelta(minutes=14) < found.expires
    assert found.expires <= signed_at + timedelta(seconds=int(given["X-Amz-Expires"]) + 1)
    assert given["X-Amz-Signature"] == signature_of(found.value, secret)
    assert [one["RoleArn"].rpartition("/")[2] for one in cloud.asked] == ["postgregent"] * in_a_pod
    assert found.value not in repr(found)


@pytest.mark.found("E350")
async def test_a_token_of_gcp_is_for_logging_in_alone(metadata: FakeCloud) -> None:
    before = datetime.now(UTC)
    found = await asked(of("GCP"))
    (question,) = metadata.asked
    assert question["scopes"] == gcp.SCOPE == "https://www.googleapis.com/auth/sqlservice.login"
    assert found.value == metadata.token
    assert found.expires is not None
    assert timedelta(minutes=55) < found.expires - before < timedelta(minutes=65)


@pytest.mark.found("E350")
async def test_a_token_of_azure_is_for_databases_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = Authority()
    with fake_cloud((authority, tmp_path)) as cloud:
        set_all(monkeypatch, cloud.of_azure(tmp_path, authority))
        before = datetime.now(UTC)
        found = await asked(of("Azure"))
    (question,) = cloud.asked
    assert question["path"] == "/a-tenant/oauth2/v2.0/token"
    assert question["scope"] == azure.SCOPE
    assert azure.SCOPE == "https://ossrdbms-aad.database.windows.net/.default"
    assert (question["client_id"], question["client_assertion"]) == (
        "a-client", "of-the-service-account",
    )  # fmt: skip
    assert found.value == cloud.token
    assert found.expires is not None
    assert timedelta(minutes=55) < found.expires - before < timedelta(minutes=65)


async def asking_in_the_clear(launch_server: Launch, authority: Authority) -> PostgresServer:
    """As the clouds' servers do: for a password, over TLS."""
    server = launch_server()
    await set_role(server, "CREATE", "SUPERUSER LOGIN")
    await speak_tls(server, authority, ADMIN, "password")
    return server


async def set_role(server: PostgresServer, verb: str, attributes: str) -> None:
    admin = await server.connect()
    await admin.execute(f'{verb} ROLE "{ADMIN}" {attributes}')
    await admin.close()


def settings(server: PostgresServer, authority: Authority, **more: Any) -> ServerSettings:
    return ServerSettings(
        host="localhost",
        port=server.port,
        admin_user=ADMIN,
        ca_pem=authority.pem,
        authentication=of("GCP"),
        **more,
    )


async def connected(one: Connector) -> None:
    connection = await one.connect("postgres", purpose="test")
    assert await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    await connection.close()


@pytest.mark.found("E350")
@pytest.mark.found("E351")
@pytest.mark.versions(15)
async def test_a_token_is_a_password_that_is_renewed_before_it_expires_and_when_it_is_refused(
    launch_server: Launch, metadata: FakeCloud
) -> None:
    authority = Authority()
    server = await asking_in_the_clear(launch_server, authority)
    one = connector_of(settings(server, authority))

    async def gives(token: str, seconds: int) -> None:
        metadata.token, metadata.seconds = token, seconds
        await set_role(server, "ALTER", f"PASSWORD '{token}'")

    await gives("first", 20)
    await connected(one)
    await gives("second", 3600)
    await connected(one)
    await connected(one)
    assert len(metadata.asked) == 2
    await gives("third", 3600)
    await connected(one)
    assert len(metadata.asked) == 3
    # As what checks tokens refuses one: 28000, and not 28P01.
    await set_role(server, "ALTER", "NOLOGIN")
    with pytest.raises(WrongPasswordError, match=r"the token .* not permitted") as refused:
        await connected(one)
    assert len(metadata.asked) == 4
    assert "adminUser" in refused.value.way_out
    assert "third" not in str(refused.value)


@pytest.mark.found("E350")
@pytest.mark.versions(15)
async def test_the_child_of_local_logs_in_by_a_token_that_is_written_nowhere(
    launch_server: Launch, cloud: FakeCloud, tmp_path: Path, canary: Canary
) -> None:
    authority = Authority()
    server = await asking_in_the_clear(launch_server, authority)
    cloud.token = canary.password
    await set_role(server, "ALTER", f"PASSWORD '{canary.password}'")
    (tmp_path / "ca").write_text(authority.pem)
    dsn = f"host=localhost port={server.port} dbname=mydb user='{ADMIN}' sslrootcert={tmp_path}/ca"
    variables = {**cloud.of_gcp, "POSTGREGENT_AUTHENTICATION": "GCP", "HOME": str(tmp_path)}
    admin = await server.connect()
    await admin.execute("CREATE DATABASE mydb")
    await admin.close()
    arguments = str(flights(tmp_path)), "--dsn", dsn
    ended = await postgregent_process("local", *arguments, "--once", environment=variables)
    assert ended.status == 0, ended.err
    assert cloud.asked
    canary.assert_nowhere({"what it said": ended.everything})
    refused = await postgregent(
        "plan", *arguments,
        environment={"POSTGREGENT_AUTHENTICATION": "AWS", "AWS_REGION": "eu-central-1"},
    )  # fmt: skip
    assert refused.status == 1
    said = " ".join(refused.err.split())
    assert "POSTGREGENT_AUTHENTICATION asks AWS for a token" in said
    assert "authentication.identity" not in said


@pytest.mark.found("E350")
def test_a_cloud_is_one_way_to_log_in_and_its_name_is_one_that_is_known() -> None:
    dsn, named = "host=h dbname=d user=u", {"POSTGREGENT_AUTHENTICATION": "AWS"}
    assert parse_dsn(dsn, named).server.authentication == of("AWS")
    for more, environment in (
        (" password=x", {}),
        ("", {"PGPASSWORD": "x"}),
        ("", {"POSTGREGENT_CREDENTIAL_COMMAND": "c"}),
    ):
        with pytest.raises(BadDsnError, match="one way to log in"):
            parse_dsn(dsn + more, {**named, **environment})
    with pytest.raises(BadDsnError, match="no cloud that is known"):
        parse_dsn(dsn, {"POSTGREGENT_AUTHENTICATION": "aws"})


@pytest.mark.found("E350")
@pytest.mark.parametrize("provider", ["AWS", "GCP", "Azure"])
async def test_a_library_that_is_not_installed_is_named_with_its_extra(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"regent.clouds.{provider.lower()}"
    for library in ("botocore.session", "google.auth", "azure.identity"):
        monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.delattr(f"regent.clouds.{provider.lower()}", raising=False)
    with pytest.raises(CloudTokenError, match="is not installed") as missing:
        await asked(of(provider))
    assert f"postgregent[{provider.lower()}]" in missing.value.way_out


@pytest.mark.found("E350")
@pytest.mark.parametrize("provider", ["AWS", "GCP", "Azure"])
async def test_without_credentials_it_is_said_where_they_are_looked_for(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_all(
        monkeypatch,
        {"NO_GCE_CHECK": "true", "AZURE_TOKEN_CREDENTIALS": "WorkloadIdentityCredential",
         "AWS_REGION": "eu-central-1"},
    )  # fmt: skip
    monkeypatch.setattr(_metadata, "_NO_GCE_CHECK", True)
    with pytest.raises(CloudTokenError, match=f"spec.authentication asks {provider}") as refused:
        await asked(of(provider))
    assert "authentication.identity" in refused.value.way_out
    assert len(str(refused.value)) < 800


@pytest.mark.found("E350")
async def test_an_error_shows_nothing_of_what_was_answered_and_a_region_that_is_missing(
    metadata: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata.status, metadata.refusal = 403, "s3cr3t" * 12
    with pytest.raises(CloudTokenError, match="gives none") as refused:
        await asked(of("GCP"))
    assert "s3cr3t" not in str(refused.value)
    assert refused.value.__suppress_context__
    set_all(monkeypatch, {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"})
    with pytest.raises(CloudTokenError, match="NoRegion") as lost:
        await asked(of("AWS"))
    assert "authentication.region" in lost.value.way_out


@pytest.mark.found("E350")
async def test_a_cloud_that_hangs_is_asked_once_and_not_waited_for(
    metadata: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "PATIENCE_SECONDS", 0.1)
    metadata.answers.clear()
    one = Cloud(of("GCP"), RDS)
    with pytest.raises(CloudTokenError, match="has not answered within"):
        await one.ask()
    with pytest.raises(CloudTokenError, match="has still not answered"):
        await one.ask()
    metadata.answers.set()
    assert one._thread is not None
    one._thread.join()
    monkeypatch.undo()
    assert len(metadata.asked) <= 1


@pytest.mark.found("E350")
@pytest.mark.rule("28b")
def test_a_token_is_given_to_a_verified_server_alone() -> None:
    bare = ServerSettings(host="db", admin_user=ADMIN, authentication=of("Azure"))
    assert connector_of(bare).address.tls_mode == "verify-full"
    modes: tuple[TlsMode, ...] = ("disable", "require")
    for mode in modes:
        with pytest.raises(BadAddressError, match="proves who it is") as refused:
            connector_of(bare.model_copy(update={"tls_mode": mode}))
        assert "verify-full" in refused.value.way_out
