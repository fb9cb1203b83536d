"""A queue that gives every account, and every flow of an account, the same share of what is worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
# Beyond this many, those without a debt are forgotten.
REMEMBERED_MAX = 1000


@dataclass(frozen=True)
class Flow:
    """Whom a job is done for: one source (a camera, a connection) of an account."""

    account: Hashable
    source: Hashable


@dataclass
class Shares:
    """How much each of several parties has used, so that the one that used least goes next.

    Start-time fair queueing (P. Goyal et al., 1996): a party that was away comes in at the present time of
    the clock, so that it neither has credit for its absence nor is rid of a debt.
    """

    used: dict[Hashable, float] = field(default_factory=dict)
    clock: float = 0.0

    def enter(self, party: Hashable) -> None:
        """Let a party that waited for nothing take part again."""
        if len(self.used) > REMEMBERED_MAX:
            self.used = {each: used for each, used in self.used.items() if used > self.clock}
        self.used[party] = max(self.used.get(party, 0.0), self.clock)

    def served(self, party: Hashable) -> None:
        """Move the clock on to a party whose turn it is."""
        self.clock = max(self.clock, self.used[party])

    def charge(self, party: Hashable, cost: float) -> None:
        """Count what a party has used."""
        self.used[party] = max(0.0, self.used.get(party, self.clock) + cost)


@dataclass
class FairQueue(Generic[T]):
    """Waiting jobs of many flows; next is the account, and in it the flow, that has used least.

    Costs are whatever the owner measures, so that few expensive jobs weigh as much as many cheap ones; they
    may be charged before, after or while a job is done. Jobs of one flow keep their order; those that finish
    something already begun go before others of their account. Not thread-safe.
    """

    _waiting: dict[Hashable, dict[Hashable, deque[T]]] = field(default_factory=dict)
    _begun: dict[Hashable, set[Hashable]] = field(default_factory=dict)
    _accounts: Shares = field(default_factory=Shares)
    _sources: dict[Hashable, Shares] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[T]:
        for sources in self._waiting.values():
            for jobs in sources.values():
                yield from jobs

    @property
    def accounts(self) -> frozenset[Hashable]:
        """The accounts that have jobs waiting."""
        return frozenset(self._waiting)

    def of(self, account: Hashable) -> Iterator[T]:
        """Iterate over the waiting jobs of an account."""
        for jobs in self._waiting.get(account, {}).values():
            yield from jobs

    def put(self, flow: Flow, job: T, *, is_begun: bool = False) -> None:
        """Add a job; `is_begun` where it finishes what another job of the flow has begun."""
        sources = self._waiting.get(flow.account)
        if sources is None:
            sources = self._waiting[flow.account] = {}
            self._accounts.enter(flow.account)
            if len(self._sources) > REMEMBERED_MAX:
                self._sources = {each: self._sources[each] for each in self._waiting if each in self._sources}
        if flow.source not in sources:
            sources[flow.source] = deque()
            self._sources.setdefault(flow.account, Shares()).enter(flow.source)
        sources[flow.source].append(job)
        if is_begun:
            self._begun.setdefault(flow.account, set()).add(flow.source)

    def take(self, may_run: Callable[[Flow, T], bool] = lambda flow, job: True) -> tuple[Flow, T] | None:
        """Remove and return the next job that may run; None where there is none."""
        for account in sorted(self._waiting, key=self._accounts.used.__getitem__):
            shares, sources = self._sources[account], self._waiting[account]
            begun = self._begun.get(account, set())
            for source in sorted(sources, key=lambda each: (each not in begun, shares.used[each])):
                flow, job = Flow(account, source), sources[source][0]
                if may_run(flow, job):
                    self._accounts.served(account)
                    shares.served(source)
                    self.remove(flow, job)
                    return flow, job
        return None

    def remove(self, flow: Flow, job: T) -> None:
        """Remove a job that waits."""
        sources = self._waiting[flow.account]
        sources[flow.source].remove(job)
        if not sources[flow.source]:
            del sources[flow.source]
            self._begun.get(flow.account, set()).discard(flow.source)
        if not sources:
            del self._waiting[flow.account]
            self._begun.pop(flow.account, None)

    def charge(self, flow: Flow, cost: float) -> None:
        """Count what was done for a flow; a negative cost takes back what was charged too much."""
        self._accounts.charge(flow.account, cost)
        self._sources.setdefault(flow.account, Shares()).charge(flow.source, cost)
