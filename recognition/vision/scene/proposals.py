"""What is measured of a region that may be an item: its box, its tightest rectangle, its colours."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from recognition.vision.types import Box, FloatArray, Mask, Window

HISTOGRAM_BINS = 64


@dataclass(frozen=True)
class Proposal:
    """A region of one frame that may be an item.

    Attributes
    ----------
    box : upright box around it
    corners : float32 (4, 2), the tightest rotated rectangle, relative to the frame
    fill : share of the rotated rectangle its pixels cover, 0..1
    cut_off : whether it runs out of the frame
    histogram : float32 (64,), square roots of colour shares, unit length
    """

    box: Box
    corners: FloatArray
    fill: float
    cut_off: bool
    histogram: FloatArray


def proposal_of(small: FloatArray, region: Mask, window: Window) -> Proposal:
    """Measure a region of a frame.

    Parameters
    ----------
    small : float32 (h, w, 3), levels of 255
    region : bool, the size of the window
    window : rows and columns of the picture around the region
    """
    height, width = small.shape[:2]
    top, left = window[0].start, window[1].start
    rows, columns = np.nonzero(region)
    corners, size = _tightest(np.column_stack([columns + left + 0.5, rows + top + 0.5]).astype(np.float32))
    corners /= np.array([width, height], np.float32)
    box = Box(left / width, top / height, region.shape[1] / width, region.shape[0] / height)
    cut_off = left == 0 or top == 0 or window[1].stop == width or window[0].stop == height
    return Proposal(
        box=box,
        corners=corners.astype(np.float32),
        fill=min(1.0, rows.size / (size[0] * size[1])),
        cut_off=cut_off,
        histogram=_histogram(small[window][region]),
    )


def _histogram(pixels: FloatArray) -> FloatArray:
    levels = (pixels / 64.0).astype(np.intp).clip(0, 3)
    counts = np.bincount(levels @ np.array([16, 4, 1]), minlength=HISTOGRAM_BINS)
    return np.sqrt(counts / max(1, counts.sum())).astype(np.float32)


def _tightest(points: FloatArray) -> tuple[FloatArray, tuple[float, float]]:
    """Fit a rotated rectangle around the centres of pixels: its corners (4, 2) and its size, in pixels.

    A side is moved in over a stretch that is less than half as full as the rest: there only a bulge of the
    fist or the root of the arm is left.
    """
    _, _, angle = cv2.minAreaRect(points)
    turn = np.deg2rad(angle)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]], np.float32)
    along = points @ axes.T
    ends = []
    for axis in (0, 1):
        positions = along[:, axis]
        start = float(positions.min())
        counts = np.bincount((positions - start).astype(np.intp))
        full = np.flatnonzero(counts >= 0.5 * np.median(counts))
        ends.append((start + float(full[0]) - 0.5, start + float(full[-1]) + 0.5))
    (left, right), (top, bottom) = ends
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32) @ axes
    return corners, (right - left, bottom - top)
