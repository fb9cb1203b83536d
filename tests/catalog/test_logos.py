"""Logos of stores: judged by their content, stored small and clean."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image

from catalog.images import PhotoRefused, PhotoTooLarge
from catalog.logos import PNG_BYTES_MAX, logo_read
from tests.pictures import encoded, jpeg, png_bomb, scene


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_drawn_logo_becomes_a_small_png_named_by_its_content(kind: str) -> None:
    logo = logo_read(encoded(scene(900, 300), kind), filename="logo.exe")
    assert re.fullmatch(r"[0-9a-f]{32}\.png", logo.name)
    assert (opened(logo.content).format, opened(logo.content).size) == ("PNG", (512, 171))
    assert logo_read(encoded(scene(900, 300), kind), filename="other").name == logo.name
    assert logo_read(jpeg(seed=5), filename="other").name != logo.name


def test_a_photo_becomes_a_jpeg_which_is_smaller() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (600, 600, 3), dtype=np.uint8)
    logo = logo_read(encoded(noise, "PNG"), filename="noise.png")
    assert (logo.name[-4:], opened(logo.content).format) == (".jpg", "JPEG")
    assert len(encoded(opened(logo.content), "PNG")) > PNG_BYTES_MAX
    assert len(logo.content) < 2 * PNG_BYTES_MAX + PNG_BYTES_MAX


def test_what_is_transparent_becomes_white_and_metadata_goes() -> None:
    picture = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    exif = Image.Exif()
    exif[0x010E] = "secret"
    logo = logo_read(encoded(picture, "PNG", exif=exif), filename="logo.png")
    found = opened(logo.content)
    assert found.convert("RGB").getpixel((3, 3)) == (255, 255, 255)
    assert b"secret" not in logo.content
    assert not found.getexif()


@pytest.mark.parametrize(
    "data", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a", jpeg()[:400], jpeg() + b"<script>"]
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(PhotoRefused):
        logo_read(data, filename="logo.png")


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(PhotoTooLarge):
        logo_read(png_bomb(), filename="logo.png")
