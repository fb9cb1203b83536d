"""Uploaded photos: accepted ones are re-encoded, all others are refused by name."""

from __future__ import annotations

import hashlib
import struct
from io import BytesIO
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from django.test import override_settings
from PIL import Image

from catalog import images
from catalog.images import PhotoRefused, PhotoTooLarge, photo_pixels, photo_read
from catalog.pictures.pixels import UPRIGHT
from catalog.pictures.structure import Structure
from tests.pictures import encoded, jpeg, png_bomb, scene

ORIENTATION = 0x0112


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    """Return the four corner colours, in coarse steps that survive JPEG."""
    right, bottom = image.width - 8, image.height - 8
    points = [(8, 8), (right, 8), (8, bottom), (right, bottom)]
    return [tuple(np.asarray(image.getpixel(point)) // 16) for point in points]


def assert_close(image: Image.Image, expected: Image.Image) -> None:
    difference = np.abs(np.asarray(image, np.int16) - np.asarray(expected, np.int16))
    assert image.size == expected.size
    assert float(difference.mean()) < 3


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_is_known_by_its_content_whatever_its_name_says(kind: str) -> None:
    photo = photo_read(encoded(scene(), kind), filename="virus.exe")
    assert (photo.width, photo.height, photo.filename) == (160, 120, "virus.exe")
    assert photo.content.startswith(b"\xff\xd8\xff")
    assert photo.sha256 == hashlib.sha256(photo.content).hexdigest()
    assert_close(photo_pixels(photo.content), scene())


@pytest.mark.parametrize("mode", ["L", "P", "1", "RGB", "CMYK", "YCbCr"])
def test_every_colour_mode_becomes_rgb(mode: str) -> None:
    kind = "JPEG" if mode in {"CMYK", "YCbCr"} else "PNG"
    source = scene().quantize(4) if mode == "P" else scene().convert(mode)
    photo = photo_read(encoded(source, kind), filename="a")
    assert photo_pixels(photo.content).mode == "RGB"
    if mode != "1":
        assert_close(photo_pixels(photo.content), source.convert("RGB"))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_is_transparent_becomes_white(kind: str) -> None:
    source = scene().convert("RGBA")
    source.putalpha(0)
    photo = photo_read(encoded(source, kind), filename="a")
    assert np.asarray(photo_pixels(photo.content)).min() >= 250


def test_a_transparent_palette_entry_becomes_white() -> None:
    source = Image.new("P", (64, 64), 0)
    source.putpalette([200, 0, 0, 0, 200, 0])
    photo = photo_read(encoded(source, "PNG", transparency=b"\x00\xff"), filename="a")
    assert np.asarray(photo_pixels(photo.content)).min() >= 250


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    grey = np.full((64, 64), 0x8000, np.uint16)
    photo = photo_read(encoded(Image.fromarray(grey), "PNG"), filename="a")
    assert abs(int(np.asarray(photo_pixels(photo.content)).mean()) - 128) <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_stored_upright_without_its_camera_data(orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[0x010F] = "a camera maker"
    data = encoded(scene(), exif=exif, quality=95)
    photo = photo_read(data, filename="a")
    with Image.open(BytesIO(data)) as source:
        expected = UPRIGHT.get(orientation)
        upright = source.transpose(expected) if expected is not None else source.copy()
    assert corners(photo_pixels(photo.content)) == corners(upright)
    assert b"Exif" not in photo.content
    assert b"camera" not in photo.content


def test_text_and_comments_do_not_survive() -> None:
    marked = encoded(scene(), comment=b"<script>alert(1)</script>")
    assert b"<script>" in marked
    assert b"<script>" not in photo_read(marked, filename="a").content


def test_a_large_photo_is_scaled_to_1600_px() -> None:
    photo = photo_read(jpeg(3200, 2000), filename="a")
    assert (photo.width, photo.height) == (1600, 1000)


def test_of_an_animation_the_first_picture_is_taken() -> None:
    first, second = scene(seed=1), scene(seed=2)
    for kind in ("WEBP", "PNG"):
        data = encoded(first, kind, save_all=True, append_images=[second], duration=100)
        assert_close(photo_pixels(photo_read(data, filename="a").content), first)


def refused(data: bytes, *, code: str = "bad_image", filename: str = "a.jpg") -> PhotoRefused:
    with pytest.raises(PhotoRefused) as caught:
        photo_read(data, filename=filename)
    assert caught.value.code == code
    assert caught.value.detail.startswith(f"{filename}: ")
    assert caught.value.data["filename"] == filename
    return caught.value


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "ICO", "PDF", "PPM"])
def test_other_formats_are_refused_even_under_a_good_name(kind: str) -> None:
    assert refused(encoded(scene(), kind)).data["allowed"] == ["JPEG", "PNG", "WebP"]


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\4\0\0\0WEBP", b"<svg/>"])
def test_empty_and_bare_headers_are_refused(data: bytes) -> None:
    refused(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_cut_off_anywhere_is_refused(kind: str) -> None:
    data = encoded(scene(), kind)
    for length in range(1, len(data) - 1, max(1, len(data) // 60)):
        refused(data[:length])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_damaged_bytes_never_cause_anything_but_a_refusal(kind: str) -> None:
    data = encoded(scene(), kind)
    random = np.random.default_rng(7)
    for _ in range(150):
        broken = bytearray(data)
        for position in random.integers(0, len(data), 4):
            broken[position] = int(random.integers(0, 256))
        try:
            photo = photo_read(bytes(broken), filename="a")
        except PhotoRefused:
            continue
        assert photo.content.startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize("appended", [b"PK\3\4 an archive", b"<html><script>", b"%PDF-1.7", b"GIF89a"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_file_that_is_two_things_at_once_is_refused(kind: str, appended: bytes) -> None:
    refused(encoded(scene(), kind) + appended)


@pytest.mark.parametrize(
    "appended", [b"\0" * 64, b"\xff\xff", jpeg(64, 64), struct.pack(">I", 24) + b"ftypmp42" + b"\0" * 12]
)
def test_what_phones_append_is_dropped(appended: bytes) -> None:
    assert photo_read(jpeg() + appended, filename="a").content == photo_read(jpeg(), filename="a").content


def test_a_bomb_is_refused_before_a_pixel_is_decoded() -> None:
    webp = bytearray(encoded(scene(), "WEBP", lossless=True))
    struct.pack_into("<I", webp, 21, 16_383 | 16_383 << 14)
    large = bytearray(jpeg())
    frame = large.index(b"\xff\xc0")
    struct.pack_into(">HH", large, frame + 5, 60_000, 60_000)
    for data in (png_bomb(), bytes(webp), bytes(large)):
        with mock.patch.object(images, "picture_decode", side_effect=AssertionError("decoded")):
            refused(data, code="image_too_large")
    with (
        pytest.raises(AssertionError, match="decoded"),
        mock.patch.object(images, "picture_decode", side_effect=AssertionError("decoded")),
    ):
        photo_read(jpeg(), filename="control: a good photo does reach the decoder")


def test_a_jpeg_of_endless_passes_is_refused() -> None:
    data = encoded(scene(), progressive=True)
    start = data.rindex(b"\xff\xda")
    scan = data[start:-2]
    passes = data.count(b"\xff\xda")

    def with_passes(count: int) -> bytes:
        return data[:-2] + scan * (count - passes) + data[-2:]

    assert photo_read(with_passes(24), filename="a").width == 160
    refused(with_passes(25))


@pytest.mark.parametrize("passes", [20, 21])
def test_passes_over_a_large_jpeg_are_fewer(passes: int) -> None:
    structure = Structure("JPEG", width=6000, height=5000, scans=passes)
    with mock.patch.object(images, "structure_read", return_value=structure):
        if passes == 20:  # 600 million pixels in all
            assert images.structure_checked(b"x", "a") is structure
        else:
            with pytest.raises(PhotoRefused, match="21 passes"):
                images.structure_checked(b"x", "a")


@override_settings(IMAGE_MAX_BYTES=4096)
def test_too_many_bytes_are_refused_with_the_limit() -> None:
    assert refused(b"\xff" * 4097, code="image_too_large").data["limit"] == 4096


@override_settings(IMAGE_MAX_PIXELS=160 * 120 - 1)
def test_too_many_pixels_are_refused_with_the_limit() -> None:
    error = refused(jpeg(), code="image_too_large")
    assert isinstance(error, PhotoTooLarge)
    assert error.data["limit"] == 19_199


@pytest.mark.parametrize(
    ("size", "limit"), [((31, 200), 32), ((200, 31), 32), ((801, 40), 20), ((40, 801), 20)]
)
def test_slivers_are_refused_with_the_limit(size: tuple[int, int], limit: int) -> None:
    assert refused(jpeg(*size)).data["limit"] == limit


@pytest.mark.parametrize("size", [(32, 32), (800, 40)])
def test_a_photo_just_within_the_limits_is_accepted(size: tuple[int, int]) -> None:
    photo = photo_read(jpeg(*size), filename="a")
    assert (photo.width, photo.height) == size


def test_a_photo_is_stored_at_quality_90() -> None:
    with (
        Image.open(BytesIO(photo_read(jpeg(), filename="a").content)) as stored,
        Image.open(BytesIO(encoded(scene(), quality=90))) as expected,
    ):
        assert stored.quantization == expected.quantization  # type: ignore[attr-defined]


def test_the_name_in_a_refusal_is_harmless() -> None:
    with pytest.raises(PhotoRefused) as caught:
        photo_read(b"x", filename="a\0\n\u202egpj\ud800" + "b" * 300)
    assert caught.value.data["filename"] == "a gpj" + "b" * 95


def test_real_photos_are_accepted(shared_data: Path) -> None:
    paths = sorted((shared_data / "grocery").rglob("*.jpg"))[::400]
    assert len(paths) > 3
    for path in paths:
        photo = photo_read(path.read_bytes(), filename=path.name)
        assert max(photo.width, photo.height) <= 1600
