"""How a resource is named everywhere: kind, namespace, name."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

Kind = Literal["Permission", "Role", "User", "Regent"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class ResourceKey(NamedTuple):
    """One resource. Written `Role/default/flights-admin`, as in logs, plans and the HTTP API.

    Never a uid: a restore from a backup changes uids and keeps names (rule 7). A tuple, since
    each change looks thousands of these up: a dataclass would be hashed and compared in Python.
    """

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> ResourceKey:
        """Read the written form back. Raises ValueError for anything else."""
        kind, _, rest = text.partition("/")
        namespace, _, name = rest.partition("/")
        for known in KINDS:
            if kind == known and namespace and name and "/" not in name:
                return cls(known, namespace, name)
        raise ValueError(f"{text!r} is not a resource key such as Role/default/flights-admin")
