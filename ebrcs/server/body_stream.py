"""Hands the body of a request from the server to the application, as it arrives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

# The server stops reading while so many bytes wait for the application.
WAITING_MAX_BYTES = 128 * 2**10


class BodyStream:
    """What the application receives from; the server appends to it, and never waits.

    Pieces that wait are handed over as one, so that a body of a million tiny chunks costs few messages.
    """

    def __init__(
        self, *, begin: Callable[[], None], pause: Callable[[], None], resume: Callable[[], None]
    ) -> None:
        self.ended = False
        self._begin, self._pause, self._resume = begin, pause, resume
        self._begun = self._paused = self._end_told = self._disconnected = False
        self._waiting = bytearray()
        self._changed = asyncio.Event()

    def append(self, data: bytes) -> None:
        """Take what has arrived."""
        self._waiting += data
        if not self._paused and len(self._waiting) >= WAITING_MAX_BYTES:
            self._paused = True
            self._pause()
        self._changed.set()

    def end(self) -> None:
        """Note that the body is complete."""
        self.ended = True
        self._changed.set()

    def put_nowait(self, message: dict[str, Any]) -> None:
        """Take a message of daphne, which sees no body here, but sees the client go."""
        if message["type"] == "http.disconnect":
            self._disconnected = True
            self._changed.set()

    async def receive(self) -> dict[str, Any]:
        """Return the next message to the application."""
        if not self._begun:
            self._begun = True
            self._begin()
        while not (self._disconnected or self._waiting or (self.ended and not self._end_told)):
            self._changed.clear()
            await self._changed.wait()
        if self._disconnected:
            return {"type": "http.disconnect"}
        body, self._waiting = bytes(self._waiting), bytearray()
        self._end_told = self.ended
        if self._paused:
            self._paused = False
            self._resume()
        return {"type": "http.request", "body": body, "more_body": not self.ended}
