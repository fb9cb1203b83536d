"""Cuts an item out of a frame for the encoder, upright and without the arm that holds it."""

from __future__ import annotations

import cv2
import numpy as np

from recognition.vision.scene.proposals import Proposal
from recognition.vision.types import FloatArray, Image

CROP_SIDE_MAX_PX = 320
"""Encoders look at 256 px at most; more would only be carried around."""

RECTANGLE_FILL = 0.8
"""A pack fills its rotated rectangle to 0.9 and more; what fills it less is no rectangle and has no angle."""

_SHARPNESS_SIDE_PX = 96


def cut_item(frame: Image, proposal: Proposal) -> Image:
    """Cut a proposal out of its frame.

    What fills a rotated rectangle is turned upright (by at most 45 degrees, as nothing tells which side of a
    pack is up); anything else is cut as it stands.

    Parameters
    ----------
    frame : uint8 (h, w, 3)

    Returns
    -------
    uint8 (height, width, 3), a copy of at most 320 px on the longer side
    """
    height, width = frame.shape[:2]
    if proposal.fill >= RECTANGLE_FILL:
        corners = proposal.corners * np.array([width, height], np.float32)
    else:
        box = proposal.box
        corners = np.array(
            [
                (box.x * width, box.y * height),
                ((box.x + box.width) * width, box.y * height),
                ((box.x + box.width) * width, (box.y + box.height) * height),
                (box.x * width, (box.y + box.height) * height),
            ],
            np.float32,
        )
    corners = _from_top_left(corners)
    across, down = corners[1] - corners[0], corners[3] - corners[0]
    wide, high = float(np.linalg.norm(across)), float(np.linalg.norm(down))
    scale = min(1.0, CROP_SIDE_MAX_PX / max(wide, high, 1.0))
    size = (max(8, round(wide * scale)), max(8, round(high * scale)))
    target = np.array([(0, 0), (size[0], 0), (0, size[1])], np.float32)
    turn = cv2.getAffineTransform(corners[[0, 1, 3]].astype(np.float32), target)
    return cv2.warpAffine(frame, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def sharpness(crop: Image) -> float:
    """Measure how sharp a crop is by its second derivatives.

    Parameters
    ----------
    crop : uint8 (h, w, 3), RGB

    Returns
    -------
    float
        Mean absolute Laplacian in levels of 255, of the grey crop at 96 px; 0 for a plain one.
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SHARPNESS_SIDE_PX, _SHARPNESS_SIDE_PX), interpolation=cv2.INTER_AREA)
    return float(np.abs(cv2.Laplacian(small, cv2.CV_32F)).mean())


def _from_top_left(corners: FloatArray) -> FloatArray:
    """Order four corners clockwise on the screen, starting so that the first edge is the most horizontal."""
    middle = corners.mean(axis=0)
    clockwise = corners[np.argsort(np.arctan2(*(corners - middle).T[::-1]))]
    edges = np.roll(clockwise, -1, axis=0) - clockwise
    first = int(np.argmin(np.abs(np.arctan2(edges[:, 1], edges[:, 0]))))
    return np.roll(clockwise, -first, axis=0)
