"""Reads ACL items as PostgreSQL writes them: `grantee=privileges/grantor`.

The written form is cheaper than aclexplode() and names roles that are gone by their oid.
Source: https://www.postgresql.org/docs/18/ddl-priv.html, table 5.1.
"""

from __future__ import annotations

from collections.abc import Sequence

from regent.observed import Acl, AclItem
from regent.server.lenient_text import is_legible, legible

LETTERS = {
    "a": "INSERT",
    "r": "SELECT",
    "w": "UPDATE",
    "d": "DELETE",
    "D": "TRUNCATE",
    "x": "REFERENCES",
    "t": "TRIGGER",
    "m": "MAINTAIN",
    "X": "EXECUTE",
    "U": "USAGE",
    "C": "CREATE",
    "T": "TEMPORARY",
    "c": "CONNECT",
    "s": "SET",
    "A": "ALTER SYSTEM",
}


class AclReader:
    """Reads the ACLs of one reading; equal ones become one object.

    What was given to a role whose name is not UTF-8 is left out: no declaration is about it.
    """

    def __init__(self, *, is_recoded: bool = False) -> None:
        """`is_recoded`: the database turns the bytes of all names into UTF-8.

        The names of roles are in the encoding of whichever database they were made in, so there
        only those in ASCII are known to be right.
        """
        self._is_recoded = is_recoded
        self._acls: dict[tuple[str, ...], Acl] = {(): ()}
        self._items: dict[str, AclItem] = {}
        self._privileges: dict[str, tuple[frozenset[str], frozenset[str]]] = {}

    def read(self, items: Sequence[str] | None) -> Acl:
        """The ACL of these items; None, where there is none, is as empty."""
        written = tuple(items or ())
        acl = self._acls.get(written)
        if acl is None:
            known = (self._items.get(item) or self._read_item(item) for item in written)
            acl = tuple(item for item in known if item.grantee is None or self.knows(item.grantee))
            self._acls[written] = acl
        return acl

    def knows(self, role: str) -> bool:
        """Whether this is the name that the role has."""
        return role.isascii() or (not self._is_recoded and is_legible(role))

    def _read_item(self, written: str) -> AclItem:
        grantee, rest = _name(written)
        letters, _, rest = rest.removeprefix("=").partition("/")
        grantor, _ = _name(rest)
        privileges, grantable = self._read_privileges(letters)
        item = AclItem(grantee or None, legible(grantor), privileges, grantable)
        self._items[written] = item
        return item

    def _read_privileges(self, letters: str) -> tuple[frozenset[str], frozenset[str]]:
        known = self._privileges.get(letters)
        if known is None:
            plain = letters.replace("*", "")
            starred = [letters[at - 1] for at, mark in enumerate(letters) if mark == "*"]
            known = frozenset(map(_word, plain)), frozenset(map(_word, starred))
            self._privileges[letters] = known
        return known


def _word(letter: str) -> str:
    """The privilege; one that we do not know keeps its letter, and so differs from all we know."""
    return LETTERS.get(letter, letter)


def _name(written: str) -> tuple[str, str]:
    """The role at the beginning, and what follows. In quotes, where a quote is written twice."""
    if not written.startswith('"'):
        end = min((at for mark in "=/" if (at := written.find(mark)) >= 0), default=len(written))
        return written[:end], written[end:]
    end = 1
    while written[end] != '"' or written[end + 1 : end + 2] == '"':
        end += 2 if written[end] == '"' else 1
    return written[1:end].replace('""', '"'), written[end + 1 :]
