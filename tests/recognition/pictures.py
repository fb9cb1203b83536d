"""Photos that a thumbnail tells apart easily."""

from __future__ import annotations

import numpy as np

from recognition.services import Upload
from recognition.vision.types import Image
from tests.pictures import encoded


def picture(number: int) -> Image:
    """Draw a picture of 8 x 8 random tiles: uint8 (64, 64, 3), the same for the same number."""
    tiles = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
    return np.kron(tiles, np.ones((8, 8, 1), np.uint8))


def photo_bytes(number: int) -> bytes:
    """Return the picture as a PNG file."""
    return encoded(picture(number), "PNG")


def upload(number: int) -> Upload:
    """Return the picture as a client would send it."""
    return Upload(filename=f"{number}.png", data=photo_bytes(number))
