"""The control of fair slots: they go to whoever came first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext

from checkout.live.sharing.slots import Slot
from ebrcs.fair_queue import Flow


class FirstComeSlots:
    """A plain semaphore."""

    def __init__(self, count: int) -> None:
        self._semaphore = asyncio.Semaphore(count)

    @asynccontextmanager
    async def slot(self, flow: Flow, *, is_begun: bool = False) -> AsyncIterator[Slot]:
        async with self._semaphore:
            yield Slot()

    def elsewhere(self, flow: Flow) -> AbstractContextManager[None]:
        return nullcontext()

    def charge(self, flow: Flow, cost_s: float) -> None:
        """Count nothing."""
