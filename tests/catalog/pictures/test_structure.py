"""Taking a file apart costs little, whatever its bytes are: runs are skipped, and parts are counted."""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Callable

import pytest

from catalog.pictures import structure
from catalog.pictures.structure import (
    CHUNKS_MAX,
    EXIF_ENTRIES_MAX,
    SEGMENTS_MAX,
    PictureDamaged,
    PictureTooComplex,
    Structure,
    structure_read,
)
from tests.pictures import encoded, jpeg, png_chunk, scene

MEBIBYTE = 2**20


def read(data: bytes) -> Structure:
    found = structure_read(data)
    assert found is not None
    return found


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time of the quickest of three tries."""
    times = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def refused(data: bytes) -> None:
    with pytest.raises(PictureTooComplex):
        structure_read(data)


def filled(count: int) -> bytes:
    """Return a JPEG with fill bytes before its first marker."""
    data = jpeg()
    return data[:2] + b"\xff" * count + data[2:]


def escaped(count: int) -> bytes:
    """Return a JPEG whose coded picture ends with escaped FFs."""
    data = jpeg()
    return data[:-2] + b"\xff\x00" * count + data[-2:]


def fill_skip_byte_by_byte(data: bytes) -> int:
    position = 2
    while data[position + 1] == 0xFF:
        position += 1
    return position


def scan_end_by_expression(data: bytes) -> list[re.Match[bytes]]:
    return list(re.finditer(rb"\xff[^\xd0-\xd7\xff]", data))


def test_fill_bytes_are_skipped_in_one_step() -> None:
    data = filled(MEBIBYTE)
    assert read(data).picture == read(jpeg()).picture
    quick = seconds(lambda: structure_read(data))
    assert quick < 0.02
    assert seconds(lambda: fill_skip_byte_by_byte(data)) > 5 * quick, "control: byte by byte takes long"


def test_escaped_bytes_of_a_scan_are_looked_at_together() -> None:
    data = escaped(MEBIBYTE)
    assert read(data).trailing == b""
    quick = seconds(lambda: structure_read(data))
    assert quick < 0.25
    assert seconds(lambda: scan_end_by_expression(data)) > 2 * quick, "control: match by match takes long"


@pytest.mark.parametrize("length", [0, 1, 4093, 4094, 4095, 4096, 4097, 12_286, 12_287, 12_288, 70_000])
def test_the_end_of_a_scan_is_found_wherever_it_lies(length: int) -> None:
    for coded in (b"\x11" * length, b"\xff\x00\xff\xd3" * (length // 4) + b"\x11", b"\xff" * length):
        data = b"start" + coded + b"\xff\xd9" + b"behind"
        assert structure.scan_end_find(data, 5) == len(data) - 8
    with pytest.raises(PictureDamaged, match="ends in the middle"):
        structure.scan_end_find(b"start" + b"\x11" * length + b"\xff", 5)


def with_segments(count: int) -> bytes:
    """Return a JPEG of so many segments, its end mark included."""
    data = jpeg()
    own = 0
    position = 2
    while data[position + 1] != 0xDA:
        position += 2 + int(struct.unpack_from(">H", data, position + 2)[0])
        own += 1
    return data[:2] + b"\xff\xe5\x00\x02" * (count - own - 2) + data[2:]


def with_chunks(count: int) -> bytes:
    """Return a PNG of so many chunks, most of them empty."""
    data = encoded(scene(), "PNG")
    own = data.count(b"IDAT") + 2
    return data[:-12] + png_chunk(b"IDAT", b"") * (count - own) + data[-12:]


def with_riff_chunks(count: int) -> bytes:
    """Return a WebP of so many chunks, most of them empty."""
    body = encoded(scene(), "WEBP")[12:] + b"ABCD\0\0\0\0" * (count - 1)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


@pytest.mark.parametrize(
    ("make", "most", "name"),
    [
        (with_segments, 1_000, "SEGMENTS_MAX"),
        (with_chunks, 10_000, "CHUNKS_MAX"),
        (with_riff_chunks, 10_000, "CHUNKS_MAX"),
    ],
)
def test_a_file_has_no_more_parts_than_allowed(
    make: Callable[[int], bytes], most: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (SEGMENTS_MAX, CHUNKS_MAX) == (1_000, 10_000)
    assert read(make(most)).width == 160
    beyond = make(most + 1)
    with pytest.raises(PictureTooComplex, match=f"more than {most} "):
        structure_read(beyond)
    many = make(10 * most)
    bounded = seconds(lambda: refused(many))
    monkeypatch.setattr(structure, name, 10**9)
    assert read(beyond).width == 160
    assert seconds(lambda: structure_read(many)) > 3 * bounded, "control: unbounded, it takes long"


def exif_of(entries: int) -> bytes:
    """Return an EXIF block whose last entry is the orientation 6."""
    other = struct.pack(">HHIHH", 0x9999, 3, 1, 0, 0)
    last = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)
    return b"MM\0\x2a" + struct.pack(">IH", 8, entries) + other * (entries - 1) + last


def test_only_so_many_entries_of_exif_are_read() -> None:
    assert EXIF_ENTRIES_MAX == 512
    assert structure.orientation_read(exif_of(512)) == 6
    assert structure.orientation_read(exif_of(513)) == 1


def test_only_the_first_exif_block_counts() -> None:
    data = jpeg()
    blocks = [b"Exif\0\0" + exif_of(1), b"Exif\0\0" + exif_of(5000)]
    segments = [b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block for block in blocks]
    assert read(data[:2] + segments[0] + segments[1] * 50 + data[2:]).orientation == 6
    assert read(data[:2] + segments[1] * 50 + segments[0] + data[2:]).orientation == 1


@pytest.mark.parametrize("frame", [*range(0xC3, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), 0xCD, 0xCF])
def test_rare_kinds_of_jpeg_are_refused(frame: int) -> None:
    data = bytearray(jpeg())
    data[data.index(b"\xff\xc0") + 1] = frame
    with pytest.raises(PictureDamaged, match="only baseline and progressive"):
        structure_read(bytes(data))


@pytest.mark.parametrize(
    ("depth", "colours", "size"), [(1, 3, 4), (8, 0, 4), (8, 6, 4), (16, 2, 6), (16, 6, 8)]
)
def test_the_decoded_size_of_a_png_counts_channels_and_depth(depth: int, colours: int, size: int) -> None:
    header = struct.pack(">IIBBBBB", 50, 30, depth, colours, 0, 0, 0)
    found = read(b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IEND", b""))
    assert found.decoded_bytes == 50 * 30 * size
    assert found.kept_bytes == 0


def test_the_decoded_size_of_a_webp_is_that_of_all_its_pixels() -> None:
    assert read(encoded(scene(), "WEBP")).decoded_bytes == 160 * 120 * 4


@pytest.mark.parametrize(("subsampling", "coefficients"), [(0, 3.0), (1, 2.0), (2, 1.5)])
def test_what_a_jpeg_keeps_between_its_passes_is_known(subsampling: int, coefficients: float) -> None:
    once = read(encoded(scene(), "JPEG", subsampling=subsampling))
    assert (once.coefficients, once.kept_bytes, once.decoded_bytes) == (coefficients, 0, 0)
    passes = read(encoded(scene(), "JPEG", subsampling=subsampling, progressive=True))
    assert (passes.kept_bytes, passes.decoded_bytes) == (160 * 120 * 2 * coefficients, 0)


def test_a_jpeg_without_sampling_factors_is_damaged() -> None:
    data = bytearray(jpeg())
    data[data.index(b"\xff\xc0") + 11] = 0
    with pytest.raises(PictureDamaged, match="no sampling"):
        structure_read(bytes(data))
