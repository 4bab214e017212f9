"""The digest of an adoption: of what is declared and of what is lost, and of nothing else."""

from __future__ import annotations

import pytest

from regent.gate.adopting import LossesChangedError, digest_of_adoption, require_agreed
from tests.declared import VERIFIER, state

TEXT = "User/a: {database: mydb, adopt: true}\nUser/b: {database: mydb}"
KEYS = frozenset({"User/default/a"})
LOST = (("a", "SELECT", "AtOnce", "None", "mydb table s.t"), ("b", "LOGIN", "AtOnce", "None", ""))


def test_another_loss_or_another_declaration_has_another_digest() -> None:
    digest = digest_of_adoption(state(TEXT), KEYS, LOST)
    others = {
        digest_of_adoption(state(TEXT), KEYS, LOST[:1]),
        digest_of_adoption(state(TEXT), KEYS | {"User/default/b"}, LOST),
        digest_of_adoption(state(TEXT.replace("adopt: true", "connectionLimit: 3")), KEYS, LOST),
        digest_of_adoption(state(TEXT, regent={"ignoreRoles": ["c"]}), KEYS, LOST),
    }
    assert len(others) == 4
    assert digest not in others


def test_the_order_the_salt_and_what_others_declare_make_no_other() -> None:
    digest = digest_of_adoption(state(TEXT), KEYS, LOST)
    assert digest == digest_of_adoption(state(TEXT), KEYS, LOST[::-1])
    salted = state(TEXT, passwords={"User/a": {"verifier": VERIFIER}}, revision=7)
    assert digest == digest_of_adoption(salted, KEYS, LOST)
    others = state(TEXT.replace("User/b: {database: mydb}", "User/c: {database: mydb}"))
    assert digest == digest_of_adoption(others, KEYS, LOST)


def test_only_what_was_agreed_to_is_done() -> None:
    require_agreed("0123", "0123")
    with pytest.raises(LossesChangedError) as refused:
        require_agreed("", "0123")
    assert "0123" in str(refused.value)
