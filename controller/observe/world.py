"""What one look knows: read once, and judged by the moment at which it was read. Pure.

The stages of a look (controller/term/term.py) take it, and hand it on with what they have found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.core.compile import Compiled
from controller.observe.doubts import SecretsRead
from controller.observe.reader import Declared
from shared.keys import ResourceKey

NOBODY: frozenset[ResourceKey] = frozenset()


@dataclass(frozen=True, slots=True)
class World:
    """`declared`, with its doubts, is of one moment; the rest is what stages found since."""

    declared: Declared
    origin: str = ""
    """The cluster, as each push names where it comes from."""
    secrets: SecretsRead = field(default_factory=lambda: SecretsRead({}), repr=False)
    asked: frozenset[ResourceKey] = NOBODY
    """Regents that somebody wants off the cluster, without deleting them."""
    off: frozenset[ResourceKey] = NOBODY
    """Those of `asked` that were let go: nothing is pushed, made or held for them."""
    unheld: frozenset[ResourceKey] = NOBODY
    """What lacks our finalizer: nothing new of it is given."""
    compiled: Compiled = field(default_factory=lambda: Compiled({}), repr=False)
    meetings: Mapping[ResourceKey, int] = field(default_factory=dict)
    """Of which meeting with each Regent is what `compiled` goes by."""

    @property
    def leaving(self) -> frozenset[ResourceKey]:
        """Regents that are deleted or asked to go, and run on until they have left."""
        deleted = frozenset(key for key in self.declared.deleting if key.kind == "Regent")
        return (deleted | self.asked) - self.off

    @property
    def regents(self) -> frozenset[ResourceKey]:
        """All that are there, whether they can be used or not."""
        return frozenset(key for key in self.declared.raw if key.kind == "Regent")
