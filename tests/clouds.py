"""What gives tokens in a cloud, over real HTTP on this machine: for the clouds' own libraries."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.tls import Authority

ACCOUNT = "postgregent@project.iam.gserviceaccount.com"


@dataclass(slots=True)
class FakeCloud:
    """The metadata server of GCP, Entra of Azure, and STS of AWS, each at its own paths."""

    token: str = "a-token"
    seconds: int = 3600
    status: int = 200
    refusal: str = "refused"
    asked: list[dict[str, str]] = field(default_factory=list)
    """The parameters of each question for a token, and its path."""
    answers: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    def answer(self, path: str, form: str) -> tuple[str, bytes]:
        """The type of the content, and the content."""
        url = urlsplit(path)
        given = {name: one[0] for name, one in parse_qs(f"{url.query}&{form}").items()}
        if "recursive" in given:
            account: dict[str, object] = {"email": ACCOUNT, "scopes": [], "aliases": ["default"]}
            return "application/json", json.dumps(account).encode()
        if url.path.endswith("/token") or form:
            self.asked.append({"path": url.path, **given})
            self.answers.wait()
        if self.status != 200:
            return "text/plain", self.refusal.encode()
        if given.get("Action") == "AssumeRoleWithWebIdentity":
            return "text/xml", self._assumed().encode()
        found: dict[str, object] = {
            "access_token": self.token, "expires_in": self.seconds, "token_type": "Bearer",
        }  # fmt: skip
        return "application/json", json.dumps(found).encode()

    def _assumed(self) -> str:
        ends = datetime.now(UTC) + timedelta(seconds=self.seconds)
        return f"""<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId>
<SecretAccessKey>{self.token}</SecretAccessKey><SessionToken>a-session</SessionToken>
<Expiration>{ends:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>"""

    @property
    def of_gcp(self) -> Mapping[str, str]:
        """By which its library finds the metadata server."""
        host = f"127.0.0.1:{self.port}"
        return {"GCE_METADATA_HOST": host, "GCE_METADATA_IP": host}

    def of_azure(self, folder: Path, authority: Authority) -> Mapping[str, str]:
        """As the webhook of AKS sets them in a pod."""
        (folder / "federated").write_text("of-the-service-account")
        (folder / "ca.pem").write_text(authority.pem)
        return {
            "AZURE_TOKEN_CREDENTIALS": "WorkloadIdentityCredential",
            "AZURE_AUTHORITY_HOST": f"https://localhost:{self.port}/",
            "AZURE_TENANT_ID": "a-tenant",
            "AZURE_CLIENT_ID": "a-client",
            "AZURE_FEDERATED_TOKEN_FILE": str(folder / "federated"),
            "REQUESTS_CA_BUNDLE": str(folder / "ca.pem"),
        }

    def of_aws(self, folder: Path) -> Mapping[str, str]:
        """As the webhook of EKS sets them in a pod, and where STS is."""
        (folder / "projected").write_text("of-the-service-account")
        return {
            "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/postgregent",
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(folder / "projected"),
            "AWS_ENDPOINT_URL_STS": f"http://127.0.0.1:{self.port}",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextmanager
def fake_cloud(tls: tuple[Authority, Path] | None = None) -> Iterator[FakeCloud]:
    """Listening on a free port; over TLS as `localhost` by a certificate of this authority."""
    cloud = FakeCloud()
    cloud.answers.set()

    class Handler(BaseHTTPRequestHandler):
        def _say(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            kind, content = cloud.answer(self.path, self.rfile.read(size).decode())
            self.send_response(cloud.status)
            self.send_header("Metadata-Flavor", "Google")
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _say  # noqa: N815 - named by http.server

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = _encrypted(server, *tls)
        cloud.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield cloud
        finally:
            cloud.answers.set()
            server.shutdown()
            thread.join()


def _encrypted(server: ThreadingHTTPServer, authority: Authority, folder: Path) -> ssl.SSLSocket:
    issued = authority.issue("localhost")
    (folder / "both.pem").write_text(issued.certificate + issued.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context.wrap_socket(server.socket, server_side=True)
