"""Secrets become verifiers; trouble with one is trouble of the password alone (rule 19)."""

from __future__ import annotations

import pytest
from pydantic import SecretBytes

from controller.core.passwords import InForce, PasswordBook, Secrets
from controller.core.secrets import Secret, SecretName
from shared.in_force import verifiers_in_force
from shared.resources import Regent, UserSpec
from shared.scram import build, fits
from shared.state import PasswordEntry, UserEntry, Verifier
from tests.unit.core.manifests import key, regent, tree

SPEC = UserSpec.model_validate(
    {"database": "mydb", "passwordSecretRef": {"name": "passwords", "key": "intern"}}
)
USER = key("User/u")
NAME = SecretName("default", "passwords")


def a_regent(selector: str = "{}", name: str = "one") -> Regent:
    found = tree(regent(name, "mydb", f"  secretsSelector: {selector}\n"))
    made = found.resources[key(f"Regent/{name}")].resource
    assert isinstance(made, Regent)
    return made


def secrets(value: bytes, **labels: str) -> Secrets:
    return {NAME: Secret(NAME, {"intern": SecretBytes(value)}, labels)}


def entry(
    book: PasswordBook, given: Secrets, in_force: InForce | None = None, *,
    selector: str = "{}", spec: UserSpec = SPEC, name: str = "one",
) -> PasswordEntry:  # fmt: skip
    found = book.entry(a_regent(selector, name), USER, spec, given, in_force or {})
    assert found is not None
    return found


def verifier_of(found: PasswordEntry) -> Verifier:
    assert found.trouble is None
    assert found.verifier is not None
    return found.verifier


@pytest.mark.rule("19")
def test_a_password_that_fits_the_verifier_in_force_keeps_it() -> None:
    in_force = build("canary-password")
    found = entry(PasswordBook(), secrets(b"canary-password"), {str(USER): in_force})
    assert verifier_of(found) == in_force


@pytest.mark.rule("19")
def test_another_password_gets_a_verifier_with_a_new_salt_that_is_then_kept() -> None:
    book = PasswordBook()
    old = build("old-password")
    first = verifier_of(entry(book, secrets(b"new-password"), {str(USER): old}))
    assert fits("new-password", first)
    assert verifier_of(entry(book, secrets(b"new-password"), {str(USER): old})) == first
    assert verifier_of(entry(book, secrets(b"new-password"))) == first
    assert verifier_of(entry(book, secrets(b"new-password"), {str(USER): first})) == first


def test_an_unchanged_secret_is_not_hashed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    book = PasswordBook()
    first = verifier_of(entry(book, secrets(b"password")))
    monkeypatch.setattr("shared.scram.hashlib.pbkdf2_hmac", None)
    assert verifier_of(entry(book, secrets(b"password"), {str(USER): first})) == first


def test_the_same_user_has_another_salt_on_another_regent() -> None:
    book = PasswordBook()
    assert verifier_of(entry(book, secrets(b"password"))) != verifier_of(
        entry(book, secrets(b"password"), name="two")
    )


def test_what_is_not_kept_is_forgotten() -> None:
    book = PasswordBook()
    first = verifier_of(entry(book, secrets(b"password")))
    book.forget_except({key("Regent/one"): frozenset({USER})})
    assert verifier_of(entry(book, secrets(b"password"))) == first
    book.forget_except({})
    assert verifier_of(entry(book, secrets(b"password"))) != first


@pytest.mark.rule("19")
def test_a_secret_may_hold_the_verifier_itself() -> None:
    given = build("password")
    found = entry(PasswordBook(), secrets(given.value.encode() + b"\n"))
    assert verifier_of(found) == given
    assert "newline" in found.note


