"""Reads the structure of a picture file before a pixel is decoded, and cuts off what is not the picture."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Format = Literal["JPEG", "PNG", "WEBP"]
SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".webp"))
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# What the pixels need; text, colour profiles and camera data are dropped before the decoder sees them.
PNG_KEPT = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))
JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_START_OF_SCAN, JPEG_END, JPEG_EXIF, JPEG_COMMENT = 0xDA, 0xD9, 0xE1, 0xFE
# JFIF and Adobe say how the colours are stored; every other application segment is dropped.
JPEG_DROPPED = (frozenset(range(0xE0, 0xF0)) - {0xE0, 0xEE}) | {JPEG_COMMENT}
# In the coded picture FF is escaped as FF 00, and restart markers are FF D0..D7: any other FF xx is a marker.
JPEG_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
ORIENTATION_TAG = 0x0112
# What some cameras pad a file with.
PADDING = b"\x00\xff \r\n\t"


class PictureDamaged(ValueError):
    """The file does not follow its own format; the text says how."""


@dataclass
class Structure:
    """A picture file taken apart: `picture` is what a decoder needs, `trailing` what follows the picture.

    `scans` counts the passes a decoder makes over a progressive JPEG; `orientation` is that of EXIF, 1 to 8.
    """

    format: Format
    width: int = 0
    height: int = 0
    orientation: int = 1
    scans: int = 1
    picture: bytes = b""
    trailing: bytes = b""


def structure_read(data: bytes) -> Structure | None:
    """Take a file apart by its content; None if it is not JPEG, PNG or WebP.

    Raises
    ------
    PictureDamaged
        When the structure is broken, ends too early or states no size.
    """
    try:
        if data.startswith(b"\xff\xd8\xff"):
            found = jpeg_read(data)
        elif data.startswith(PNG_SIGNATURE):
            found = png_read(data)
        elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            found = webp_read(data)
        else:
            return None
    except (struct.error, IndexError) as error:
        raise PictureDamaged("it ends in the middle") from error
    if found.width < 1 or found.height < 1:
        raise PictureDamaged("it states no size")
    return found


def jpeg_read(data: bytes) -> Structure:
    """Walk the segments of a JPEG to its end mark."""
    found = Structure("JPEG", scans=0)
    kept = [data[:2]]
    position = 2
    while (marker := data[position + 1]) != JPEG_END or data[position] != 0xFF:
        if data[position] != 0xFF:
            raise PictureDamaged("it has bytes where a marker belongs")
        if marker == 0xFF:  # padding before a marker
            position += 1
            continue
        (length,) = struct.unpack_from(">H", data, position + 2)
        end = position + 2 + length
        if length < 2 or end > len(data):
            raise PictureDamaged("a segment is longer than the file")
        jpeg_segment_note(found, marker, data[position + 4 : end])
        if marker == JPEG_START_OF_SCAN:
            following = JPEG_NEXT_MARKER.search(data, end)
            if following is None:
                raise PictureDamaged("it ends in the middle")
            end = following.start()
        if marker not in JPEG_DROPPED:
            kept.append(data[position:end])
        position = end
    if found.scans == 0:
        raise PictureDamaged("it holds no picture")
    found.picture = b"".join([*kept, b"\xff\xd9"])
    found.trailing = data[position + 2 :]
    return found


def jpeg_segment_note(found: Structure, marker: int, body: bytes) -> None:
    """Note what a segment states: size, orientation, or one more scan."""
    if marker in JPEG_FRAMES:
        if found.width:
            raise PictureDamaged("it states its size twice")
        found.height, found.width = struct.unpack_from(">HH", body, 1)
    elif marker == JPEG_EXIF and body.startswith(b"Exif\0\0"):
        found.orientation = orientation_read(body[6:])
    elif marker == JPEG_START_OF_SCAN:
        found.scans += 1


def png_read(data: bytes) -> Structure:
    """Walk the chunks of a PNG to its end chunk."""
    found = Structure("PNG")
    kept = [PNG_SIGNATURE]
    position, kind = len(PNG_SIGNATURE), b""
    while kind != b"IEND":
        (length,) = struct.unpack_from(">I", data, position)
        kind = data[position + 4 : position + 8]
        body_start, end = position + 8, position + 12 + length
        if end > len(data):
            raise PictureDamaged("it ends in the middle")
        if (kind == b"IHDR") != (found.width == 0):
            raise PictureDamaged("it does not begin with exactly one header")
        if kind == b"IHDR":
            found.width, found.height = struct.unpack_from(">II", data, body_start)
        elif kind == b"eXIf":
            found.orientation = orientation_read(data[body_start : end - 4])
        if kind in PNG_KEPT:
            kept.append(data[position:end])
        position = end
    found.picture = b"".join(kept)
    found.trailing = data[position:]
    return found


def webp_read(data: bytes) -> Structure:
    """Walk the chunks of a WebP to the length its header states."""
    found = Structure("WEBP")
    stop = 8 + int(struct.unpack_from("<I", data, 4)[0])
    if stop > len(data):
        raise PictureDamaged("it ends in the middle")
    for kind, body in webp_chunks(data, stop):
        if not found.width:
            found.width, found.height = webp_size(kind, body)
        if kind == b"EXIF":
            found.orientation = orientation_read(body.removeprefix(b"Exif\0\0"))
    found.picture, found.trailing = data[:stop], data[stop:]
    return found


def webp_chunks(data: bytes, stop: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and the body of each chunk."""
    position = 12
    while position + 8 <= stop:
        kind = data[position : position + 4]
        (length,) = struct.unpack_from("<I", data, position + 4)
        if position + 8 + length > stop:
            raise PictureDamaged("a chunk is longer than the file")
        yield kind, data[position + 8 : position + 8 + length]
        position += 8 + length + length % 2


def webp_size(kind: bytes, body: bytes) -> tuple[int, int]:
    """Return width and height where this kind of chunk states them, else zeros."""
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L" and body[:1] == b"\x2f":
        (bits,) = struct.unpack_from("<I", body, 1)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0


def orientation_read(tiff: bytes) -> int:
    """Return the orientation (1 to 8) in an EXIF block; 1 where that is damaged, which spoils no picture."""
    order = "<" if tiff[:2] == b"II" else ">"
    try:
        (offset,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, offset)
        for entry in range(entries):
            tag, _kind, _count, value = struct.unpack_from(f"{order}HHIH", tiff, offset + 2 + 12 * entry)
            if tag == ORIENTATION_TAG:
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1
