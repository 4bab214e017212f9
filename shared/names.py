"""PostgreSQL identifiers: which role names may be, and how any name is quoted."""

from __future__ import annotations

MAX_BYTES = 63
OWNER_ROLE = "postgregent_owner"
"""Owns the home database; the admin of each Regent is a member of it (rule 5)."""
RESERVED = frozenset({"public", "none"})


def quote_ident(name: str) -> str:
    """Always quoted, so that no word needs to be known as a keyword.

    The server's own quote_ident() differs only in leaving the quotes out where it may.
    Raises ValueError for what no identifier can hold.
    """
    if not name:
        raise ValueError("an identifier cannot be empty")
    if "\x00" in name:
        raise ValueError("an identifier cannot hold a NUL character")
    return '"' + name.replace('"', '""') + '"'


def quote_qualified(schema: str, name: str) -> str:
    """`"schema"."name"`."""
    return f"{quote_ident(schema)}.{quote_ident(name)}"


def quote_literal(text: str) -> str:
    """A string literal that does not depend on standard_conforming_strings."""
    if "\x00" in text:
        raise ValueError("a literal cannot hold a NUL character")
    quoted = "'" + text.replace("'", "''") + "'"
    return "E" + quoted.replace("\\", "\\\\") if "\\" in text else quoted


def role_name_problem(name: str) -> str | None:
    """Why a role cannot be called this, with the way out; None when it can."""
    size = len(name.encode("utf-8", "surrogatepass"))
    if not name:
        return "is empty; give it a name of 1 to 63 bytes"
    if size > MAX_BYTES:
        return (
            f"is {size} bytes long and PostgreSQL would cut it silently at {MAX_BYTES}; shorten it"
        )
    if "\x00" in name:
        return "holds a NUL character; take it out"
    if name.startswith("pg_"):
        return "begins with pg_, which PostgreSQL keeps for itself; choose another beginning"
    if name in RESERVED:
        return "is a word that PostgreSQL reserves in GRANT; choose another name"
    return None
