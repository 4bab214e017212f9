"""renamedFrom waits for its holder to go, and what seems to be a rename is said."""

from __future__ import annotations

import pytest

from tests.declared import accepted, mark, resolved, role, server, state

MARKS = (mark("old", "Role/old", oid=5), mark("ann", "User/ann", oid=6))
ON = server(role("old", oid=5), role("ann", oid=6, login=True))
BEFORE = "Role/old: {database: mydb}\nUser/ann: {roles: [old]}\n"
NEW = "Role/new: {database: mydb, renamedFrom: old}\nUser/ann: {roles: [new]}\n"


@pytest.mark.rule("7")
@pytest.mark.found("A7")
def test_a_rename_waits_for_its_holder_and_takes_nothing_from_members_meanwhile() -> None:
    both = accepted(NEW + "Role/old: {database: mydb}", accepted(BEFORE))
    waiting = resolved(both, marks=MARKS, on=ON)
    assert set(waiting.desired.roles) == {"ann", "old"}
    assert waiting.desired.undecided == {("new", "ann"), ("old", "ann")}
    said = waiting.outcomes["Role/default/new"]
    assert (said.state, said.reason) == ("Reconciling", "WaitingForRename")
    assert "Role/default/old" in said.message
    gone = resolved(accepted(NEW, both), marks=MARKS, on=ON)
    assert gone.desired.roles["new"].renamed_from == "old"
    assert gone.desired.endings == ()
    assert gone.outcomes["Role/default/new"].reason == "Applying"


@pytest.mark.found("A7")
def test_a_wrong_former_name_is_said_and_a_done_rename_is_not() -> None:
    wrong = resolved("Role/new: {database: mydb, renamedFrom: oldd}", marks=MARKS, on=ON)
    assert "new" in wrong.desired.roles
    assert any("'oldd'" in note for note in wrong.outcomes["Role/default/new"].notes)
    done = resolved(
        accepted(NEW, accepted(BEFORE)), marks=(mark("new", "Role/new", oid=5), MARKS[1])
    )
    assert done.outcomes["Role/default/new"].notes == ()


@pytest.mark.found("A7")
def test_what_looks_like_a_rename_without_renamed_from_is_said() -> None:
    one = "User/{}: {{roles: [], database: mydb, passwordSecretRef: {{name: s, key: ann}}}}"
    before = accepted(one.format("ann"))
    renamed = resolved(accepted(one.format("anna"), before), marks=MARKS, on=ON)
    assert any("renamedFrom: ann" in n for n in renamed.outcomes["User/default/anna"].notes)
    another = accepted("User/bob: {database: mydb, connectionLimit: 3}", before)
    assert resolved(another, marks=MARKS, on=ON).outcomes["User/default/bob"].notes == ()


@pytest.mark.found("E13")
def test_a_rename_is_not_guessed_where_nothing_was_managed_or_several_came() -> None:
    one = "User/{}: {{roles: [], database: mydb, passwordSecretRef: {{name: s, key: ann}}}}\n"
    before = accepted(one.format("ann"))

    def said(now: str, **on: object) -> list[str]:
        found = resolved(accepted(now, before), **{"marks": MARKS, "on": ON, **on})  # type: ignore[arg-type]
        return [note for one in found.outcomes.values() for note in one.notes if "rename" in note]

    anna = one.format("anna")
    assert len(said(anna)) == 1
    assert said(anna + one.format("annie")) == []
    assert said(anna, marks=()) == []
    assert said(anna, marks=(mark("ann", "User/ann", oid=7),)) == []
    assert said(anna, on=server()) == []
    assert said(anna, on=server(role("ann", oid=6, superuser=True))) == []
    assert said(anna, on=server(role("ann", oid=6), role("anna", superuser=True))) == []
    both = accepted(one.format("ann") + one.format("bob"))
    marks = (*MARKS, mark("bob", "User/bob", oid=8))
    there = server(role("ann", oid=6), role("bob", oid=8))
    found = resolved(accepted(anna, both), marks=marks, on=there)
    assert found.outcomes["User/default/anna"].notes == ()


