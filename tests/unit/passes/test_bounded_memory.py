"""What a Regent remembers is bounded by what is declared, not by what ever was (B22)."""

from __future__ import annotations

import pytest

from regent.accept.merge import accept, without_ended
from regent.desired import DeclaredGrant
from regent.plan.matching import Compilations
from shared.keys import ResourceKey
from shared.privileges import ObjectKind
from shared.state import MOST_RESOURCES, DesiredState, etag
from tests.declared import NOON, VERIFIER, state


@pytest.mark.found("B22")
def test_of_those_who_left_no_verifier_is_kept_and_nothing_once_their_end_is_done() -> None:
    before = state("User/u: {database: mydb}", passwords={"User/u": {"verifier": VERIFIER}})
    first = accept(None, before, etag(before), NOON)
    after = state("", deleted=("User/default/u",), revision=2)
    second = accept(first, after, etag(after), NOON)
    assert "User/default/u" in second.departed
    assert VERIFIER not in second.stored()
    assert without_ended(second, {"User/default/u"}) is second
    assert not without_ended(second, set()).departed


@pytest.mark.found("B22")
def test_what_was_ever_seen_is_kept_while_something_names_it() -> None:
    role = "Role/r: {database: mydb, permissions: [p]}"
    both = state(f"Permission/p: {{database: mydb, actions: [CONNECT]}}\n{role}")
    accepted = accept(None, both, etag(both), NOON)
    without = state(role, deleted=("Permission/default/p",), revision=2)
    accepted = accept(accepted, without, etag(without), NOON)
    assert "Permission/default/p" in accepted.ever_seen
    nothing = state("", deleted=("Role/default/r",), revision=3)
    accepted = accept(accepted, nothing, etag(nothing), NOON)
    accepted = accept(accepted, nothing, etag(nothing), NOON)
    assert not accepted.ever_seen


@pytest.mark.found("B22")
def test_what_was_compiled_is_kept_for_its_owner_and_bounded() -> None:
    kept = Compilations(limit=2)

    def grants(name: str) -> tuple[DeclaredGrant, ...]:
        return (
            DeclaredGrant(
                permission=ResourceKey("Permission", "default", name),
                kind=ObjectKind.DATABASE,
                privileges=frozenset({"CONNECT"}),
                grantees=("r",),
            ),
        )

    first = kept.of(grants("a"), frozenset({"r"}))
    assert kept.of(grants("a"), frozenset({"r"})) is first
    for name in "bc":
        kept.of(grants(name), frozenset({"r"}))
    assert len(kept) == 2


@pytest.mark.found("B22")
@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("revision", 2**63),
        ("held", {"Role/default/a\0b": {"reason": "r", "message": "m"}}),
        ("held", {"Role/default/a": {"reason": "r\0", "message": "m"}}),
        ("deleted", ["not a key"]),
        ("deleted", ["Role/default/a"] * (MOST_RESOURCES + 1)),
        ("origin", "a\0"),
    ],
)
def test_what_the_server_cannot_keep_is_refused_with_its_field(part: str, value: object) -> None:
    said = state("Role/r: {database: mydb}").revealed() | {part: value}
    with pytest.raises(ValueError, match=part):
        DesiredState.model_validate(said)
