"""The small picture that is kept beside a scan event."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from checkout.cart.thumbnails import thumbnail_make


@pytest.mark.parametrize(
    ("size", "kept"),
    [((640, 320), (160, 80)), ((200, 400), (80, 160)), ((161, 161), (160, 160)), ((40, 30), (40, 30))],
)
def test_a_thumbnail_is_a_jpeg_of_at_most_160_pixels_that_is_never_enlarged(
    size: tuple[int, int], kept: tuple[int, int]
) -> None:
    width, height = size
    picture = np.full((height, width, 3), (200, 60, 20), np.uint8)
    image = Image.open(BytesIO(thumbnail_make(picture)))
    assert (image.format, image.size, image.mode) == ("JPEG", kept, "RGB")
    assert np.abs(np.asarray(image, int) - (200, 60, 20)).max() < 8
