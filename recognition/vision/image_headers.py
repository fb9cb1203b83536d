"""Reads what a JPEG, PNG or WebP says about itself without decoding a pixel, and keeps only the picture."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Format = Literal["JPEG", "PNG", "WEBP"]

# The entropy-coded part of a JPEG escapes 0xFF as FF00 and may hold restart markers D0..D7; anything else
# after FF (FF itself is padding) is the next marker.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_JPEG_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_EOI, _JPEG_SOS, _JPEG_EXIF = 0xD9, 0xDA, 0xE1
# JFIF and Adobe decide how colours are read; every other application segment and comment is dropped.
_JPEG_DROPPED = (frozenset(range(0xE0, 0xF0)) - {0xE0, 0xEE}) | {0xFE}
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))
_ORIENTATION_TAG = 0x0112
_PADDING = b"\x00\xff \r\n\t"


class BadFrame(ValueError):
    """A picture that is refused; ``code`` is stable, ``detail`` tells what was wrong and what is allowed."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class ImageInfo:
    """What a file is by its content: its format and its size in pixels, before any rotation."""

    format: Format
    width: int
    height: int


@dataclass(frozen=True)
class Container:
    """The walked file.

    Attributes
    ----------
    info : format and size
    orientation : EXIF orientation, 1..8; 1 where nothing valid is said
    scans : passes over the picture a decoder has to make (progressive JPEG), else 1
    picture : the file reduced to what its pixels need
    trailing : bytes that follow the end of the picture
    """

    info: ImageInfo
    orientation: int
    scans: int
    picture: bytes
    trailing: bytes


def sniff_image(data: bytes) -> ImageInfo:
    """Tell format and size by content alone.

    Raises
    ------
    BadFrame
        ``empty``, ``unsupported_format`` or ``damaged``.
    """
    return walk_image(data).info


def walk_image(data: bytes) -> Container:
    """Walk a file from its first byte to its end-of-image mark.

    Raises
    ------
    BadFrame
        ``empty``, ``unsupported_format``, or ``damaged`` where the structure breaks or ends too early.
    """
    if not data:
        raise BadFrame("empty", "the picture has no bytes")
    try:
        if data.startswith(b"\xff\xd8\xff"):
            return _walk_jpeg(data)
        if data.startswith(_PNG_SIGNATURE):
            return _walk_png(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _walk_webp(data)
    except (struct.error, IndexError) as error:
        raise BadFrame("damaged", "the picture ends in the middle") from error
    raise BadFrame("unsupported_format", "the picture is none of JPEG, PNG, WebP")


def foreign_trailing(trailing: bytes) -> bool:
    """Tell whether bytes after the picture are more than padding (some cameras fill up with 00 or FF)."""
    return bool(trailing.strip(_PADDING))


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, first byte, byte after) of each segment; a scan includes its entropy-coded data."""
    position = 2
    while True:
        if data[position] != 0xFF:
            raise BadFrame("damaged", "the JPEG has bytes where a marker belongs")
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker == _JPEG_EOI:
            yield marker, position, position + 2
            return
        (length,) = struct.unpack_from(">H", data, position + 2)
        end = position + 2 + length
        if length < 2 or end > len(data):
            raise BadFrame("damaged", "a JPEG segment is longer than the file")
        if marker == _JPEG_SOS:
            found = _NEXT_MARKER.search(data, end)
            if found is None:
                raise BadFrame("damaged", "the JPEG ends in the middle of the picture")
            end = found.start()
        yield marker, position, end
        position = end


def _walk_jpeg(data: bytes) -> Container:
    kept = [data[:2]]
    size: tuple[int, int] | None = None
    orientation, scans, stop = 1, 0, len(data)
    for marker, start, end in _jpeg_segments(data):
        if marker in _JPEG_FRAME_MARKERS:
            if size is not None:
                raise BadFrame("damaged", "the JPEG states its size twice")
            height, width = struct.unpack_from(">HH", data, start + 5)
            size = (width, height)
        elif marker == _JPEG_EXIF and data[start + 4 : start + 10] == b"Exif\x00\x00":
            orientation = _tiff_orientation(data[start + 10 : end])
        elif marker == _JPEG_SOS:
            scans += 1
        if marker not in _JPEG_DROPPED:
            kept.append(data[start:end])
        stop = end
    if scans == 0:
        raise BadFrame("damaged", "the JPEG holds no picture")
    return Container(_info("JPEG", size), orientation, scans, b"".join(kept), data[stop:])


def _walk_png(data: bytes) -> Container:
    kept = [_PNG_SIGNATURE]
    size: tuple[int, int] | None = None
    orientation, position = 1, len(_PNG_SIGNATURE)
    while True:
        (length,) = struct.unpack_from(">I", data, position)
        kind = data[position + 4 : position + 8]
        end = position + 12 + length
        if end > len(data):
            raise BadFrame("damaged", "the PNG ends in the middle of the picture")
        if (kind == b"IHDR") != (size is None):
            raise BadFrame("damaged", "the PNG does not begin with exactly one header")
        if kind == b"IHDR":
            width, height = struct.unpack_from(">II", data, position + 8)
            size = (width, height)
        elif kind == b"eXIf":
            orientation = _tiff_orientation(data[position + 8 : end - 4])
        if kind in _PNG_KEPT:
            kept.append(data[position:end])
        position = end
        if kind == b"IEND":
            break
    return Container(_info("PNG", size), orientation, 1, b"".join(kept), data[position:])


def _walk_webp(data: bytes) -> Container:
    (riff_length,) = struct.unpack_from("<I", data, 4)
    stop = 8 + riff_length
    if stop > len(data):
        raise BadFrame("damaged", "the WebP ends in the middle of the picture")
    size: tuple[int, int] | None = None
    orientation, position = 1, 12
    while position + 8 <= stop:
        kind = data[position : position + 4]
        (length,) = struct.unpack_from("<I", data, position + 4)
        body = data[position + 8 : position + 8 + length]
        if position + 8 + length > stop:
            raise BadFrame("damaged", "a WebP chunk is longer than the file")
        if size is None:
            size = _webp_size(kind, body)
        if kind == b"EXIF":
            orientation = _tiff_orientation(body.removeprefix(b"Exif\x00\x00"))
        position += 8 + length + length % 2
    return Container(_info("WEBP", size), orientation, 1, data[:stop], data[stop:])


def _webp_size(kind: bytes, body: bytes) -> tuple[int, int] | None:
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L" and body[:1] == b"\x2f":
        (bits,) = struct.unpack_from("<I", body, 1)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _info(name: Format, size: tuple[int, int] | None) -> ImageInfo:
    if size is None or 0 in size:
        raise BadFrame("damaged", f"the {name} states no size")
    return ImageInfo(name, *size)


def _tiff_orientation(tiff: bytes) -> int:
    """Find the orientation in an EXIF block; 1 for anything damaged, since it never spoils the picture."""
    order: Literal["<", ">"] = "<" if tiff[:2] == b"II" else ">"
    try:
        (offset,) = struct.unpack_from(order + "I", tiff, 4)
        (entries,) = struct.unpack_from(order + "H", tiff, offset)
        for entry in range(entries):
            tag, _kind, _count, value = struct.unpack_from(order + "HHIH", tiff, offset + 2 + 12 * entry)
            if tag == _ORIENTATION_TAG:
                return value if 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1
