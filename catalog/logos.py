"""The logos of stores: uploaded as any picture, stored small and clean."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO

from catalog.images import FILENAME_MAX_CHARACTERS, picture_read
from catalog.text import text_clean

LOGO_SIDE_MAX_PX = 512
PNG_BYTES_MAX = 2**17
"""Drawn logos are far smaller as a PNG; a photo of this size is not, and is stored as a JPEG."""
JPEG_QUALITY = 90


@dataclass(frozen=True)
class Logo:
    """An accepted logo: `name` is that of its file, made from the content."""

    name: str
    content: bytes


def logo_read(data: bytes, *, filename: str) -> Logo:
    """Check an uploaded logo by its content and re-encode it, on white and without any metadata.

    Raises what `catalog.images.photo_read` does.
    """
    filename = text_clean(filename)[:FILENAME_MAX_CHARACTERS] or "logo"
    image = picture_read(data, filename=filename, side_max_px=LOGO_SIDE_MAX_PX)
    with BytesIO() as file:
        image.save(file, "PNG", optimize=True)
        content, suffix = file.getvalue(), "png"
    if len(content) > PNG_BYTES_MAX:
        with BytesIO() as file:
            image.save(file, "JPEG", quality=JPEG_QUALITY, optimize=True)
            content, suffix = file.getvalue(), "jpg"
    return Logo(f"{hashlib.sha256(content).hexdigest()[:32]}.{suffix}", content)
