"""Reads the structure of a picture file before a pixel is decoded, and cuts off what is not the picture."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Literal

import numpy as np

Format = Literal["JPEG", "PNG", "WEBP"]
SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".webp"))
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# What the pixels need; text, colour profiles and camera data are dropped before the decoder sees them.
PNG_KEPT = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))
PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
CHUNK_HEAD = struct.Struct(">I4s")

CHUNKS_MAX = 10_000
SEGMENTS_MAX = 1_000
"""Each is a step of Python, and an empty one takes 12 bytes or 4. Encoders write 8 KiB and more at a time:
the largest upload, 20 MiB, has 2,560 chunks of that size, or 320 segments of 64 KiB."""

JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Baseline, extended and progressive. Lossless ones cannot be decoded reduced, arithmetic ones take long, and
# no browser shows either.
JPEG_FRAMES_DECODED = frozenset((0xC0, 0xC1, 0xC2))
JPEG_PROGRESSIVE = 0xC2
JPEG_START_OF_SCAN, JPEG_END, JPEG_EXIF, JPEG_COMMENT = 0xDA, 0xD9, 0xE1, 0xFE
# JFIF and Adobe say how the colours are stored; every other application segment is dropped.
JPEG_DROPPED = (frozenset(range(0xE0, 0xF0)) - {0xE0, 0xEE}) | {JPEG_COMMENT}
JPEG_MARKER = re.compile(rb"\xff++([^\xff])")  # with the fill bytes before it
# In the coded picture FF is escaped as FF 00, and restart markers are FF D0..D7: any other FF xx is a marker.
JPEG_ENDS_SCAN = np.ones(256, np.bool_)
JPEG_ENDS_SCAN[[0x00, *range(0xD0, 0xD8), 0xFF]] = False
SCAN_STEP_BYTES = 4096
COEFFICIENT_BYTES = 2
KEPT_BYTES_MAX = 150_000_000
"""Of a JPEG decoded in several passes: 25 megapixels in full colour, 50 with colour at half the size."""
ORIENTATION_TAG = 0x0112
EXIF_ENTRIES_MAX = 512
# What some cameras pad a file with.
PADDING = b"\x00\xff \r\n\t"


class PictureDamaged(ValueError):
    """The file does not follow its own format; the text says how."""


class PictureTooComplex(PictureDamaged):
    """The file has more parts than anything but an attack has."""


@dataclass
class Structure:
    """A picture file taken apart before a pixel is decoded.

    Attributes
    ----------
    exif : the first EXIF block
    scans : passes a decoder makes over a JPEG
    pixel_bytes : of a decoded pixel of a PNG or WebP: Pillow holds 4, and 16 bits a channel take up to 8
    coefficients : numbers per pixel that a decoder keeps between the passes of a JPEG, at its full size
    picture : what a decoder needs
    trailing : what follows the picture
    """

    format: Format
    width: int = 0
    height: int = 0
    exif: bytes = b""
    scans: int = 1
    pixel_bytes: int = 4
    coefficients: float = 0.0
    progressive: bool = False
    picture: bytes = b""
    trailing: bytes = b""

    @property
    def orientation(self) -> int:
        """The orientation that EXIF states, 1 to 8."""
        return orientation_read(self.exif)

    @property
    def decoded_bytes(self) -> int:
        """Bytes of the whole decoded picture; 0 for a JPEG, which is decoded reduced."""
        return 0 if self.format == "JPEG" else self.width * self.height * self.pixel_bytes

    @property
    def kept_bytes(self) -> int:
        """Bytes a decoder keeps between the passes of a JPEG; 0 for a picture decoded in one pass."""
        if not self.progressive and self.scans == 1:
            return 0
        return int(self.width * self.height * self.coefficients * COEFFICIENT_BYTES)


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
    for _ in range(SEGMENTS_MAX):
        position, marker = jpeg_marker_find(data, position)
        if marker == JPEG_END:
            break
        (length,) = struct.unpack_from(">H", data, position + 2)
        end = position + 2 + length
        if length < 2 or end > len(data):
            raise PictureDamaged("a segment is longer than the file")
        jpeg_segment_note(found, marker, data[position + 4 : end])
        if marker == JPEG_START_OF_SCAN:
            end = scan_end_find(data, end)
        if marker not in JPEG_DROPPED:
            kept.append(data[position:end])
        position = end
    else:
        raise PictureTooComplex(f"it has more than {SEGMENTS_MAX} segments")
    if found.scans == 0:
        raise PictureDamaged("it holds no picture")
    found.picture = b"".join([*kept, b"\xff\xd9"])
    found.trailing = data[position + 2 :]
    return found


def jpeg_marker_find(data: bytes, position: int) -> tuple[int, int]:
    """Return where the next marker begins and which it is, skipping the fill bytes before it."""
    found = JPEG_MARKER.match(data, position)
    if found is None:
        at_end = len(data) - position < 2 or data[position] == 0xFF
        raise PictureDamaged("it ends in the middle" if at_end else "it has bytes where a marker belongs")
    return found.end() - 2, found[1][0]


def scan_end_find(data: bytes, position: int) -> int:
    """Return where the coded picture ends that begins at `position`.

    A file may consist of escaped FFs, at each of which a regular expression would stop; this looks at all
    bytes of a growing block at once.
    """
    step = SCAN_STEP_BYTES
    while position < len(data) - 1:
        block = np.frombuffer(data, np.uint8, count=min(step, len(data) - position), offset=position)
        ends = (block[:-1] == 0xFF) & JPEG_ENDS_SCAN[block[1:]]
        if ends.any():
            return position + int(ends.argmax())
        position += len(ends)
        step *= 2
    raise PictureDamaged("it ends in the middle")


def jpeg_segment_note(found: Structure, marker: int, body: bytes) -> None:
    """Note what a segment states: size, orientation, or one more scan."""
    if marker in JPEG_FRAMES:
        if found.width:
            raise PictureDamaged("it states its size twice")
        if marker not in JPEG_FRAMES_DECODED:
            raise PictureDamaged("only baseline and progressive JPEGs are decoded")
        found.height, found.width = struct.unpack_from(">HH", body, 1)
        found.coefficients = coefficients_count(body)
        found.progressive = marker == JPEG_PROGRESSIVE
    elif marker == JPEG_EXIF and body.startswith(b"Exif\0\0"):
        found.exif = found.exif or body[6:]
    elif marker == JPEG_START_OF_SCAN:
        found.scans += 1


def coefficients_count(frame: bytes) -> float:
    """Return how many coefficients per pixel a JPEG has: 3 in full colour, 1.5 with colour at half size."""
    factors = [(sampling >> 4, sampling & 15) for sampling in frame[7 : 6 + 3 * frame[5] : 3]]
    if not factors or not all(width and height for width, height in factors):
        raise PictureDamaged("it states no sampling")
    widest, tallest = (max(sides) for sides in zip(*factors, strict=True))
    return float(sum(width * height for width, height in factors) / (widest * tallest))


def png_read(data: bytes) -> Structure:
    """Walk the chunks of a PNG to its end chunk."""
    found = Structure("PNG")
    kept = [PNG_SIGNATURE]
    position = len(PNG_SIGNATURE)
    for _ in range(CHUNKS_MAX):
        length, kind = CHUNK_HEAD.unpack_from(data, position)
        body_start, end = position + 8, position + 12 + length
        if end > len(data):
            raise PictureDamaged("it ends in the middle")
        if (kind == b"IHDR") != (found.width == 0):
            raise PictureDamaged("it does not begin with exactly one header")
        if kind == b"IHDR":
            found.width, found.height, depth, colours = struct.unpack_from(">IIBB", data, body_start)
            found.pixel_bytes = max(4, PNG_CHANNELS.get(colours, 4) * depth // 8)
        elif kind == b"eXIf":
            found.exif = found.exif or data[body_start : end - 4]
        if kind in PNG_KEPT:
            kept.append(data[position:end])
        position = end
        if kind == b"IEND":
            break
    else:
        raise PictureTooComplex(f"it has more than {CHUNKS_MAX} chunks")
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
            found.exif = found.exif or body.removeprefix(b"Exif\0\0")
    found.picture, found.trailing = data[:stop], data[stop:]
    return found


def webp_chunks(data: bytes, stop: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and the body of each chunk."""
    position = 12
    for number in count():
        if position + 8 > stop:
            return
        if number == CHUNKS_MAX:
            raise PictureTooComplex(f"it has more than {CHUNKS_MAX} chunks")
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
        for entry in range(min(entries, EXIF_ENTRIES_MAX)):
            tag, _kind, _count, value = struct.unpack_from(f"{order}HHIH", tiff, offset + 2 + 12 * entry)
            if tag == ORIENTATION_TAG:
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1
