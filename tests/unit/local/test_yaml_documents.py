"""Files as documents that know their lines, and slips that name theirs."""

from __future__ import annotations

import pytest

from controller.local.documents import Document, Slip
from controller.local.yaml_documents import parse_json, parse_yaml


def only(text: str) -> Document:
    """The one document of a text without slips."""
    parsed = parse_yaml(text)
    assert parsed.lost == ()
    [document] = parsed.documents
    return document


def lost(text: str) -> Slip:
    """What is wrong with a text that holds nothing else."""
    parsed = parse_yaml(text)
    assert parsed.documents == ()
    [slip] = parsed.lost
    return slip


def test_every_field_knows_its_line() -> None:
    document = only("# first\nkind: X\nspec:\n  schemas:\n    - a\n    - b\n  port: 0x10\n")
    assert document.line == 2
    assert document.line_of(("spec", "schemas", 1)) == 6
    assert document.line_of(("spec", "missing")) == 3
    assert document.written(("spec", "port")) == "0x10"


def test_documents_count_their_lines_from_the_top_of_the_file() -> None:
    parsed = parse_yaml("a: 1\n---\n# nothing\n---\nb: 2\nc: 3\n--- # said\nd: 4\n")
    assert [document.line for document in parsed.documents] == [1, 5, 8]
    assert parsed.documents[1].line_of(("c",)) == 6


@pytest.mark.parametrize(
    ("text", "value"),
    [("- *", "*"), ("- *_log", "*_log"), ("[a, *]", "*"), ("* # all", "*"), ("*", "*")],
)
def test_an_unquoted_star_is_explained_and_the_rest_is_read(text: str, value: str) -> None:
    [document] = parse_yaml(f"a: 1\ntables:\n  {text}\nb: 2\n").documents
    [slip] = document.slips
    assert (slip.line, slip.value, slip.way_out) == (3, value, f'quote it as "{value}"')
    assert document.data["b"] == 2


def test_a_document_that_is_broken_does_not_hide_the_others() -> None:
    parsed = parse_yaml("a: 1\n---\nkind: Role\nmetadata:\n  name: r\nb: [\n---\nc: 3\n")
    assert [document.data for document in parsed.documents] == [{"a": 1}, {"c": 3}]
    [slip] = parsed.lost
    assert slip.about == "Role r"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a:\n\t- x\n", 2, "a tab indents this line"),
        ("a: b: c\n", 1, "mapping values are not allowed"),
        ("a: 'x\n", 2, "quoted scalar"),
        ("a: @x\n", 1, "cannot start any token"),
        ("- a\n- b\n", 1, "is not a group of fields"),
        ("just text\n", 1, "is not a group of fields"),
        ("a: !python/object:os.system x\n", 1, "the tag !python"),
        ("? [a]\n: b\n", 1, "is not a single word"),
        ("a: &x [*x]\n", 1, "holds itself"),
        ("a: " + "[" * 300 + "]" * 300, 1, "nested too deeply"),
        ("a:\n" + "- " * 60_000 + "x", 2, "nested too deeply"),
        ("a: \x07\n", 1, "a character that YAML does not take"),
    ],
)
def test_broken_yaml_is_explained_with_its_line(text: str, line: int, message: str) -> None:
    slip = lost(text)
    assert slip.line == line
    assert message in slip.message
    assert slip.way_out


def test_a_billion_laughs_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 9):
        aliases = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} [{aliases}]")
    assert "500,000 parts" in lost("\n".join(lines)).message


def test_a_field_given_twice_is_a_slip() -> None:
    [document] = parse_yaml("a: 1\nb: 2\na: 3\n").documents
    [slip] = document.slips
    assert (slip.line, slip.message) == (3, "a is given twice")


def test_anchors_and_merges_work() -> None:
    document = only("x: &x {a: 1, b: 2}\ny: *x\nz:\n  <<: *x\n  b: 3\n")
    assert document.data["y"] == {"a": 1, "b": 2}
    assert document.data["z"] == {"a": 1, "b": 3}
    assert document.line_of(("z", "a")) == 1


def test_a_tag_written_by_hand_says_that_it_is_text() -> None:
    assert only("a: !!str 12\nb: '12'\nc: 12\n").data == {"a": "12", "b": "12", "c": 12}


def test_a_list_is_its_items() -> None:
    parsed = parse_yaml("kind: List\napiVersion: v1\nitems:\n- kind: A\n- kind: B\n")
    assert [(d.data, d.line) for d in parsed.documents] == [({"kind": "A"}, 4), ({"kind": "B"}, 5)]


def test_json_knows_its_lines_too() -> None:
    parsed = parse_json('{\n\t"kind": "A",\n\t"face": "\\ud83d\\ude00",\n\t"on": true\n}')
    [document] = parsed.documents
    assert document.data == {"kind": "A", "face": "😀", "on": True}
    assert document.line_of(("on",)) == 4


def test_broken_json_is_explained_with_its_line() -> None:
    [slip] = parse_json('{\n"a": 1,\n}').lost
    assert slip.message.startswith("this is not JSON")
    assert slip.line >= 2


def test_a_star_in_a_secret_is_not_repeated() -> None:
    [document] = parse_yaml("kind: Secret\nstringData:\n  a: *canary\n").documents
    assert "canary" not in repr(document.slips)


@pytest.mark.found("B12")
def test_a_file_costs_no_more_than_its_length() -> None:
    """Before, each of these took minutes or never ended."""
    parse_yaml("metadata:\n" + "    a: b\n" * 40 + "x: {\n")
    parse_yaml("metadata:\n" * 20_000 + " metadata:\n" * 20_000 + "x: {\n")
    parse_yaml("a: b\n" * 20_000 + "c: *a\n" * 50)
    parse_yaml("a: b\n" * 20_000)


@pytest.mark.found("B12")
def test_too_many_slips_lose_the_document_and_leave_none_of_it_unsaid() -> None:
    """A document whose slips were not all told would count as right."""
    slip = lost("kind: List\nitems:\n" + "- {a: 1, a: 2}\n" * 150)
    assert slip.line == 103
    assert "a is given twice, as 100 lines before it" in slip.message


@pytest.mark.found("B12")
def test_more_documents_than_anybody_writes_are_refused() -> None:
    assert "more than 50,000 documents" in lost("---\n" * 50_001).message


@pytest.mark.found("B12")
@pytest.mark.parametrize("end", ["\r", "\x85", "\u2028", "\u2029"])
def test_lines_that_end_otherwise_stop_nothing(end: str) -> None:
    """YAML counts more ends of lines than a text that is split at its newlines."""
    parsed = parse_yaml(f"a: 1{end}b: 2{end}c: [*x]{end}d: 3{end}")
    assert parsed.lost or parsed.documents[0].slips


def test_a_number_of_thousands_of_digits_is_no_json() -> None:
    [slip] = parse_json('{"a": ' + "1" * 5_000 + "}").lost
    assert "thousands of digits" in slip.message
