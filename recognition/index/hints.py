"""Hearing from other processes that the log has grown, where a channel layer carries the word."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from channels.layers import ChannelLayerManager, InMemoryChannelLayer, get_channel_layer

from recognition.index.announcement import INDEX_GROUP

logger = logging.getLogger(__name__)

RETRY_S = 5.0
RENEWAL_S = 3600.0
"""The Redis layer forgets who is in a group after a day."""


class HintListener:
    """A thread that passes hints on; without a channel layer between processes it has nothing to do.

    Losing hints, or the layer itself, costs nothing but time: every replica polls.

    Parameters
    ----------
    heard : called with the sequence number of each hint
    """

    def __init__(self, heard: Callable[[int], None]) -> None:
        self._heard = heard
        self._stopping = threading.Event()
        self._listening = threading.Event()
        self._awake: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._thread = threading.Thread(target=self._run, name="index-hints", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        if not isinstance(get_channel_layer(), InMemoryChannelLayer | None):
            self._thread.start()

    def wait_until_listening(self, *, timeout_s: float) -> bool:
        """Wait until hints are heard; False when the time was too short."""
        return self._listening.wait(timeout_s)

    def stop(self) -> None:
        """Stop listening and close the connection."""
        self._stopping.set()
        if self._awake is not None:
            loop, awake = self._awake
            with suppress(RuntimeError):  # the loop has ended by itself
                loop.call_soon_threadsafe(awake.set)
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        warned = False
        while not self._stopping.is_set():
            try:
                asyncio.run(self._listen())
            except Exception as error:  # noqa: BLE001 - whatever the layer raises, the poll goes on
                if not warned:
                    logger.warning("no hints from other processes, polling goes on: %s", error)
                warned = True
                self._stopping.wait(RETRY_S)
            else:
                warned = False

    async def _listen(self) -> None:
        # A layer of its own, because one layer receives on one event loop only and the server's is another.
        layer = ChannelLayerManager()["default"]
        channel = await layer.new_channel()
        awake = asyncio.Event()
        self._awake = (asyncio.get_running_loop(), awake)
        stopped = asyncio.create_task(awake.wait())
        try:
            while not (stopped.done() or self._stopping.is_set()):
                await layer.group_add(INDEX_GROUP, channel)
                self._listening.set()
                received = asyncio.create_task(layer.receive(channel))
                await asyncio.wait(
                    {received, stopped}, timeout=RENEWAL_S, return_when=asyncio.FIRST_COMPLETED
                )
                if received.done():
                    self._heard(int(received.result()["seq"]))
                else:
                    received.cancel()
        finally:
            self._listening.clear()
            stopped.cancel()
            await layer.group_discard(INDEX_GROUP, channel)