@pytest.mark.rule("19")
@pytest.mark.parametrize(
    ("given", "selector", "reason", "said"),
    [
        ({}, "{}", "SecretNotFound", "default/passwords"),
        ({NAME: Secret(NAME, {})}, "{}", "SecretKeyNotFound", "intern"),
        (
            {NAME: Secret(NAME, {"Intern": SecretBytes(b"x")})},
            "{}",
            "SecretKeyNotFound",
            "did you mean Intern?",
        ),
        (secrets(b""), "{}", "SecretEmpty", "intern"),
        (secrets(b"\n"), "{}", "SecretEmpty", "newline"),
        (secrets(b"canary\xff"), "{}", "SecretUnreadable", "UTF-8"),
        (secrets(b"SCRAM-SHA-256$canary"), "{}", "VerifierMalformed", "clear password"),
        (secrets(b"md5" + b"0a" * 16), "{}", "VerifierMalformed", "md5"),
        (
            secrets(build("canary", iterations=1).value.encode()),
            "{}",
            "VerifierOutOfBounds",
            "1 iterations",
        ),
        (secrets(b"canary" * 10_000), "{}", "SecretUnreadable", "60,000 bytes"),
        (secrets(b"canary", a="1"), "{a: '1', b: '2'}", "SecretNotSelected", "label b=2"),
    ],
)
def test_trouble_with_a_secret_is_said_without_its_value(
    given: Secrets, selector: str, reason: str, said: str
) -> None:
    found = entry(PasswordBook(), given, {str(USER): build("x")}, selector=selector)
    assert found.verifier is None
    assert found.trouble is not None
    assert found.trouble.reason == reason
    assert said in found.trouble.message
    assert "canary" not in found.trouble.message


@pytest.mark.rule("19")
def test_each_regent_is_asked_for_its_own_verifiers_in_force() -> None:
    in_force = build("x")
    passwords = PasswordBook().reading(secrets(b"x"), {key("Regent/one"): {str(USER): in_force}})
    one, two = (passwords(a_regent(name=name), USER, SPEC) for name in ("one", "two"))
    assert one == PasswordEntry(verifier=in_force)
    assert two != one


@pytest.mark.rule("19")
def test_without_a_reference_the_password_is_not_managed() -> None:
    spec = UserSpec.model_validate({"database": "mydb"})
    assert PasswordBook().entry(a_regent(), USER, spec, {}, {}) is None


def test_a_selected_secret_is_read_and_one_from_the_environment_always_is() -> None:
    selector = "{a: '1'}"
    assert fits("x", verifier_of(entry(PasswordBook(), secrets(b"x", a="1"), selector=selector)))
    unlabelled = {NAME: Secret(NAME, {"intern": SecretBytes(b"x")}, None)}
    assert fits("x", verifier_of(entry(PasswordBook(), unlabelled, selector=selector)))


RENAMED = {
    "reporting": {"renamedFrom": "reporting"},
    "old": {"renamedFrom": "reporting"},
    "other": {"userName": "reporting"},
}


@pytest.mark.found("E247")
@pytest.mark.rule("7", "10", "19")
@pytest.mark.parametrize("former", RENAMED)
@pytest.mark.parametrize("told_by", ["regent", "book"])
def test_who_takes_a_role_over_with_its_password_keeps_its_verifier(
    former: str, told_by: str
) -> None:
    """Seen: a rename with the same Secret put everybody out, as if another one got the role."""
    old = UserSpec.model_validate(
        SPEC.model_dump(by_alias=True, exclude_none=True) | {"userName": "reporting"}
    )
    spec = UserSpec.model_validate(
        SPEC.model_dump(by_alias=True, exclude_none=True) | RENAMED[former]
    )
    book, given = PasswordBook(), secrets(b"the-password")
    before = book.entry(a_regent(), key(f"User/{former}"), old, given, {})
    assert before is not None
    user = UserEntry(spec=old, password=before)
    told = verifiers_in_force({f"User/default/{former}": user})
    book, told = (PasswordBook(), told) if told_by == "regent" else (book, {})
    assert verifier_of(entry(book, given, told, spec=spec)) == verifier_of(before)
    another = entry(book, secrets(b"another"), told, spec=spec)
    assert fits("another", verifier_of(another))


@pytest.mark.found("E247")
def test_of_another_namespace_or_without_the_name_nothing_is_taken_over() -> None:
    in_force = build("x")
    spec = UserSpec.model_validate(
        SPEC.model_dump(by_alias=True, exclude_none=True) | {"renamedFrom": "old"}
    )
    there = {"User/elsewhere/old": in_force, "User/default/third": in_force}
    assert verifier_of(entry(PasswordBook(), secrets(b"x"), there, spec=spec)) != in_force


@pytest.mark.rule("19")
def test_where_no_controller_makes_a_password_it_is_said_and_none_is_set() -> None:
    """In a directory, as in `plan`: whatever a Secret of that name says."""
    spec = UserSpec.model_validate({"database": "mydb", "credentials": {"secretName": NAME.name}})
    found = entry(PasswordBook(), {NAME: Secret(NAME, {"password": SecretBytes(b"x")})}, spec=spec)
    assert found.trouble is not None
    assert (found.trouble.reason, found.verifier) == ("NotSupported", None)
    assert "use passwordSecretRef" in found.trouble.message
