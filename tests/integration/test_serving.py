"""The port with mutual TLS: what is renewed is in force for the next connection."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from controller.pki.certificates import Authority, Pair
from regent.api.listening import Credentials, Listening, listen
from regent.settings import ApiSettings, TlsFiles

NOW = datetime.now(UTC)
NAME = "regent.svc"
PATIENCE_SECONDS = 120.0


@dataclass(slots=True)
class Served:
    """A port, the folder that its files are in, and what it told."""

    folder: Path
    port: int
    regents: Authority
    told: asyncio.Queue[Credentials] = field(default_factory=asyncio.Queue)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    def write(self, bundle: bytes) -> None:
        """Whose clients are let in."""
        (self.folder / "client-ca.crt").write_bytes(bundle)

    def client(self, pair: Pair) -> httpx.AsyncClient:
        """With this certificate."""
        path = self.folder / "client.pem"
        path.write_bytes(pair.certificate + pair.key)
        context = ssl.create_default_context(cadata=self.regents.bundle.decode())
        context.load_cert_chain(path)
        return httpx.AsyncClient(
            base_url=f"https://127.0.0.1:{self.port}", verify=context, timeout=60
        )


@pytest.fixture
async def served(tmp_path: Path) -> Served:
    """Before anything is served: `serving` does."""
    regents = Authority.create("regents", NOW)
    pair = regents.issue("server", (NAME,), "regent", NOW)
    (tmp_path / "tls.crt").write_bytes(pair.certificate)
    (tmp_path / "tls.key").write_bytes(pair.key)
    return Served(tmp_path, 0, regents)


@contextlib.asynccontextmanager
async def serving(served: Served) -> AsyncIterator[None]:
    app = FastAPI()

    @app.get("/")
    async def hello() -> str:
        return "hello"

    @app.get("/slow")
    async def slow() -> str:
        served.asked.set()
        await served.may_answer.wait()
        return "hello"

    files = TlsFiles(
        cert_file=served.folder / "tls.crt",
        key_file=served.folder / "tls.key",
        ca_file=served.folder / "client-ca.crt",
    )
    with listen(ApiSettings(port=0)) as taken:
        served.port = taken.getsockname()[1]
        listening = Listening(app, taken, files, tell=served.told.put_nowait, look_seconds=0.05)
        task = asyncio.create_task(listening.serve())
        try:
            yield
        finally:
            listening.stop()
            await task


async def is_let_in(client: httpx.AsyncClient) -> bool:
    try:
        answer = await client.get("/", extensions={"sni_hostname": NAME})
    except httpx.TransportError:
        return False
    return answer.status_code == 200


def named(*authorities: Authority) -> tuple[str, ...]:
    ders = [ssl.PEM_cert_to_DER_cert(one.signing.certificate.decode()) for one in authorities]
    return tuple(sorted(hashlib.sha256(der).hexdigest() for der in ders))


async def test_a_ca_that_is_not_listed_any_more_lets_nobody_in(served: Served) -> None:
    """Nor does a connection go on that was opened while it was; and what is believed is told."""
    old, new = Authority.create("old", NOW), Authority.create("new", NOW)
    served.write(old.bundle)
    async with (
        serving(served),
        asyncio.timeout(PATIENCE_SECONDS),
        served.client(old.issue("client", (), "old", NOW)) as before,
        served.client(new.issue("client", (), "new", NOW)) as after,
    ):
        assert (await served.told.get()).trusts == named(old)
        assert await is_let_in(before)
        assert not await is_let_in(after)
        served.write(old.bundle + new.bundle)
        assert (await served.told.get()).trusts == named(old, new)
        assert await is_let_in(before)
        assert await is_let_in(after)
        served.write(new.bundle)
        assert (await served.told.get()).trusts == named(new)
        assert not await is_let_in(before)
        assert await is_let_in(after)


async def test_a_file_that_is_half_written_changes_nothing(served: Served) -> None:
    """Between two files of one change: what was in force stays until all of it is there."""
    ca = Authority.create("ca", NOW)
    served.write(ca.bundle)
    renewed = served.regents.issue("server", (NAME,), "renewed", NOW)
    async with (
        serving(served),
        asyncio.timeout(PATIENCE_SECONDS),
        served.client(ca.issue("client", (), "controller", NOW)) as client,
    ):
        first = await served.told.get()
        (served.folder / "tls.key").write_bytes(renewed.key)
        await asyncio.sleep(0.3)
        assert served.told.empty()
        assert await is_let_in(client)
        (served.folder / "tls.crt").write_bytes(renewed.certificate)
        second = await served.told.get()
        assert second.trusts == first.trusts
        assert second.shows != first.shows


async def test_an_answer_under_way_arrives_and_is_the_last_on_its_connection(
    served: Served,
) -> None:
    """So that a client which is trusted still opens another one, and misses nothing."""
    old, new = Authority.create("old", NOW), Authority.create("new", NOW)
    served.write(old.bundle + new.bundle)
    async with (
        serving(served),
        asyncio.timeout(PATIENCE_SECONDS),
        served.client(new.issue("client", (), "new", NOW)) as client,
    ):
        await served.told.get()
        asking = asyncio.create_task(client.get("/slow", extensions={"sni_hostname": NAME}))
        await served.asked.wait()
        served.write(new.bundle)
        await served.told.get()
        served.may_answer.set()
        answer = await asking
        assert answer.status_code == 200
        assert answer.headers["connection"] == "close"
        assert await is_let_in(client)
