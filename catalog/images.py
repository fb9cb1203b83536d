"""Uploaded photos: checked by their content before they are decoded, and stored as clean JPEGs."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import ClassVar

from django.conf import settings
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from catalog.pictures.pixels import picture_decode
from catalog.pictures.structure import (
    KEPT_BYTES_MAX,
    PADDING,
    PictureDamaged,
    PictureTooComplex,
    Structure,
    structure_read,
)
from catalog.text import text_clean
from ebrcs.errors import EbrcsError

PHOTO_SIDE_MAX_PX = 1600
PHOTO_SIDE_MIN_PX = 32
PHOTO_ASPECT_MAX = 20
JPEG_QUALITY = 90
# Each pass of a progressive JPEG takes time in proportion to its pixels, but as little as 50 bytes.
PHOTO_SCANS_MAX = 24
PHOTO_SCANNED_PIXELS_MAX = 600_000_000
FILENAME_MAX_CHARACTERS = 100
DECODES_AT_ONCE = 2
DECODE_PATIENCE_S = 3.0
"""How many photos a process decodes at once, and how long another waits for its turn. The largest take some
300 MiB and a second each."""
decodes = threading.BoundedSemaphore(DECODES_AT_ONCE)


class PhotoRefused(EbrcsError):
    """A photo that cannot be used; names the file, the fault and what is allowed."""

    code: ClassVar[str] = "bad_image"
    title: ClassVar[str] = "A photo cannot be used"

    def __init__(self, filename: str, reason: str, **data: object) -> None:
        super().__init__(f"{filename}: {reason}", filename=filename, **data)


class PhotoTooLarge(PhotoRefused):
    """A photo with too many bytes or pixels, in the file or once decoded."""

    code: ClassVar[str] = "image_too_large"
    status: ClassVar[int] = 413
    title: ClassVar[str] = "A photo is too large"


class PhotosBusy(EbrcsError):
    """Other photos are being decoded, and took longer than a photo waits for its turn."""

    code: ClassVar[str] = "photos_busy"
    status: ClassVar[int] = 503
    title: ClassVar[str] = "Other photos are being processed"


@dataclass(frozen=True)
class Photo:
    """An accepted photo: `content` is the JPEG to be stored, `sha256` its hash."""

    content: bytes
    sha256: str
    width: int
    height: int
    filename: str


def photo_read(data: bytes, *, filename: str) -> Photo:
    """Check an uploaded photo and re-encode it as a JPEG: upright, on white, without any metadata.

    Size and structure are checked before a pixel is decoded. Of an animation the first picture is taken.
    What follows the picture is dropped if it is what phones append, and refused otherwise: a file must not
    be two things at once. Only `DECODES_AT_ONCE` are decoded at the same time.

    Raises
    ------
    PhotoRefused, PhotoTooLarge
        When the photo cannot be used.
    PhotosBusy
        When its turn to be decoded does not come in time.
    """
    filename = text_clean(filename)[:FILENAME_MAX_CHARACTERS] or "photo"
    image = picture_read(data, filename=filename, side_max_px=PHOTO_SIDE_MAX_PX)
    with BytesIO() as file:
        image.save(file, "JPEG", quality=JPEG_QUALITY, optimize=True)
        content = file.getvalue()
    return Photo(content, hashlib.sha256(content).hexdigest(), image.width, image.height, filename)


def picture_read(data: bytes, *, filename: str, side_max_px: int) -> Image.Image:
    """Check an uploaded picture as `photo_read` does, and decode it: upright, RGB, on white.

    Parameters
    ----------
    side_max_px : longest side of the result
    """
    if len(data) > settings.IMAGE_MAX_BYTES:
        limit = settings.IMAGE_MAX_BYTES
        raise PhotoTooLarge(filename, f"{len(data)} bytes; up to {limit} are allowed.", limit=limit)
    try:
        structure = structure_checked(data, filename)
        with decode_turn():
            image = picture_decode(structure, side_max_px=side_max_px)
    except PictureTooComplex as error:
        raise PhotoRefused(filename, f"the picture is too complex: {error}.") from error
    except PictureDamaged as error:
        raise PhotoRefused(filename, f"the picture is damaged: {error}.") from error
    return image


@contextmanager
def decode_turn() -> Iterator[None]:
    """Wait for a turn to decode; raise `PhotosBusy` where none comes within `DECODE_PATIENCE_S`."""
    if not decodes.acquire(timeout=DECODE_PATIENCE_S):
        raise PhotosBusy(
            f"{DECODES_AT_ONCE} photos are decoded at the same time. Try again in a moment.", retry_after_s=2
        )
    try:
        yield
    finally:
        decodes.release()


def photo_pixels(content: bytes) -> Image.Image:
    """Decode a photo that `photo_read` made; RGB."""
    with JpegImageFile(BytesIO(content)) as opened:
        return opened.convert("RGB")


def structure_checked(data: bytes, filename: str) -> Structure:
    """Take a file apart and check it against every limit; raises `PictureDamaged` where it cannot be read."""
    found = structure_read(data)
    if found is None:
        reason = "the file is empty." if not data else "this is not a JPEG, PNG or WebP."
        raise PhotoRefused(filename, reason, allowed=["JPEG", "PNG", "WebP"])
    pixels = found.width * found.height
    size = f"{found.width} x {found.height} pixels"
    if pixels > settings.IMAGE_MAX_PIXELS:
        limit = settings.IMAGE_MAX_PIXELS
        raise PhotoTooLarge(filename, f"{size}; up to {limit} pixels are allowed.", limit=limit)
    if found.decoded_bytes > settings.IMAGE_MAX_DECODED_BYTES:
        limit = settings.IMAGE_MAX_DECODED_BYTES
        reason = (
            f"{size}, {found.decoded_bytes} bytes once decoded; up to {limit} are allowed for {found.format}"
        )
        raise PhotoTooLarge(filename, f"{reason}, larger pictures as JPEG.", limit=limit)
    if found.kept_bytes > KEPT_BYTES_MAX:
        reason = f"{size} in several passes take {found.kept_bytes} bytes; up to {KEPT_BYTES_MAX} are allowed"
        raise PhotoTooLarge(filename, f"{reason}, larger pictures as baseline JPEG.", limit=KEPT_BYTES_MAX)
    shortest, longest = sorted((found.width, found.height))
    if shortest < PHOTO_SIDE_MIN_PX:
        reason = f"{size}; each side needs at least {PHOTO_SIDE_MIN_PX}."
        raise PhotoRefused(filename, reason, limit=PHOTO_SIDE_MIN_PX)
    if longest > shortest * PHOTO_ASPECT_MAX:
        reason = f"{size}; one side may be up to {PHOTO_ASPECT_MAX} times the other."
        raise PhotoRefused(filename, reason, limit=PHOTO_ASPECT_MAX)
    if found.scans > PHOTO_SCANS_MAX or found.scans * pixels > PHOTO_SCANNED_PIXELS_MAX:
        raise PhotoRefused(filename, f"decoding it takes {found.scans} passes, which is too many.")
    if not trailing_known(found.trailing):
        raise PhotoRefused(filename, f"{len(found.trailing)} unknown bytes follow the picture.")
    return found


def trailing_known(trailing: bytes) -> bool:
    """Whether what follows a picture is padding, or what phones append.

    Phones append a second JPEG (depth or gain map), the video of a motion photo, and Samsung's list of such
    parts.
    """
    rest = trailing.strip(PADDING)
    return (
        not rest
        or trailing.startswith(b"\xff\xd8\xff")
        or trailing[4:8] == b"ftyp"
        or (rest.endswith(b"SEFT") and b"SEFH" in rest)
    )
