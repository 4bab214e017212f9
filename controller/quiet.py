"""What arrives within a short while is looked at together (semantics 17)."""

from __future__ import annotations

import asyncio

QUIET_SECONDS = 0.1
LONGEST_SECONDS = 1.0


class Quiet:
    """A signal that is answered after a moment without another one, or after a second."""

    def __init__(self, quiet: float = QUIET_SECONDS, longest: float = LONGEST_SECONDS) -> None:
        self._quiet = quiet
        self._longest = longest
        self._signal = asyncio.Event()

    def wake(self) -> None:
        """Something may have changed."""
        self._signal.set()

    def wake_after(self, seconds: float) -> None:
        """Look again then at the latest."""
        asyncio.get_running_loop().call_later(seconds, self.wake)

    async def wait(self) -> None:
        """Until something changed and it has been quiet since."""
        await self._signal.wait()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._longest
        while self._signal.is_set() and loop.time() < deadline:
            self._signal.clear()
            await asyncio.sleep(self._quiet)
        self._signal.clear()
