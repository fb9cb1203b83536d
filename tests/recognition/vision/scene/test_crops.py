"""How large a crop gets, and from when on an item counts as a rectangle that can be turned."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from recognition.vision.scene.crops import cut_item
from recognition.vision.scene.proposals import Proposal
from recognition.vision.types import Box

FRAME = np.zeros((1000, 1000, 3), np.uint8)


def proposal(box: Box, corners: np.ndarray, fill: float = 1.0) -> Proposal:
    return Proposal(box, corners.astype(np.float32), fill, False, np.zeros(64, np.float32))  # noqa: FBT003


@pytest.mark.parametrize(("side_px", "cropped_px"), [(300, 300), (320, 320), (321, 320), (900, 320)])
def test_a_crop_has_at_most_320_pixels(side_px: int, cropped_px: int) -> None:
    side = side_px / 1000
    corners = np.array([(0, 0), (side, 0), (side, side / 2), (0, side / 2)])
    crop = cut_item(FRAME, proposal(Box(0, 0, side, side / 2), corners))
    assert crop.shape == (cropped_px // 2, cropped_px, 3)


@pytest.mark.parametrize(("fill", "shape"), [(0.8, (100, 300, 3)), (0.79, (237, 310, 3))])
def test_what_fills_0_8_of_its_rectangle_is_turned_upright(fill: float, shape: tuple[int, ...]) -> None:
    corners = cv2.boxPoints(((500, 500), (300, 100), 30)) / 1000
    low, high = corners.min(axis=0), corners.max(axis=0)
    box = Box(float(low[0]), float(low[1]), *map(float, high - low))
    assert cut_item(FRAME, proposal(box, corners, fill)).shape == shape
