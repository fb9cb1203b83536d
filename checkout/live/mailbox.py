"""Hands frames from a socket to its worker: one slot, in which the newest frame wins."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


@dataclass
class Frame:
    """A frame as received; `Mailbox.renew` may replace it until its work begins.

    Attributes
    ----------
    number : its number among the socket's binary messages, from 1
    received_s : when it was received, on the clock of the caller of `put`
    dropped : frames replaced since the last one that was worked on
    """

    number: int
    data: bytes
    received_s: float
    dropped: int


class Mailbox:
    """Holds at most one frame, so that a slow worker sees fresh frames and a fast client costs no memory.

    Belongs to one event loop; every frame put in is either taken or counted in `dropped` of a later one.
    """

    def __init__(self) -> None:
        self._slot: tuple[int, bytes, float] | None = None
        self._filled = asyncio.Event()
        self._number = 0
        self._dropped = 0

    @property
    def is_full(self) -> bool:
        """Whether a frame waits to be taken."""
        return self._slot is not None

    def put(self, data: bytes, received_s: float) -> None:
        """Put a frame in; it replaces one not taken yet."""
        self._number += 1
        if self._slot is not None:
            self._dropped += 1
        self._slot = (self._number, data, received_s)
        self._filled.set()

    async def take(self) -> Frame:
        """Wait for a frame and take it."""
        while self._slot is None:
            self._filled.clear()
            await self._filled.wait()
        (number, data, received_s), self._slot = self._slot, None
        dropped, self._dropped = self._dropped, 0
        return Frame(number, data, received_s, dropped)

    def renew(self, frame: Frame) -> None:
        """Put the newest frame in place of one that waited since it was taken, which counts as dropped."""
        if self._slot is not None:
            (frame.number, frame.data, frame.received_s), self._slot = self._slot, None
            frame.dropped += self._dropped + 1
            self._dropped = 0
