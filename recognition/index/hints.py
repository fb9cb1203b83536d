"""Hints that the log has grown: faster than the poll of the replicas, and never a guarantee."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Protocol

from asgiref.sync import async_to_sync
from channels.layers import ChannelLayerManager, InMemoryChannelLayer, get_channel_layer
from django.db import transaction

from ebrcs.background import Worker, thread_start
from ebrcs.tasks import tasks_end

logger = logging.getLogger(__name__)

INDEX_GROUP = "index"
LOCAL_WAIT_S = 2.0
RETRY_S = 5.0
RENEWAL_S = 3600.0
"""The Redis layer forgets who is in a group after a day."""


class Subscriber(Protocol):
    """A replica of this process."""

    @property
    def is_running(self) -> bool:
        """Whether its thread applies the log."""
        ...

    def hint(self, seq: int) -> None:
        """Note that the log reaches at least `seq`; returns at once."""
        ...

    def wait_for(self, seq: int, *, timeout_s: float) -> bool:
        """Wait until `seq` has been applied; False when the time was too short."""
        ...


_subscribers: list[Subscriber] = []
_subscribers_lock = threading.Lock()


def subscribe(subscriber: Subscriber) -> None:
    """Have `index_changed` in this process hint a replica and wait for it."""
    with _subscribers_lock:
        _subscribers.append(subscriber)


def unsubscribe(subscriber: Subscriber) -> None:
    """End a subscription; harmless where there is none."""
    with _subscribers_lock, suppress(ValueError):
        _subscribers.remove(subscriber)


def index_changed(*, seq: int) -> None:
    """Hint all replicas, of this process and of others, once a sequence number is committed.

    The caller waits for the replicas of its own process, so that what was registered is recognized by the
    next call in this process. Failures are only logged: the change is committed, and every replica polls.
    """
    # No partial: Django logs a robust callback that fails by its qualified name, which a partial has not.
    transaction.on_commit(lambda: _hint_all(seq), robust=True)


def _hint_all(seq: int) -> None:
    if _layer_joins_processes():
        # In a thread, because a Redis that does not answer must not keep the shop keeper waiting.
        thread_start(partial(_hint_send, seq), name="index-hint")
    with _subscribers_lock:
        subscribers = [subscriber for subscriber in _subscribers if subscriber.is_running]
    for subscriber in subscribers:
        subscriber.hint(seq)
    deadline = time.monotonic() + LOCAL_WAIT_S
    for subscriber in subscribers:
        subscriber.wait_for(seq, timeout_s=max(0.0, deadline - time.monotonic()))


def _hint_send(seq: int) -> None:
    try:
        layer = get_channel_layer()
        assert layer is not None
        async_to_sync(layer.group_send)(INDEX_GROUP, {"type": "index.changed", "seq": seq})
    except Exception:
        logger.warning("could not tell other processes about index seq %d", seq, exc_info=True)


def _layer_joins_processes() -> bool:
    return not isinstance(get_channel_layer(), InMemoryChannelLayer | None)


class HintListener(Worker):
    """Receives the hints of other processes; without a channel layer between them it has nothing to do.

    Losing hints, or the layer itself, costs nothing but time: every replica polls.

    Parameters
    ----------
    on_hint : called with the sequence number of each hint
    """

    name = "index-hints"
    fails_message = "no hints from other processes; polling goes on"
    fails_level = logging.WARNING

    def __init__(self, on_hint: Callable[[int], None]) -> None:
        super().__init__(retry_s=RETRY_S)
        self._on_hint = on_hint
        self._is_listening = threading.Event()
        self._loop: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def start(self) -> None:
        """Begin to listen, where there is a layer that joins processes."""
        if _layer_joins_processes():
            super().start()

    def wait_until_listening(self, *, timeout_s: float) -> bool:
        """Wait until hints can arrive; False when the time was too short."""
        return self._is_listening.wait(timeout_s)

    def stop(self) -> None:
        """Stop listening and close the connection to the layer."""
        self._stopping.set()
        if self._loop is not None:
            loop, stop = self._loop
            with suppress(RuntimeError):  # the loop has ended by itself
                loop.call_soon_threadsafe(stop.set)
        super().stop()

    def work(self) -> None:
        """Listen until stopped."""
        asyncio.run(self._listen())

    async def _listen(self) -> None:
        # A layer of its own, because one layer receives on one event loop only and the server's is another.
        layer = ChannelLayerManager()["default"]
        channel = await layer.new_channel()
        stop = asyncio.Event()
        self._loop = (asyncio.get_running_loop(), stop)
        stopped = asyncio.create_task(stop.wait())
        try:
            while not (stopped.done() or self._stopping.is_set()):
                await layer.group_add(INDEX_GROUP, channel)
                self._failures.clear()
                self._is_listening.set()
                received = asyncio.create_task(layer.receive(channel))
                await asyncio.wait(
                    {received, stopped}, timeout=RENEWAL_S, return_when=asyncio.FIRST_COMPLETED
                )
                if received.done():
                    self._on_hint(int(received.result()["seq"]))
                else:
                    await tasks_end([received])
        finally:
            self._is_listening.clear()
            stopped.cancel()
            await layer.group_discard(INDEX_GROUP, channel)
