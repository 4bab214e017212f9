"""One log, structured, in which no secret appears."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog
from pydantic import SecretStr

from shared.censor import censor_text, is_secret_key
from shared.logging import Style, configure_logging, get_logger
from shared.scram import build

CANARY = "canary-4711"


@pytest.fixture
def log_to() -> Iterator[Callable[[Style], io.StringIO]]:
    """Configures logging into a text, and puts everything back at the end."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def configure(style: Style) -> io.StringIO:
        out = io.StringIO()
        configure_logging("info", style=style, stream=out)
        return out

    yield configure
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.found("E350")
def test_libraries_of_clouds_are_never_heard_at_debug() -> None:
    """There they log what signs a token, and what STS answered."""
    root, heard = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    names = (
        "botocore.auth",
        "botocore.parsers",
        "azure.identity",
        "google.auth",
        "msal",
        "urllib3",
    )
    try:
        configure_logging("debug", style="json", stream=heard)
        for name in names:
            logging.getLogger(name).debug(CANARY)
            logging.getLogger(name).info(CANARY)
            logging.getLogger(name).warning("of %s", name)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()
    assert CANARY not in heard.getvalue()
    assert [f"of {name}" in heard.getvalue() for name in names] == [True] * len(names)


def fail_with(message: str) -> None:
    raise RuntimeError(message)


@pytest.mark.parametrize("style", ["json", "readable"])
def test_no_secret_appears_whatever_way_it_comes(
    log_to: Callable[[Style], io.StringIO], style: Style
) -> None:
    """By key, by type, by form, nested, in a message, in an exception, from another library."""
    out = log_to(style)
    verifier = build(CANARY)
    log = get_logger("test")
    log.info("by key", password=CANARY, adminPassword=CANARY, Authorization=CANARY)
    log.info("by type", a=verifier, b=SecretStr(CANARY), c=[{"d": verifier}])
    log.info("by form", a=verifier.value, sql=f"ALTER ROLE x PASSWORD '{CANARY}'")
    log.info("Bearer %s postgresql://me:%s@host/db password=%s", CANARY, CANARY, CANARY)
    log.info("nested", request={"headers": [{"x-token": CANARY}]})
    logging.getLogger("asyncpg").warning("dsn is postgres://me:%s@host", CANARY)
    try:
        fail_with(f"CREATE ROLE x PASSWORD '{CANARY}' {verifier.value}")
    except RuntimeError:
        log.exception("it failed")
        logging.getLogger("uvicorn.error").exception("it failed there")
    text = out.getvalue()
    assert CANARY not in text
    assert verifier.value[24:60] not in text
    assert text.count("RuntimeError") >= 2
    assert "ALTER ROLE x" in text


def test_json_lines_hold_level_time_logger_and_values(
    log_to: Callable[[Style], io.StringIO],
) -> None:
    out = log_to("json")
    get_logger("regent.passes.full").info("pass ended", changes=3)
    logging.getLogger("uvicorn.error").warning("started %s", "well")
    ours, theirs = (json.loads(line) for line in out.getvalue().splitlines())
    assert (ours["event"], ours["changes"], ours["level"]) == ("pass ended", 3, "info")
    assert ours["logger"] == "regent.passes.full"
    assert "timestamp" in ours
    assert (theirs["event"], theirs["level"]) == ("started well", "warning")


def test_requests_are_not_logged_one_by_one(log_to: Callable[[Style], io.StringIO]) -> None:
    out = log_to("json")
    for name in ("uvicorn.access", "httpx"):
        logging.getLogger(name).info("GET /livez")
    assert out.getvalue() == ""


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("password", True),
        ("adminPassword", True),
        ("X-Auth-Token", True),
        ("passwordSecretRef", False),
        ("tokens_left", False),
        ("role", False),
    ],
)
def test_a_key_says_whether_its_value_is_a_secret(key: str, secret: bool) -> None:
    assert is_secret_key(key) is secret


@pytest.mark.parametrize(
    "text",
    ["postgresql://me@host/db", "GRANT SELECT ON t TO x", "http://127.0.0.1:8080/a@b", "md5 of it"],
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert censor_text(text) == text
