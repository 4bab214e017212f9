"""With --dsn a hint speaks of the DSN: whoever uses it may never have written a Regent."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from cli.dsn import parse_dsn
from regent.server.address import BadAddressError
from regent.server.words import by_dsn
from regent.settings import connector_of
from tests.command import postgregent

SERVER = Path(__file__).parents[3] / "regent/server"
FIELDS = re.compile(r"databaseHost|databaseName|adminUser|tls\.|SecretRef|homeDatabase")


def texts(module: str) -> list[str]:
    """What it says, docstrings left out."""
    tree = ast.parse((SERVER / f"{module}.py").read_text("utf-8"))
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


@pytest.mark.found("E33")
@pytest.mark.parametrize("module", ["connect", "authentication", "address", "trouble"])
def test_no_field_of_a_resource_is_named_to_who_gave_a_dsn(module: str) -> None:
    found = [text for text in texts(module) if FIELDS.search(by_dsn(text))]
    # The Secret's hint is replaced as a whole, by the one that parse_dsn gives.
    assert [one for one in found if not one.startswith("Check adminUser, and the Secret")] == []


@pytest.mark.found("E33")
async def test_a_command_hints_at_the_dsn() -> None:
    ended = await postgregent("uninstall", "--yes", "--dsn", "postgresql://a@127.0.0.1:1/mydb")
    assert ended.status == 1
    assert "host and port in --dsn" in ended.err
    assert "databaseHost" not in ended.err


@pytest.mark.found("E33")
def test_an_address_that_is_refused_is_told_in_the_words_of_the_dsn() -> None:
    server = parse_dsn("postgresql://a@db/mydb", {}).server
    wrong = server.model_copy(update={"tls_mode": "verify-ca"})
    with pytest.raises(BadAddressError, match=r"sslmode=verify-ca .* sslrootcert"):
        connector_of(wrong)
