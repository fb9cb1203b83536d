from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from catalog.pictures.structure import Structure, structure_read
from recognition.vision.scene.decode import BadFrame, decode_frame
from tests.pictures import encoded, png_chunk

FORMATS = ("JPEG", "PNG", "WEBP")


def photo(width: int = 96, height: int = 64) -> Image.Image:
    ramp = np.zeros((height, width, 3), np.uint8)
    ramp[:, :, 0] = np.linspace(0, 255, width)
    ramp[:, :, 1] = np.linspace(255, 0, height)[:, None]
    ramp[: height // 4, : width // 4] = (20, 20, 200)
    return Image.fromarray(ramp)


def refused(data: bytes, **limits: int) -> str:
    with pytest.raises(BadFrame) as caught:
        decode_frame(data, **limits)
    assert caught.value.detail
    return caught.value.code


@pytest.mark.parametrize("name", FORMATS)
def test_a_frame_is_told_and_decoded_by_its_content(name: str) -> None:
    data = encoded(photo(), name)

    structure = structure_read(data)
    assert structure is not None
    assert (structure.format, structure.width, structure.height) == (name, 96, 64)
    pixels = decode_frame(data)
    assert pixels.shape == (64, 96, 3)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    np.testing.assert_array_equal(pixels, expected)


def test_no_bytes_are_told_from_unknown_bytes() -> None:
    assert refused(b"") == "empty"
    assert refused(b"hello") == "unsupported_format"
    assert refused(encoded(photo(), "GIF")) == "unsupported_format"
    assert refused(encoded(photo(), "BMP")) == "unsupported_format"
    assert refused(encoded(photo(), "TIFF")) == "unsupported_format"
    assert refused(b"<svg xmlns='http://www.w3.org/2000/svg'/>") == "unsupported_format"


def test_a_file_over_the_limit_is_refused() -> None:
    data = encoded(photo(), "PNG")

    assert refused(data, max_bytes=len(data) - 1) == "too_large"
    assert decode_frame(data, max_bytes=len(data)).shape == (64, 96, 3)


def png_claiming(width: int, height: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


def resized_header(name: str, width: int, height: int) -> bytes:
    """Let a small real file claim another size."""
    data = bytearray(encoded(photo(), name))
    if name == "JPEG":
        start = data.index(b"\xff\xc0") + 5
        data[start : start + 4] = struct.pack(">HH", height, width)
    elif name == "WEBP":
        start = data.index(b"\x9d\x01\x2a") + 3
        data[start : start + 4] = struct.pack("<HH", width, height)
    else:
        return png_claiming(width, height, b"\0" * 64)
    return bytes(data)


@pytest.mark.parametrize("name", FORMATS)
def test_a_bomb_is_refused_before_a_pixel_is_decoded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    side = 16_000 if name == "WEBP" else 60_000
    bomb = resized_header(name, side, side)

    decoded: list[object] = []

    def decode(structure: object, **options: object) -> Image.Image:
        decoded.append(structure)
        return photo()

    monkeypatch.setattr("recognition.vision.scene.decode.picture_decode", decode)
    assert refused(bomb) == "too_many_pixels"
    assert refused(resized_header(name, 5001, 5000)) == "too_many_pixels"
    assert decoded == []
    side = 5000 if name == "JPEG" else 2896  # what is decoded whole has at most 32 MiB
    decode_frame(resized_header(name, side, side))
    assert len(decoded) == 1


def test_text_and_profiles_that_inflate_are_never_inflated() -> None:
    data = encoded(photo(), "PNG")
    inflating = zlib.compress(b"\0" * 50_000_000)
    text = png_chunk(b"zTXt", b"key\0\0" + inflating) + png_chunk(b"iCCP", b"profile\0\0" + inflating)
    # Pillow by itself refuses the file for them; here they are cut away unread.
    with pytest.raises(ValueError, match="too large"):
        Image.open(io.BytesIO(data[:33] + text + data[33:])).load()
    np.testing.assert_array_equal(decode_frame(data[:33] + text + data[33:]), decode_frame(data))


def test_a_jpeg_of_endless_passes_is_refused() -> None:
    data = encoded(photo(), "JPEG", progressive=True)
    assert decode_frame(data).shape == (64, 96, 3)
    last = data.rindex(b"\xff\xda")
    body = data[last:-2]

    assert refused(data[:last] + body * 1000 + b"\xff\xd9") == "too_complex"


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("extra", [b"PK\x03\x04 zip", b"<script>alert(1)</script>", b"%PDF-1.7", b"GIF89a"])
def test_a_file_that_is_two_things_is_refused(name: str, extra: bytes) -> None:
    data = encoded(photo(), name)

    assert refused(data + extra) == "trailing_data"
    assert refused(data + b"\0" * 100 + extra) == "trailing_data"
    # Pillow by itself would have taken it.
    assert Image.open(io.BytesIO(data + extra)).convert("RGB").size == (96, 64)


@pytest.mark.parametrize("name", FORMATS)
def test_padding_after_the_picture_is_no_harm(name: str) -> None:
    assert decode_frame(encoded(photo(), name) + b"\0\0\xff\n").shape == (64, 96, 3)


@pytest.mark.parametrize("extra", [b"PK\x03\x04", b"GIF89a", b"<html>"])
def test_a_picture_behind_something_else_is_refused(extra: bytes) -> None:
    assert refused(extra + encoded(photo(), "JPEG")) == "unsupported_format"


@pytest.mark.parametrize("name", FORMATS)
def test_a_truncated_file_is_refused_wherever_it_ends(name: str) -> None:
    data = encoded(photo(), name)
    lengths = range(13, len(data), 7)

    assert {refused(data[:length]) for length in lengths} == {"damaged"}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("orientation", "size"), [(1, (64, 96)), (3, (64, 96)), (6, (96, 64)), (8, (96, 64))]
)
def test_the_orientation_of_the_camera_is_honoured(
    name: str, orientation: int, size: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = decode_frame(encoded(photo(), name, exif=exif))

    assert pixels.shape[:2] == size
    # The blue corner is at the top left of the stored picture.
    corner = {1: (8, 8), 3: (-8, -8), 6: (8, -8), 8: (-8, 8)}[orientation]
    assert pixels[corner][2] > 150
    assert pixels[corner][0] < 80


def test_damaged_exif_is_ignored() -> None:
    broken = b"Exif\0\0MM\0\x2a\xff\xff\xff\xff" + b"\x01\x12" * 20
    pixels = decode_frame(encoded(photo(), "JPEG", exif=broken))

    assert pixels.shape == (64, 96, 3)


@pytest.mark.parametrize("name", ["PNG", "WEBP"])
def test_transparency_is_laid_on_white(name: str) -> None:
    pixels = decode_frame(encoded(Image.new("RGBA", (32, 32), (200, 0, 0, 0)), name, lossless=True))

    assert (pixels == 255).all()


@pytest.mark.parametrize(
    ("mode", "colour"), [("L", 200), ("LA", (200, 255)), ("P", 200), ("1", 1), ("I;16", 51200)]
)
def test_every_kind_of_png_becomes_rgb(mode: str, colour: int | tuple[int, int]) -> None:
    pixels = decode_frame(encoded(Image.new(mode, (32, 24), colour), "PNG"))

    assert pixels.shape == (24, 32, 3)
    if mode != "P":
        assert (pixels == (255 if mode == "1" else 200)).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (15, 40), (16, 321), (4000, 17)])
