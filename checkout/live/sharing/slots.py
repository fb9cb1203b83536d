"""Slots of a thread pool, given to whoever has used least of it, with at most one to a camera."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from ebrcs.fair_queue import FairQueue, Flow

# What a slot is charged with when it is given; the difference to what was measured follows at its release.
ADVANCE_S = 0.02
# For an account that wanted a slot this lately, the others leave a part of the slots free.
RECENT_S = 2.0
# That part; at least one slot.
FREE_SHARE = 0.25


@dataclass
class Slot:
    """A slot while it is held.

    Attributes
    ----------
    held_s : how long it was held; set at its release
    """

    held_s: float = 0.0


@dataclass
class FairSlots:
    """A semaphore whose slots are shared out by the time for which they are held.

    Accounts get equal shares, and so do the flows of an account (`FairQueue`). While other accounts are at
    work too, no account holds all slots: a job in progress cannot be interrupted, however long it takes. An
    account that is alone may use them all. Belongs to one event loop.

    Parameters
    ----------
    count : number of slots
    per_flow : most slots held by one flow
    """

    count: int
    per_flow: int = 1
    _queue: FairQueue[asyncio.Future[None]] = field(default_factory=FairQueue)
    _flows: Counter[Flow] = field(default_factory=Counter)
    _accounts: Counter[Hashable] = field(default_factory=Counter)
    _elsewhere: Counter[Hashable] = field(default_factory=Counter)
    _wanted_s: dict[Hashable, float] = field(default_factory=dict)

    @asynccontextmanager
    async def slot(self, flow: Flow, *, is_begun: bool = False) -> AsyncIterator[Slot]:
        """Wait for a slot and hold it; `is_begun` to finish what was begun with a slot before."""
        await self._acquire(flow, is_begun=is_begun)
        slot, started_s = Slot(), time.monotonic()
        try:
            yield slot
        finally:
            slot.held_s = time.monotonic() - started_s
            self._release(flow, slot.held_s)

    @contextmanager
    def elsewhere(self, flow: Flow) -> Iterator[None]:
        """Count work in progress elsewhere: beside others, the account holds one slot less meanwhile."""
        self._elsewhere[flow.account] += 1
        try:
            yield
        finally:
            self._elsewhere -= Counter([flow.account])
            self._give()

    def charge(self, flow: Flow, cost_s: float) -> None:
        """Count work that was done for a flow elsewhere."""
        self._queue.charge(flow, cost_s)

    async def _acquire(self, flow: Flow, *, is_begun: bool) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._wanted_s[flow.account] = time.monotonic()
        self._queue.put(flow, turn, is_begun=is_begun)
        self._give()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._queue.remove(flow, turn)
                self._give()  # the job behind it may run
            else:  # it was given in the same moment
                self._release(flow, 0.0)
            raise

    def _release(self, flow: Flow, held_s: float) -> None:
        self._flows -= Counter([flow])
        self._accounts -= Counter([flow.account])
        self._queue.charge(flow, held_s - ADVANCE_S)
        self._give()

    def _give(self) -> None:
        """Give free slots to those whose turn it is."""
        since_s = time.monotonic() - RECENT_S
        self._wanted_s = {account: at_s for account, at_s in self._wanted_s.items() if at_s > since_s}
        while self._accounts.total() < self.count and (found := self._queue.take(self._may_hold)):
            flow, turn = found
            self._flows[flow] += 1
            self._accounts[flow.account] += 1
            self._queue.charge(flow, ADVANCE_S)
            turn.set_result(None)

    def _may_hold(self, flow: Flow, turn: asyncio.Future[None]) -> bool:
        if turn.cancelled() or self._flows[flow] >= self.per_flow:
            return False
        alone = not self._wanted_s.keys() - {flow.account}
        in_progress = self._accounts[flow.account] + self._elsewhere[flow.account]
        return alone or in_progress < self._most_held

    @property
    def _most_held(self) -> int:
        return max(1, self.count - max(1, int(self.count * FREE_SHARE)))
