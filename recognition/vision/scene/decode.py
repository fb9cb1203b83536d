"""Turns the bytes of one camera frame into pixels, or refuses them before they cost anything."""

from __future__ import annotations

import numpy as np
from PIL.Image import Resampling

from catalog.pictures.pixels import picture_decode
from catalog.pictures.structure import (
    KEPT_BYTES_MAX,
    PADDING,
    PictureDamaged,
    PictureTooComplex,
    Structure,
    structure_read,
)
from recognition.vision.types import Image

FRAME_MAX_BYTES = 2**20
FRAME_MAX_PIXELS = 25_000_000

FRAME_DECODED_MAX_BYTES = 2**25
"""Largest decoded PNG or WebP, which cannot be decoded reduced as a JPEG can: 8.4 megapixels at 8 bits a
channel; a screen of 3840 x 2160 has 8.3. The file limit bounds neither: 40 bytes of WebP make 25 megapixels,
which took 435 MiB."""

FRAME_SIDE_MAX_PX = 1600
"""Larger frames are reduced to this: nothing after this step sees more, and boxes are relative."""

FRAME_SIDE_MIN_PX = 16
FRAME_ASPECT_MAX = 20

FRAME_SCANS_MAX = 24
FRAME_SCANNED_PIXELS_MAX = 250_000_000
"""Passes of a progressive JPEG, and pixels decoded in all of them. Usual files make 10 passes. Each costs
time in proportion to the pixels, but a crafted one needs some 50 bytes a pass: without a limit 1 MiB buys
minutes of one processor."""


class BadFrame(ValueError):
    """A frame that is refused; ``code`` is stable, ``detail`` says what is wrong and what is allowed."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def decode_frame(
    data: bytes,
    *,
    max_bytes: int = FRAME_MAX_BYTES,
    max_pixels: int = FRAME_MAX_PIXELS,
    max_decoded_bytes: int = FRAME_DECODED_MAX_BYTES,
) -> Image:
    """Decode one JPEG, PNG or WebP.

    The file is judged by its content. Its structure is walked to the end and its size checked before a pixel
    is decoded. Metadata and colour profiles are cut away first, so that the decoder sees nothing but the
    picture; an animation gives its first image. Data after the end of the picture is refused unless it is
    padding: a camera's frame has none, and a file that is two things at once does not belong here.

    Parameters
    ----------
    data : the whole file
    max_bytes : largest file accepted
    max_pixels : largest width x height accepted
    max_decoded_bytes : largest PNG or WebP accepted, in bytes once decoded

    Returns
    -------
    uint8 (h, w, 3), RGB, turned upright as EXIF says, transparency replaced by white, contiguous; at most
    1600 px on the longer side

    Raises
    ------
    BadFrame
        With code ``empty``, ``too_large``, ``unsupported_format``, ``damaged``, ``too_many_pixels``,
        ``too_many_decoded_bytes``, ``bad_dimensions``, ``too_complex`` or ``trailing_data``.
    """
    if len(data) > max_bytes:
        raise BadFrame("too_large", f"the picture has {len(data)} bytes; at most {max_bytes} are allowed")
    try:
        structure = structure_read(data)
        if structure is None:
            raise _unreadable(data)
        _check_limits(structure, max_pixels, max_decoded_bytes)
        image = picture_decode(structure, side_max_px=FRAME_SIDE_MAX_PX, resampling=Resampling.BILINEAR)
    except PictureTooComplex as error:
        raise BadFrame("too_complex", f"the picture is too complex: {error}") from error
    except PictureDamaged as error:
        raise BadFrame("damaged", f"the picture is damaged: {error}") from error
    return np.ascontiguousarray(np.asarray(image, dtype=np.uint8))


def _unreadable(data: bytes) -> BadFrame:
    if not data:
        return BadFrame("empty", "the picture has no bytes")
    return BadFrame("unsupported_format", "the picture is none of JPEG, PNG, WebP")


def _check_limits(structure: Structure, max_pixels: int, max_decoded_bytes: int) -> None:
    width, height = structure.width, structure.height
    if width * height > max_pixels:
        raise BadFrame(
            "too_many_pixels", f"the picture has {width} x {height} pixels; at most {max_pixels} are allowed"
        )
    if structure.decoded_bytes > max_decoded_bytes:
        raise BadFrame(
            "too_many_decoded_bytes",
            f"the {structure.format} has {width} x {height} pixels, {structure.decoded_bytes} bytes once "
            f"decoded; at most {max_decoded_bytes} are allowed, or {max_pixels} pixels as a JPEG",
        )
    if min(width, height) < FRAME_SIDE_MIN_PX or max(width, height) > FRAME_ASPECT_MAX * min(width, height):
        raise BadFrame(
            "bad_dimensions",
            f"the picture has {width} x {height} pixels; each side needs at least {FRAME_SIDE_MIN_PX}, and "
            f"one may be at most {FRAME_ASPECT_MAX} times the other",
        )
    if structure.scans > FRAME_SCANS_MAX or structure.scans * width * height > FRAME_SCANNED_PIXELS_MAX:
        raise BadFrame("too_complex", f"the JPEG takes {structure.scans} passes to decode")
    if structure.kept_bytes > KEPT_BYTES_MAX:
        raise BadFrame(
            "too_complex",
            f"the JPEG takes {structure.kept_bytes} bytes between its passes; at most {KEPT_BYTES_MAX} are "
            "allowed, a baseline JPEG takes none",
        )
    if structure.trailing.strip(PADDING):
        raise BadFrame("trailing_data", f"{len(structure.trailing)} bytes follow the end of the picture")