def test_slivers_are_refused(size: tuple[int, int]) -> None:
    assert refused(encoded(Image.new("RGB", size), "PNG")) == "bad_dimensions"


def test_the_smallest_and_the_narrowest_picture_allowed_are_decoded() -> None:
    assert decode_frame(encoded(Image.new("RGB", (16, 16)), "PNG")).shape == (16, 16, 3)
    assert decode_frame(encoded(Image.new("RGB", (16, 320)), "PNG")).shape == (320, 16, 3)


@pytest.mark.parametrize("name", FORMATS)
def test_a_large_picture_is_handed_on_reduced(name: str) -> None:
    pixels = decode_frame(encoded(photo(4000, 2000), name, quality=50))

    assert pixels.shape == (800, 1600, 3)
    assert pixels[40, 40, 2] > 150


def test_a_multi_picture_jpeg_gives_its_picture_without_a_warning() -> None:
    # The segment by which cameras announce further pictures, here broken: Pillow would warn about it.
    data = encoded(photo(), "JPEG")
    segment = b"MPF\0MM\0\x2a" + b"\0" * 8
    marked = data[:2] + b"\xff\xe2" + struct.pack(">H", len(segment) + 2) + segment + data[2:]

    np.testing.assert_array_equal(decode_frame(marked), decode_frame(data))


