"""Turns the bytes of one camera frame into pixels, or refuses them before they cost anything."""

from __future__ import annotations

import numpy as np
from PIL.Image import Resampling

from catalog.pictures.pixels import picture_decode
from catalog.pictures.structure import PADDING, PictureDamaged, Structure, structure_read
from recognition.vision.types import Image

MAX_BYTES = 1024 * 1024
MAX_PIXELS = 25_000_000
# Larger frames are handed on reduced: nothing after this step sees more, and boxes are relative.
MAX_SIDE_PX = 1600
MIN_SIDE_PX = 16
MAX_ASPECT = 20
# Usual progressive JPEGs make 10 passes. Each pass costs time in proportion to the pixels, while a crafted
# one needs some 50 bytes a pass: without a limit 1 MiB buys minutes of one processor.
MAX_SCANS = 24
MAX_SCANNED_PIXELS = 250_000_000


class BadFrame(ValueError):
    """A frame that is refused; ``code`` is stable, ``detail`` tells what was wrong and what is allowed."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def decode_frame(data: bytes, *, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS) -> Image:
    """Decode one JPEG, PNG or WebP.

    The file is judged by its content, its structure is walked to its end and its size checked before a
    pixel is decoded. Metadata and colour profiles are cut away first, so that the decoder meets nothing but
    the picture; an animation gives its first image. Data after the end of the picture is refused unless it
    is padding: a camera's frame has none, and a file that is two things at once has no business here.

    Parameters
    ----------
    data : the whole file
    max_bytes : largest file accepted
    max_pixels : largest width x height accepted

    Returns
    -------
    uint8 (h, w, 3), RGB, turned upright as EXIF says, transparency laid on white, contiguous; at most
    1600 px on the longer side

    Raises
    ------
    BadFrame
        With code ``empty``, ``too_large``, ``unsupported_format``, ``damaged``, ``too_many_pixels``,
        ``bad_dimensions``, ``too_complex`` or ``trailing_data``.
    """
    if len(data) > max_bytes:
        raise BadFrame("too_large", f"the picture has {len(data)} bytes; at most {max_bytes} are allowed")
    try:
        structure = structure_read(data)
        if structure is None:
            raise _unreadable(data)
        _check_limits(structure, max_pixels)
        image = picture_decode(structure, side_max_px=MAX_SIDE_PX, resampling=Resampling.BILINEAR)
    except PictureDamaged as error:
        raise BadFrame("damaged", f"the picture is damaged: {error}") from error
    return np.ascontiguousarray(np.asarray(image, dtype=np.uint8))


def _unreadable(data: bytes) -> BadFrame:
    if not data:
        return BadFrame("empty", "the picture has no bytes")
    return BadFrame("unsupported_format", "the picture is none of JPEG, PNG, WebP")


def _check_limits(structure: Structure, max_pixels: int) -> None:
    width, height = structure.width, structure.height
    if width * height > max_pixels:
        raise BadFrame(
            "too_many_pixels", f"the picture has {width} x {height} pixels; at most {max_pixels} are allowed"
        )
    if min(width, height) < MIN_SIDE_PX or max(width, height) > MAX_ASPECT * min(width, height):
        raise BadFrame(
            "bad_dimensions",
            f"the picture has {width} x {height} pixels; each side needs at least {MIN_SIDE_PX}, and "
            f"one may be at most {MAX_ASPECT} times the other",
        )
    if structure.scans > MAX_SCANS or structure.scans * width * height > MAX_SCANNED_PIXELS:
        raise BadFrame("too_complex", f"the JPEG takes {structure.scans} passes to decode")
    if structure.trailing.strip(PADDING):
        raise BadFrame("trailing_data", f"{len(structure.trailing)} bytes follow the end of the picture")
