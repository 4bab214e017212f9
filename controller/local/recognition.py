"""Whose a document is: PostgRegent's, another API's, or one that nobody can tell. Pure.

What is not recognised counts as absent, and what is absent is deleted. So a document is taken for
another API's only where its group proves it, and a slip of the pen never does.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Any, Literal

from shared.keys import KINDS
from shared.problems import fold
from shared.resources import API_VERSION, GROUP

Whose = Literal["Ours", "Namesake", "Others"]
"""`Namesake`: a kind that is called as one of PostgRegent's, of another operator's group."""

RBAC = "rbac.authorization.k8s.io"
GROUP_ALIKE, KIND_ALIKE = 0.72, 0.8
LONGEST_GROUP = 100
_FOLDED = {fold(kind): kind for kind in KINDS}


def whose(version: str, kind: str, data: Mapping[str, Any]) -> Whose:
    """Of a document with these two texts."""
    group = version.rpartition("/")[0]
    if group == GROUP or _is_nearly_ours(group, version):
        return "Ours"
    if "." not in group:
        # No CRD has such a group, and no kind of Kubernetes itself is called as one of these.
        return "Ours" if is_nearly_a_kind(kind) else "Others"
    if kind not in KINDS:
        return "Others"
    if group == RBAC and kind == "Role":
        return "Ours" if is_no_role_of_rbac(data) else "Others"
    return "Namesake"


def is_no_role_of_rbac(data: Mapping[str, Any]) -> bool:
    """A Role of RBAC has rules and no spec."""
    return "spec" in data and "rules" not in data


def is_nearly_a_kind(kind: str) -> bool:
    """`Role`, `role`, `Roles` and `Rolle` are."""
    word = fold(kind)[:LONGEST_GROUP]
    return any(_alike(word, known) > KIND_ALIKE for known in _FOLDED)


def unusable_version(version: str, data: Mapping[str, Any]) -> tuple[str, str] | None:
    """What is wrong with the version of a document of ours, and the way out."""
    if version == API_VERSION:
        return None
    if version.startswith(f"{RBAC}/") and is_no_role_of_rbac(data):
        return "has Roles with rules, and this one has a spec", f"write {API_VERSION}"
    return "is not known", f"write {API_VERSION}"


def is_broken_list(kind: str, version: str) -> bool:
    """A List gets here only where its items could not be found."""
    return fold(kind) == "list" and version == "v1"


def _is_nearly_ours(group: str, version: str) -> bool:
    word = fold(group)[:LONGEST_GROUP]
    first = GROUP.partition(".")[0]
    if "postgregent" in fold(version) or first in group.lower().split("."):
        return True
    return _alike(word, fold(GROUP)) > GROUP_ALIKE


def _alike(word: str, known: str) -> float:
    return SequenceMatcher(None, word, known, autojunk=False).ratio()
