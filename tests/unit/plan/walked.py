"""What is looked up must not be searched: counted, as no test measures time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

T_co = TypeVar("T_co", covariant=True)


class Walked(tuple[T_co, ...]):  # noqa: SLOT001 - a tuple with slots can count nothing
    """Counts how often it is walked."""

    times = 0

    def __iter__(self) -> Iterator[T_co]:
        self.times += 1
        return super().__iter__()
