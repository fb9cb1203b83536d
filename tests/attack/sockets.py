"""One shopper's sockets against everybody else's."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from tests.attack.attacks import Target, attack
from tests.attack.pictures import png_legal
from tests.attack.report import Goal
from tests.attack.wire import BINARY, CONTINUATION, PING, PONG, TEXT, Caller, Socket, seat, websocket_frame

BURST = 500
RECONNECTS = 2_000
RECONNECTING = 20
FLOODING_FRAMES = 200
STARVING = Goal()


async def play(
    target: Target, caller: Caller, session: str, frames: Sequence[bytes], per_second: float
) -> None:
    """Play frames to a socket of its own camera, and open another when it is closed."""
    messages = itertools.cycle([websocket_frame(BINARY, frame) for frame in frames])
    while target.goes_on():
        with suppress(OSError):
            async with caller.socket(session, seat()) as socket:
                due_s = time.monotonic()
                while target.goes_on():
                    await socket.send(next(messages))
                    due_s += 1 / per_second
                    await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        await asyncio.sleep(0.1)


async def play_many(target: Target, count: int, frames: Sequence[bytes], per_second: float) -> None:
    """Play to many sockets of one account."""
    caller = target.caller(0)
    sessions = [await caller.session() for _ in range(8)]
    await target.begin()
    await asyncio.gather(
        *(
            play(target, caller, sessions[number % len(sessions)], frames, per_second)
            for number in range(count)
        )
    )


@attack("8 sockets of 190 kB PNG frames", STARVING)
async def png_frames(target: Target) -> None:
    """Legal frames that take long to decode, just below the rate that is a flood."""
    await play_many(target, 8, [png_legal()], 25.0)


@attack("50 cameras at 2 frames/s", STARVING)
async def cameras(target: Target) -> None:
    """More cameras than a shopper has."""
    await play_many(target, 50, target.clip()[::5], 2.0)


@attack("200 sockets", STARVING)
async def many_sockets(target: Target) -> None:
    """Sockets that do little each."""
    await play_many(target, 200, target.clip()[::10], 0.5)


async def stream(target: Target, first: bytes, again: bytes) -> None:
    """Send bytes to one socket as fast as it takes them, and to another when it is closed."""
    caller = target.caller(0)
    session = await caller.session()
    sent, burst = 0, again * BURST
    await target.begin()
    while target.goes_on():
        with suppress(OSError):
            async with caller.socket(session, seat()) as socket:
                await socket.send(first)
                while target.goes_on():
                    await socket.send(burst)
                    sent += BURST
        await asyncio.sleep(0.05)
    target.notes.append(f"{sent} frames taken")


@attack("empty continuation frames", STARVING)
async def continuations(target: Target) -> None:
    """A message that never ends and never grows."""
    await stream(
        target, websocket_frame(TEXT, b"{", is_final=False), websocket_frame(CONTINUATION, is_final=False)
    )


@attack("1-byte fragments", STARVING)
async def fragments(target: Target) -> None:
    """A message that grows byte by byte."""
    await stream(
        target,
        websocket_frame(TEXT, b"{", is_final=False),
        websocket_frame(CONTINUATION, b" ", is_final=False),
    )


@attack("pings", STARVING)
async def pings(target: Target) -> None:
    """Questions that the protocol obliges to answer."""
    await stream(target, b"", websocket_frame(PING, b"x" * 125))


@attack("pongs", STARVING)
async def pongs(target: Target) -> None:
    """Answers that nobody asked for."""
    await stream(target, b"", websocket_frame(PONG))


async def reconnect(target: Target, use: Callable[[Socket], object], *, together: int, most: int) -> None:
    """Open sockets again and again."""
    caller = target.caller(0)
    session = await caller.session()
    left = iter(range(most))
    opened = 0

    async def one() -> None:
        nonlocal opened
        while target.goes_on() and next(left, None) is not None:
            with suppress(OSError):
                async with caller.socket(session, seat()) as socket:
                    opened += 1
                    use(socket)
                    await asyncio.sleep(0.01)

    await target.begin()
    await asyncio.gather(*(one() for _ in range(together)))
    target.notes.append(f"{opened} opened")


@attack("2,000 reconnects", STARVING)
async def reconnects(target: Target) -> None:
    """Sockets that are opened and left at once."""
    await reconnect(target, lambda socket: None, together=RECONNECTING, most=RECONNECTS)


@attack("a flooder who reconnects at once", STARVING)
async def flooder(target: Target) -> None:
    """Frames far above the rate, from whoever was just cut off for it."""
    flood = websocket_frame(BINARY, target.clip()[0]) * FLOODING_FRAMES
    caller = target.caller(0)
    session = await caller.session()
    await target.begin()

    async def once() -> None:
        with suppress(OSError):
            async with caller.socket(session, seat()) as socket:
                while target.goes_on():
                    await socket.send(flood)
        await asyncio.sleep(0.01)

    await target.repeat(once, together=2)
