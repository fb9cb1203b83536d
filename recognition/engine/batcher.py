"""One thread that answers the requests of many callers in batches, and answers every one of them."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from ebrcs import metrics
from ebrcs.background import Worker
from ebrcs.fair_queue import FairQueue, Flow
from recognition.errors import EngineBusy, EngineNotReady

logger = logging.getLogger(__name__)

RequestT = TypeVar("RequestT")
AnswerT = TypeVar("AnswerT")

BATCH_SIZE = 16
QUEUE_SIZE = 64
GATHER_S = 0.002
"""How long a batch waits for company when the one before had some; a caller who is alone never waits."""
NOBODY = Flow(None, None)
RECENT_S = 2.0
SHARED_PART = 0.25
"""Part of a batch that an account may fill while others have asked in the last two seconds: they may have to
wait for it."""


class Batcher(Worker, Generic[RequestT, AnswerT]):
    """Hands everything that is waiting to a function in one call, from a thread of its own.

    Each future completes: with its answer, with the exception of its own request, or with EngineNotReady when
    the batcher closes. When a batch fails, its requests are tried one by one, so that only the caller whose
    request is bad gets the error. Callers who have gone away (cancelled futures) are skipped.

    Accounts, and flows within them, get equal shares by the weight of their requests. A full queue refuses
    those who have more than their share of it waiting.

    Parameters
    ----------
    work : answers a batch in the order of its requests; called by one thread only
    size : weight of a request, e.g. its number of pictures
    batch_size : most weight in one batch; a single request may be heavier
    queue_size : most weight waiting before new requests are refused
    gather_s : longest wait for more requests to join a batch
    """

    name = "recognition-batcher"
    fails_message = "a batch could not be collected"
    is_essential = True

    def __init__(
        self,
        *,
        work: Callable[[Sequence[RequestT]], Sequence[AnswerT]],
        size: Callable[[RequestT], int],
        batch_size: int = BATCH_SIZE,
        queue_size: int = QUEUE_SIZE,
        gather_s: float = GATHER_S,
    ) -> None:
        super().__init__()
        self._answer_batch = work
        self._size = size
        self._batch_size = batch_size
        self._queue_size = queue_size
        self._gather_s = gather_s
        self._waiting: FairQueue[tuple[RequestT, Future[AnswerT]]] = FairQueue()
        self._asked_s: dict[Hashable, float] = {}
        self._last_batch = 0

    def submit(self, request: RequestT, flow: Flow = NOBODY) -> Future[AnswerT]:
        """Queue a request.

        Parameters
        ----------
        flow : whom it is answered for

        Raises
        ------
        EngineBusy
            When too much is waiting already.
        EngineNotReady
            When the batcher has been closed.
        """
        future: Future[AnswerT] = Future()
        with self._changed:
            if self._stopping.is_set():
                raise EngineNotReady("Recognition is shutting down.")
            waiting, size = self._weight(self._waiting), self._size(request)
            own = self._weight(self._waiting.of(flow.account))
            share = self._queue_size / len(self._waiting.accounts | {flow.account})
            if own and waiting + size > self._queue_size and own + size > share:
                raise EngineBusy(
                    f"{waiting} pictures wait already; at most {self._queue_size} may. Try again shortly.",
                    limit=self._queue_size,
                )
            self._asked_s[flow.account] = time.monotonic()
            self._waiting.put(flow, (request, future))
            metrics.QUEUE_PICTURES.set(waiting + size)
            self._changed.notify_all()
        return future

    def close(self) -> None:
        """Finish the batch in progress, refuse what waits, and stop the thread."""
        self._stopping.set()
        with self._changed:
            left, self._waiting = list(self._waiting), FairQueue()
            metrics.QUEUE_PICTURES.set(0)
        for _, future in left:
            if future.set_running_or_notify_cancel():
                future.set_exception(EngineNotReady("Recognition is shutting down."))
        self.stop()

    def is_due(self) -> bool:
        """Whether requests are waiting."""
        return bool(self._waiting)

    def work(self) -> None:
        """Answer one batch."""
        batch = self._collect()
        live = [(request, future) for request, future in batch if future.set_running_or_notify_cancel()]
        self._last_batch = len(live)
        self._answer(live)

    def _collect(self) -> list[tuple[RequestT, Future[AnswerT]]]:
        """Wait a moment for company if the last batch had some, and take a batch; empty when closed."""
        with self._changed:
            if self._last_batch > 1:
                deadline = time.monotonic() + self._gather_s
                while not self._stopping.is_set() and len(self._waiting) < self._last_batch:
                    if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                        break
            batch: list[tuple[RequestT, Future[AnswerT]]] = []
            weights: Counter[Hashable] = Counter()
            most = self._most_of_one()
            while found := self._waiting.take(
                lambda flow, job: self._fits(self._size(job[0]), weights, flow.account, most)
            ):
                flow, job = found
                size = 0 if job[1].cancelled() else self._size(job[0])
                weights[flow.account] += size
                self._waiting.charge(flow, size)
                batch.append(job)
            metrics.QUEUE_PICTURES.set(self._weight(self._waiting))
            return batch

    def _weight(self, jobs: Iterable[tuple[RequestT, Future[AnswerT]]]) -> int:
        return sum(self._size(request) for request, future in jobs if not future.cancelled())

    def _most_of_one(self) -> int:
        """Return how much of a batch one account may fill."""
        since_s = time.monotonic() - RECENT_S
        self._asked_s = {account: at_s for account, at_s in self._asked_s.items() if at_s > since_s}
        return self._batch_size if len(self._asked_s) < 2 else int(self._batch_size * SHARED_PART)

    def _fits(self, size: int, weights: Counter[Hashable], account: Hashable, most: int) -> bool:
        """Whether a request fits into a batch; the first of an account may exceed the part of an account."""
        if not weights.total():
            return True
        own = weights[account]
        return weights.total() + size <= self._batch_size and (not own or own + size <= most)

    def _answer(self, batch: Sequence[tuple[RequestT, Future[AnswerT]]]) -> None:
        if not batch:
            return
        try:
            answers = self._answer_batch([request for request, _ in batch])
        except BaseException as error:  # noqa: BLE001 - handed to the callers, who would wait for ever
            if len(batch) == 1:
                batch[0][1].set_exception(error)
                return
            logger.warning("a batch of %d failed; its requests are tried one by one: %r", len(batch), error)
            for job in batch:
                self._answer([job])
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            future.set_result(answer)
