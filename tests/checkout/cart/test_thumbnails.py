"""The small picture beside a scan event."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from checkout.cart.thumbnails import thumbnail_make
from tests.pictures import encoded, scene


@pytest.mark.parametrize(
    ("size", "expected"), [((640, 480), (160, 120)), ((200, 400), (80, 160)), ((90, 60), (90, 60))]
)
def test_a_thumbnail_is_a_jpeg_of_at_most_160_px(size: tuple[int, int], expected: tuple[int, int]) -> None:
    with (
        Image.open(BytesIO(thumbnail_make(np.asarray(scene(*size))))) as thumbnail,
        Image.open(BytesIO(encoded(scene(), quality=70))) as at_quality_70,
    ):
        assert (thumbnail.format, thumbnail.mode, thumbnail.size) == ("JPEG", "RGB", expected)
        assert thumbnail.quantization == at_quality_70.quantization  # type: ignore[attr-defined]