def mutated(data: bytes, random: np.random.Generator) -> bytes:
    kind = random.integers(6)
    at = int(random.integers(len(data)))
    if kind == 0:
        return data[:at]
    if kind == 1:
        return random.bytes(int(random.integers(1, 400)))
    if kind == 2:
        return data[:at] + random.bytes(int(random.integers(1, 30))) + data[at:]
    changed = bytearray(data)
    # Headers are short: every other flip goes there.
    reach = 64 if kind == 3 else len(data)
    for _ in range(int(random.integers(1, 9))):
        changed[int(random.integers(min(reach, len(data))))] = int(random.integers(256))
    if kind == 4:
        del changed[at : at + int(random.integers(1, 60))]
    return bytes(changed)


def test_thousands_of_malformed_frames_are_refused_and_the_next_good_one_is_decoded() -> None:
    random = np.random.default_rng(8)
    exif = Image.Exif()
    exif[0x0112] = 6
    small = photo(48, 32)
    sources = [encoded(small, name, exif=exif) for name in FORMATS]
    sources += [encoded(small, "JPEG", progressive=True), encoded(small, "WEBP", lossless=True)]
    sources += [encoded(small.convert("P"), "PNG"), encoded(small.convert("RGBA"), "WEBP")]
    good = sources[0]
    expected: NDArray[np.uint8] = decode_frame(good)
    codes: dict[str, int] = {}
    for index in range(10_000):
        data = mutated(sources[index % len(sources)], random)
        try:
            pixels = decode_frame(data)
        except BadFrame as bad:
            codes[bad.code] = codes.get(bad.code, 0) + 1
        else:
            # A flip in the entropy-coded part is still a picture.
            assert pixels.ndim == 3
            codes["decoded"] = codes.get("decoded", 0) + 1
        if index % 100 == 0:
            np.testing.assert_array_equal(decode_frame(good), expected)
    assert sum(codes.values()) == 10_000
    assert codes["damaged"] > 2500
    assert codes["unsupported_format"] > 750
    np.testing.assert_array_equal(decode_frame(good), expected)


def test_decoding_needs_no_learning_library() -> None:
    heavy = "{'torch', 'cv2', 'faiss', 'django'}"
    code = f"import sys, recognition.vision.scene.decode; print(sorted({heavy} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("scans", "side_px", "code"),
    [
        (24, 100, "damaged"),  # it got as far as the decoder, which finds no picture in it
        (25, 100, "too_complex"),
        (10, 5000, "damaged"),  # 250 million pixels in all
        (11, 5000, "too_complex"),
    ],
)
def test_a_jpeg_takes_no_more_passes_and_pixels_than_allowed(
    scans: int, side_px: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Structure("JPEG", width=side_px, height=side_px, scans=scans)
    monkeypatch.setattr("recognition.vision.scene.decode.structure_read", lambda data: found)
    assert refused(b"JPEG") == code


def test_a_frame_has_no_more_than_a_mebibyte() -> None:
    assert refused(b"\0" * 2**20) == "unsupported_format"
    assert refused(b"\0" * (2**20 + 1)) == "too_large"
