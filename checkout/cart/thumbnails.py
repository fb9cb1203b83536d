"""Small pictures kept beside scan events, so that a line can be disputed."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE_MAX_PX = 160
QUALITY = 70


def thumbnail_make(picture: NDArray[np.uint8]) -> bytes:
    """Return an RGB picture as a JPEG of at most 160 px on the longer side."""
    image = Image.fromarray(picture)
    image.thumbnail((SIDE_MAX_PX, SIDE_MAX_PX))
    with BytesIO() as file:
        image.save(file, "JPEG", quality=QUALITY)
        return file.getvalue()
