"""Pictures made for tests: every mode and container, and files that pretend."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def scene(width: int = 160, height: int = 120, seed: int = 0) -> Image.Image:
    """Return a picture whose quarters differ, so that every turn of it shows."""
    colours = np.random.default_rng(seed).integers(30, 226, (2, 2, 3), dtype=np.uint8)
    return Image.fromarray(colours).resize((width, height), Image.Resampling.NEAREST)


def encoded(picture: Image.Image | NDArray[np.uint8], kind: str = "JPEG", **options: Any) -> bytes:
    """Return a picture as the bytes of a file."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    with BytesIO() as file:
        image.save(file, kind, **options)
        return file.getvalue()


def jpeg(width: int = 160, height: int = 120, seed: int = 0) -> bytes:
    """Return a JPEG that differs by its seed."""
    return encoded(scene(width, height, seed), quality=95)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """Return one chunk with its checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_bomb(width: int = 100_000, height: int = 100_000) -> bytes:
    """Return a small file that states a huge size and inflates to zeros."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 10_000_000, 9)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", pixels)
        + png_chunk(b"IEND", b"")
    )


WEBP_BOMB = bytes.fromhex("524946461e000000574542505650384c110000002f87d3e10407508426f4a0ff8188e87f0000")
"""38 bytes of lossless WebP: 5000 x 5000 pixels of one colour."""
