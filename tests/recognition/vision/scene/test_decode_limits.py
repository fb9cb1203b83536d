"""What a frame may cost once decoded; the error states the limit."""

from __future__ import annotations

import time

import pytest
from django.conf import settings

from catalog.pictures.structure import Structure
from recognition.vision.scene import decode
from recognition.vision.scene.decode import BadFrame, decode_frame
from tests.pictures import WEBP_BOMB, encoded, scene


def answer_to(found: Structure, monkeypatch: pytest.MonkeyPatch) -> BadFrame:
    """Return the refusal of a file of this structure, which holds no picture."""
    monkeypatch.setattr(decode, "structure_read", lambda data: found)
    with pytest.raises(BadFrame) as caught:
        decode_frame(b"x")
    return caught.value


def test_the_limits_of_the_socket_are_those_of_the_decoder() -> None:
    assert decode.FRAME_DECODED_MAX_BYTES == settings.FRAME_MAX_DECODED_BYTES == 2**25
    assert decode.FRAME_MAX_BYTES == settings.FRAME_MAX_BYTES == 2**20
    assert decode.FRAME_MAX_PIXELS == settings.FRAME_MAX_PIXELS == 25_000_000


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize(
    ("size", "pixel_bytes", "code"),
    [
        ((3840, 2160), 4, "damaged"),  # it got as far as the decoder, which finds no picture in it
        ((2896, 2896), 4, "damaged"),
        ((2897, 2897), 4, "too_many_decoded_bytes"),
        ((2048, 2048), 8, "damaged"),
        ((2048, 2049), 8, "too_many_decoded_bytes"),
    ],
)
def test_a_png_or_webp_has_so_many_bytes_once_decoded(
    kind: str, size: tuple[int, int], pixel_bytes: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Structure(kind, *size, pixel_bytes=pixel_bytes)  # type: ignore[arg-type]
    error = answer_to(found, monkeypatch)
    assert error.code == code
    if code != "damaged":
        assert "at most 33554432 are allowed, or 25000000 pixels as a JPEG" in error.detail


@pytest.mark.parametrize(
    ("size", "coefficients", "code"), [((5000, 5000), 3.0, "damaged"), ((5000, 5000), 4.0, "too_complex")]
)
def test_a_progressive_jpeg_keeps_so_many_bytes(
    size: tuple[int, int], coefficients: float, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Structure("JPEG", *size, progressive=True, coefficients=coefficients)
    error = answer_to(found, monkeypatch)
    assert error.code == code
    if code != "damaged":
        assert "at most 150000000 are allowed" in error.detail


def test_a_bomb_is_refused_within_milliseconds() -> None:
    start = time.process_time()
    with pytest.raises(BadFrame, match="at most 33554432 are allowed"):
        decode_frame(WEBP_BOMB)
    assert time.process_time() - start < 0.05
    assert decode_frame(WEBP_BOMB, max_decoded_bytes=10**9).shape == (1600, 1600, 3), (
        "control: it is a picture"
    )


@pytest.mark.slow
def test_a_jpeg_of_25_megapixels_is_decoded() -> None:
    for progressive in (False, True):
        data = encoded(scene(5000, 5000), quality=30, progressive=progressive)
        assert decode_frame(data).shape == (1600, 1600, 3)
