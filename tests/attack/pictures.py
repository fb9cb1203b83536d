"""Small pictures that take long to decode, or long to look through."""

from __future__ import annotations

import asyncio
import io
import itertools
import struct
import time
import zlib
from contextlib import suppress

import numpy as np
from PIL import Image

from tests.attack.attacks import DECODED, REFUSALS, Target, attack
from tests.attack.http_bodies import MULTIPART, form, part
from tests.attack.report import STALL_MAX_MS, Goal, percentile
from tests.attack.wire import BINARY, seat, websocket_frame
from tests.pictures import encoded, jpeg, png_chunk

PNG_START = b"\x89PNG\r\n\x1a\n"
RGB, RGBA = 2, 6
ACCOUNTS = 8  # so that the rate of one shopper is not what stops an attack
BOMB = Goal(memory_max_mb=150.0, answers=REFUSALS | {"503"})
LONG_WINDED = Goal(stall_max_ms=STALL_MAX_MS, memory_max_mb=150.0, answers=DECODED)


def png_zeros(width: int, height: int, depth: int, colour: int, channels: int) -> bytes:
    """Return a PNG of nothing but zeros, compressed as far as it goes."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    row = b"\0" * (1 + width * channels * depth // 8)
    squeeze = zlib.compressobj(9)
    body = b"".join(squeeze.compress(row) for _ in range(height)) + squeeze.flush()
    return PNG_START + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")


def png_legal() -> bytes:
    """Return a PNG frame of some 190 kB that shows something: large, with little noise."""
    random = np.random.default_rng(5)
    tiles = np.kron(random.integers(0, 255, (45, 80, 3), np.uint8), np.ones((48, 48, 1), np.uint8))
    tiles[:240, :240] = random.integers(0, 255, (240, 240, 3), np.uint8)
    return encoded(tiles, "PNG")


def webp_lossless(side: int) -> bytes:
    """Return a lossless WebP of one colour."""
    with io.BytesIO() as file:
        Image.new("RGB", (side, side)).save(file, "WEBP", lossless=True, quality=0, method=0)
        return file.getvalue()


def png_of_empty_chunks(count: int) -> bytes:
    """Return a small PNG with a great many IDAT chunks that hold nothing."""
    whole = encoded(np.zeros((64, 64, 3), np.uint8), "PNG")
    start = whole.index(b"IDAT") - 4
    return whole[:start] + png_chunk(b"IDAT", b"") * count + whole[start:]


def jpeg_of_fill_bytes(count: int) -> bytes:
    """Return a JPEG with fill bytes before its first segment, as the format allows."""
    picture = jpeg()
    return picture[:2] + b"\xff" * count + picture[2:]


async def recognize(target: Target, picture: bytes, together: int = 4) -> None:
    """Ask again and again what a picture shows, each time with another account."""
    body = form(part("image", picture, "a.jpg"))
    turn = itertools.cycle(range(ACCOUNTS))
    took_ms: list[float] = []
    await target.begin()

    async def once() -> None:
        started_s = time.monotonic()
        await target.caller(next(turn)).ask("POST", "/api/recognize", body, content_type=MULTIPART)
        took_ms.append(1000 * (time.monotonic() - started_s))
        await asyncio.sleep(0.05)

    await target.repeat(once, together=together)
    target.notes.append(f"{len(picture) // 1000} kB, answered in {percentile(took_ms, 0.5):.0f} ms")


async def show(target: Target, picture: bytes) -> None:
    """Send a picture to a socket twice a second."""
    caller = target.caller(0)
    session = await caller.session()
    message = websocket_frame(BINARY, picture)
    await target.begin()
    while target.goes_on():
        with suppress(OSError):
            async with caller.socket(session, seat()) as socket:
                while target.goes_on():
                    await socket.send(message)
                    await asyncio.sleep(0.5)
                answered = ", ".join(f"{count} x {kind}" for kind, count in socket.seen.items())
                target.notes.append(answered)
        await asyncio.sleep(0.05)


@attack("16-bit RGBA PNG to /api/recognize", BOMB)
async def png_deep(target: Target) -> None:
    """49 megapixels of eight bytes each, in some 390 kB."""
    await recognize(target, png_zeros(7000, 7000, 16, RGBA, 4))


@attack("lossless WebP to /api/recognize", BOMB)
async def webp(target: Target) -> None:
    """49 megapixels in a format that cannot be decoded reduced."""
    await recognize(target, webp_lossless(7000))


@attack("25 megapixels on the socket", Goal(memory_max_mb=150.0))
async def frame_bomb(target: Target) -> None:
    """The largest frame that the pixels alone allow."""
    await show(target, png_zeros(5000, 5000, 8, RGB, 3))


@attack("1 MB of JPEG fill bytes to /api/recognize", LONG_WINDED)
async def fill_bytes(target: Target) -> None:
    """Bytes that a reader skips one by one."""
    await recognize(target, jpeg_of_fill_bytes(2**20))


@attack("50,000 empty PNG chunks to /api/recognize", LONG_WINDED)
async def empty_chunks(target: Target) -> None:
    """Chunks that a reader skips one by one."""
    await recognize(target, png_of_empty_chunks(50_000))


@attack("JPEG fill bytes on the socket", Goal(stall_max_ms=STALL_MAX_MS))
async def fill_bytes_shown(target: Target) -> None:
    """The same as a frame."""
    await show(target, jpeg_of_fill_bytes(1_000_000))
