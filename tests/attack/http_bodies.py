"""Bodies that are large, slow, or made to be parsed slowly."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import suppress

from tests.attack.attacks import REFUSALS, Target, attack
from tests.attack.report import STALL_MAX_MS, Goal
from tests.attack.wire import Caller, answer_read

MB = 2**20
FORM = "application/x-www-form-urlencoded"
BOUNDARY = "x"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
SLOW_CONNECTIONS = 400
SLOW_CUT_S = 20.0  # how long a request may take to arrive; the attack goes on for as long
ENDLESS_BYTES = 1_500 * MB
REFUSED = Goal(stall_max_ms=STALL_MAX_MS, memory_max_mb=64.0, disk_max_mb=16.0, answers=REFUSALS)


def part(name: str, content: bytes, filename: str = "") -> bytes:
    """Return one part of a form."""
    file = f'; filename="{filename}"\r\nContent-Type: image/jpeg' if filename else ""
    return (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode()
        + content
        + b"\r\n"
    )


def form(*parts: bytes) -> bytes:
    """Return a whole form."""
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


async def post_again(
    target: Target, caller: Caller, path: str, body: bytes, kind: str, *, together: int = 2
) -> None:
    """Post a body again and again."""
    await target.begin()
    await target.repeat(lambda: caller.ask("POST", path, body, content_type=kind), together=together)


@attack("10 MB of & as a form", REFUSED)
async def ampersands(target: Target) -> None:
    """Ten million empty fields, for a parser that looks at each."""
    await post_again(target, target.caller(), "/healthz", b"&" * (10 * MB), FORM)


@attack("10 MB of newlines as multipart", REFUSED)
async def newlines(target: Target) -> None:
    """Ten million lines, none of which is a boundary."""
    await post_again(target, target.caller(), "/healthz", b"\n" * (10 * MB), MULTIPART)


@attack("100 MB multipart without login", REFUSED)
async def multipart_large(target: Target) -> None:
    """A file nobody asked for."""
    body = form(part("images", os.urandom(MB) * 100, "a.jpg"))
    await post_again(target, target.caller(), "/api/products", body, MULTIPART, together=1)


@attack(
    "28 MB registration by an admin",
    Goal(stall_max_ms=STALL_MAX_MS, memory_max_mb=200.0, answers=frozenset({"201", "400", "429"})),
)
async def registration(target: Target) -> None:
    """What an admin may send: two files of 14 MB; no pictures, so that only reading them is measured."""
    photos = [part("images", os.urandom(14 * MB), f"{number}.jpg") for number in range(2)]
    body = form(part("name", b"Heavy"), *photos)
    await post_again(target, target.caller(token=target.admin), "/api/products", body, MULTIPART, together=1)


@attack("1.5 GB to /healthz", REFUSED)
async def endless(target: Target) -> None:
    """A body that fills memory or disk before anybody looks at it."""
    caller, piece = target.caller(), bytes(MB)
    await target.begin()

    def parts() -> Iterator[bytes]:
        yield caller.head(
            "POST", "/healthz", Content_Type="application/octet-stream", Content_Length=ENDLESS_BYTES
        )
        for _ in range(ENDLESS_BYTES // MB):
            if not target.goes_on():
                return
            yield piece

    with suppress(TimeoutError):
        async with asyncio.timeout(target.seconds):
            await target.repeat(lambda: caller.exchange(parts()), together=1)


@attack("400 slow bodies", Goal(memory_max_mb=64.0, answers=REFUSALS))
async def slow(target: Target) -> None:
    """Connections that send a byte a second and never finish; all are to be cut before the time is up."""
    caller = target.caller()
    head = caller.head("POST", "/api/auth/login", Content_Type="application/json", Content_Length=1000)
    held_s: list[float] = []

    async def drip() -> None:
        opened_s = time.monotonic()
        try:
            reader, writer = await caller.connect()
        except OSError:
            target.answers["refused"] += 1
            return
        answer = asyncio.create_task(answer_read(reader))
        with suppress(OSError):
            writer.write(head)
            while target.goes_on() and not answer.done():
                writer.write(b" ")
                await writer.drain()
                await asyncio.wait([answer], timeout=1.0)
        target.answers[answer.result()[0] if answer.done() else "still open"] += 1
        held_s.append(time.monotonic() - opened_s)
        answer.cancel()
        writer.transport.abort()

    target.seconds = max(target.seconds, SLOW_CUT_S)
    await target.begin()
    await asyncio.gather(*(drip() for _ in range(SLOW_CONNECTIONS)))
    if held_s:
        target.notes.append(f"the longest held for {max(held_s):.0f} s")
