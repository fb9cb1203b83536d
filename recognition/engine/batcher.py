"""One thread that answers the requests of many callers in batches, and answers every one of them."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from ebrcs import metrics
from ebrcs.background import Worker
from recognition.errors import EngineBusy, EngineNotReady

logger = logging.getLogger(__name__)

RequestT = TypeVar("RequestT")
AnswerT = TypeVar("AnswerT")

BATCH_SIZE = 16
QUEUE_SIZE = 64
GATHER_S = 0.002
"""How long a batch waits for company when the one before had some; a caller who is alone never waits."""


class Batcher(Worker, Generic[RequestT, AnswerT]):
    """Hands everything that is waiting to a function in one call, from a thread of its own.

    Each future completes: with its answer, with the exception of its own request, or with EngineNotReady when
    the batcher closes. When a batch fails, its requests are tried one by one, so that only the caller whose
    request is bad gets the error. Callers who have gone away (cancelled futures) are skipped.

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
        self._waiting: deque[tuple[RequestT, Future[AnswerT]]] = deque()
        self._last_batch = 0

    def submit(self, request: RequestT) -> Future[AnswerT]:
        """Queue a request.

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
            waiting = sum(self._size(other) for other, job in self._waiting if not job.cancelled())
            if waiting and waiting + self._size(request) > self._queue_size:
                raise EngineBusy(
                    f"{waiting} pictures wait already; at most {self._queue_size} may. Try again shortly.",
                    limit=self._queue_size,
                )
            self._waiting.append((request, future))
            metrics.QUEUE_PICTURES.set(waiting + self._size(request))
            self._changed.notify_all()
        return future

    def close(self) -> None:
        """Finish the batch in progress, refuse what waits, and stop the thread."""
        self._stopping.set()
        with self._changed:
            left, self._waiting = list(self._waiting), deque()
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
            weight = 0
            while self._waiting:
                weight += self._size(self._waiting[0][0])
                if batch and weight > self._batch_size:
                    break
                batch.append(self._waiting.popleft())
            metrics.QUEUE_PICTURES.set(sum(self._size(request) for request, _ in self._waiting))
            return batch

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