@pytest.mark.found("E77")
@pytest.mark.rule("7", "10")
@pytest.mark.parametrize("adopt", ["", ", adopt: true"])
def test_a_role_that_nobody_managed_is_not_renamed_and_no_empty_one_is_made_beside_it(
    adopt: str,
) -> None:
    """Declared a moment ago or never: "was declared" is not "was managed"."""
    there = server(role("hanna", oid=6, login=True))
    refused = accepted("User/hanna: {database: mydb}")
    pushed = f"User/johanna: {{database: mydb, renamedFrom: hanna{adopt}}}"
    for before in (refused, None):
        now = resolved(accepted(pushed, before) if before else pushed, marks=(), on=there)
        assert now.desired.roles == {}
        said = now.outcomes["User/default/johanna"]
        assert (said.state, said.reason, said.notes) == ("Stalled", "ExistsUnmanaged", ())
        assert "Adopt 'hanna' under its own name first" in said.message
    adopted = accepted("User/hanna: {database: mydb, adopt: true}")
    managed = resolved(
        accepted(pushed, adopted), marks=(mark("hanna", "User/hanna", oid=6),), on=there
    )
    assert managed.desired.roles["johanna"].renamed_from == "hanna"


@pytest.mark.found("E77")
def test_a_rename_of_what_never_came_to_be_is_said() -> None:
    before = accepted("User/hanna: {database: mydb}")
    pushed = accepted("User/johanna: {database: mydb, renamedFrom: hanna}", before)
    said = resolved(pushed, marks=(), on=server()).outcomes["User/default/johanna"]
    assert any("'hanna'" in note for note in said.notes)


@pytest.mark.found("E155")
@pytest.mark.rule("18")
def test_what_ends_in_so_many_words_waits_for_no_role_that_was_never_seen() -> None:
    """A minute of LOGIN for who was put out, because of a name in the same edit."""
    before = accepted("Role/old: {database: mydb}\nUser/ann: {roles: [old]}")
    edited = "Role/old: {{database: mydb}}\nUser/ann: {{roles: [old, nwe], {}}}"
    for end in ("enabled: false", 'validUntil: "2020-01-01T00:00:00Z"'):
        found = resolved(accepted(edited.format(end), before), marks=MARKS, on=ON)
        assert found.outcomes["User/default/ann"].reason == "WaitingForReference"
        assert not found.desired.roles["ann"].login
        assert [(one.group, one.member) for one in found.desired.memberships] == [("old", "ann")]
    goes_on = accepted(edited.format("connectionLimit: 3"), before)
    assert resolved(goes_on, marks=MARKS, on=ON).desired.roles["ann"].login


@pytest.mark.found("E247")
def test_a_rename_that_was_done_is_not_called_a_wrong_name() -> None:
    """Seen: after its own rename, "a role of its own. Correct the name"."""
    there = server(role("johanna", oid=6, login=True))
    found = resolved(
        accepted("User/johanna: {database: mydb, renamedFrom: hanna}"),
        marks=(mark("johanna", "User/johanna", oid=6),),
        on=there,
    )
    (note,) = found.outcomes["User/default/johanna"].notes
    assert note.endswith("'johanna' is managed here: the field does nothing. Take it out.")


@pytest.mark.rule("16")
@pytest.mark.found("E343")
def test_a_resource_that_gets_another_name_takes_nothing_from_members_while_both_are_there() -> (
    None
):
    """Its role is kept by `roleName`. Of another namespace's role nobody stays a member so."""
    new = "Role/new: {database: mydb, roleName: old}\nUser/ann: {roles: [new]}\n"
    both = accepted(new + "Role/old: {database: mydb}", accepted(BEFORE))
    waiting = resolved(both, marks=MARKS, on=ON)
    assert waiting.outcomes["Role/default/new"].reason == "NameConflict"
    assert waiting.desired.undecided == {("old", "ann")}
    gone = resolved(accepted(new, both), marks=MARKS, on=ON)
    assert gone.desired.undecided == frozenset()
    assert {(one.group, one.member) for one in gone.desired.memberships} == {("old", "ann")}
    of_another = state(
        "Role/old: {database: mydb}\n"
        "Role/team/new: {database: mydb, roleName: old}\n"
        "User/team/ann: {roles: [new]}\n",
        regent={"allowedNamespaces": [{"names": ["team"], "allow": {"names": ["*"]}}]},
        namespaces={"team": 0},
    )
    found = resolved(of_another, marks=MARKS[:1], on=server(role("old", oid=5)))
    assert found.outcomes["Role/team/new"].reason == "NameConflict"
    assert found.desired.undecided == frozenset()
