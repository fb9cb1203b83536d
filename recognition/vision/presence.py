"""Finds the items before a still counter: background, foreground, and where in it the items are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from recognition.vision.box import Box
from recognition.vision.encoders.protocol import Image
from recognition.vision.layout import FloatArray
from recognition.vision.regions import (
    Mask,
    Window,
    closed,
    held_together,
    parted,
    touching,
    window_of,
    windows_of,
    without_holes,
)

HISTOGRAM_BINS = 64


@dataclass(frozen=True)
class PresenceConfig:
    """How the counter is watched.

    Attributes
    ----------
    work_width_px : frames are looked at in this width
    item_side : shortest side of an item, as a share of the frame's height. Thinner foreground (an arm is
        about 0.08, a fist 0.11 at a usual counter) is never an item by itself and is cut off from items.
    item_share_max : an item covers at most this share of the frame; more is a change of the whole scene
    contrast : smallest colour difference to the background that counts, in levels of 255
    adapt_s : time in which bare background follows a change of light
    absorb_s : foreground that is no tracked item and lies still this long becomes background
    settle_s : a change of the whole scene that stands still this long is the new background
    """

    work_width_px: int = 160
    item_side: float = 0.16
    item_share_max: float = 0.6
    contrast: float = 13.0
    adapt_s: float = 2.0
    absorb_s: float = 4.0
    settle_s: float = 0.8


@dataclass(frozen=True)
class Proposal:
    """A place in one frame where an item may be.

    Attributes
    ----------
    box : upright box around it
    corners : float32 (4, 2), the tightest rotated rectangle, relative to the frame
    area : share of the frame its pixels cover
    fill : share of the rotated rectangle its pixels cover, 0..1
    cut_off : whether it runs out of the frame
    histogram : float32 (64,), square roots of colour shares, unit length
    """

    box: Box
    corners: FloatArray
    area: float
    fill: float
    cut_off: bool
    histogram: FloatArray


@dataclass(frozen=True)
class Scene:
    """What one frame holds.

    Attributes
    ----------
    proposals : where items may be
    changed : share of the frame that differs from the background
    foreground : bool (h, w) at working size
    """

    proposals: tuple[Proposal, ...]
    changed: float
    foreground: Mask


class Presence:
    """Watches one counter; feed it every frame in order."""

    def __init__(self, config: PresenceConfig | None = None) -> None:
        self.config = config or PresenceConfig()
        self._background: FloatArray | None = None
        self._previous: FloatArray = np.empty((0, 0, 3), np.float32)
        self._foreground: Mask = np.empty((0, 0), np.bool_)
        self._still_s: FloatArray = np.empty((0, 0), np.float32)
        self._holes: Mask = np.empty((0, 0), np.bool_)
        self._upheaval_s = 0.0
        self._noise = 1.0

    def look(self, frame: Image, elapsed_s: float, expected: Sequence[Box] = ()) -> Scene:
        """Take in the next frame.

        Parameters
        ----------
        frame : uint8 (h, w, 3), RGB
        elapsed_s : time since the frame before
        expected : where the tracked items should be by now; they are not absorbed into the background, they
            part foreground that two items share, and hold together one that falls into pieces

        Returns
        -------
        Scene
            The first frame is taken for the bare counter and yields nothing.
        """
        small = self._reduced(frame)
        if self._background is None or self._background.shape != small.shape:
            return self._begin(small)
        light = self._light(small)
        difference = np.abs(small - self._background * light).max(axis=2)
        step = np.abs(small - self._previous).max(axis=2)
        self._previous = small
        self._noise += 0.1 * (float(np.median(step)) / 0.95 - self._noise)
        contrast = self.config.contrast + 3.0 * min(self._noise, 10.0)
        foreground = closed(difference > contrast)
        self._still_s = np.where(step < contrast, self._still_s + elapsed_s, 0).astype(np.float32)
        changed = float(foreground.mean())
        if changed > self.config.item_share_max:
            return self._upheaval(small, float((step < contrast).mean()), elapsed_s, foreground)
        self._upheaval_s = 0.0
        self._holes[:] = False
        proposals: tuple[Proposal, ...] = ()
        if changed * small.shape[0] * small.shape[1] >= self._item_side_px(small.shape[0]) ** 2 / 2:
            proposals = self._proposals(small, without_holes(foreground, small.shape[0]), expected)
        self._learn(small, foreground, expected, elapsed_s)
        self._foreground = foreground
        return Scene(proposals, changed, foreground)

    def covered(self, box: Box) -> float:
        """Share of a box that differed from the background in the last frame."""
        part = self._foreground[window_of(box, self._foreground.shape)]
        return float(part.mean()) if part.size else 0.0

    def _item_side_px(self, height: int) -> float:
        return self.config.item_side * height

    def _reduced(self, frame: Image) -> FloatArray:
        height = max(16, round(frame.shape[0] * self.config.work_width_px / frame.shape[1]))
        small = cv2.resize(frame, (self.config.work_width_px, height), interpolation=cv2.INTER_AREA)
        return small.astype(np.float32)

    def _begin(self, small: FloatArray) -> Scene:
        self._background = small.copy()
        self._previous = small
        self._foreground = np.zeros(small.shape[:2], np.bool_)
        self._still_s = np.zeros(small.shape[:2], np.float32)
        self._holes = np.zeros(small.shape[:2], np.bool_)
        self._upheaval_s = 0.0
        return Scene((), 0.0, self._foreground)

    def _light(self, small: FloatArray) -> FloatArray:
        """Estimate by how much the light changed, per channel, from pixels that were bare a frame ago."""
        assert self._background is not None
        bare = ~self._foreground[::3, ::3]
        if bare.mean() < 0.2:
            return np.ones(3, np.float32)
        ratio = (small[::3, ::3][bare] + 8.0) / (self._background[::3, ::3][bare] + 8.0)
        return np.clip(np.median(ratio, axis=0), 0.5, 2.0).astype(np.float32)

    def _upheaval(self, small: FloatArray, still: float, elapsed_s: float, foreground: Mask) -> Scene:
        """Wait out a light switched or a camera pushed, and start afresh once it stands still."""
        self._upheaval_s = self._upheaval_s + elapsed_s if still > 0.9 else 0.0
        if self._upheaval_s >= self.config.settle_s:
            return self._begin(small)
        self._foreground = foreground
        return Scene((), float(foreground.mean()), foreground)

    def _learn(self, small: FloatArray, foreground: Mask, expected: Sequence[Box], elapsed_s: float) -> None:
        """Let bare pixels follow the light and still leftovers become background; never a tracked item."""
        assert self._background is not None
        held = touching(foreground, expected)
        near = cv2.dilate(foreground.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(np.bool_)
        rate = 1.0 - float(np.exp(-elapsed_s / self.config.adapt_s))
        weight = np.where(near | held, 0.0, rate).astype(np.float32)
        weight[((self._still_s > self.config.absorb_s) & ~held) | self._holes] = 1.0
        self._background += weight[:, :, None] * (small - self._background)

    def _proposals(
        self, small: FloatArray, foreground: Mask, expected: Sequence[Box]
    ) -> tuple[Proposal, ...]:
        radius = self._item_side_px(small.shape[0]) / 2
        depth = cv2.distanceTransform(foreground.astype(np.uint8), cv2.DIST_L2, 3)
        core = depth > radius
        if not core.any():
            return ()
        # An item is what a disc of its shortest side can reach: the arm, thinner than that, stays out.
        distance, nearest = cv2.distanceTransformWithLabels(
            (~core).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_CCOMP
        )
        labels = np.where(foreground & (distance <= radius), nearest, 0)
        labels = held_together(parted(labels, expected), expected)
        found = []
        for label, window in windows_of(labels).items():
            region = labels[window] == label
            proposal = self._proposal(small, region, window)
            if self._is_hole(small, region, window):
                self._holes[window] |= region
            else:
                found.append(proposal)
        return tuple(found)

    def _proposal(self, small: FloatArray, region: Mask, window: Window) -> Proposal:
        height, width = small.shape[:2]
        top, left = window[0].start, window[1].start
        rows, columns = np.nonzero(region)
        corners, size = _tightest(
            np.column_stack([columns + left + 0.5, rows + top + 0.5]).astype(np.float32)
        )
        corners /= np.array([width, height], np.float32)
        box = Box(left / width, top / height, region.shape[1] / width, region.shape[0] / height)
        cut_off = left == 0 or top == 0 or window[1].stop == width or window[0].stop == height
        return Proposal(
            box=box,
            corners=corners.astype(np.float32),
            area=rows.size / (width * height),
            fill=min(1.0, rows.size / (size[0] * size[1])),
            cut_off=cut_off,
            histogram=_histogram(small[window][region]),
        )

    def _is_hole(self, small: FloatArray, region: Mask, window: Window) -> bool:
        """Tell a hole in the background (something of it was taken away) from a thing before it.

        The outline of a thing is an edge in the frame; the outline of a hole is an edge in the background.
        """
        assert self._background is not None
        if float(np.median(self._still_s[window][region])) < 0.3:
            return False
        # Two pixels more all round, as far as the frame goes: the edge lies on both sides of the outline.
        wide = (
            slice(max(0, window[0].start - 2), window[0].stop + 2),
            slice(max(0, window[1].start - 2), window[1].stop + 2),
        )
        inside = np.zeros(small[wide].shape[:2], np.uint8)
        top, left = window[0].start - wide[0].start, window[1].start - wide[1].start
        inside[top : top + region.shape[0], left : left + region.shape[1]] = region
        ring = cv2.morphologyEx(inside, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
        now, before = _edges(small[wide])[ring], _edges(self._background[wide])[ring]
        return float(now.mean()) < 0.5 * float(before.mean())


def _histogram(pixels: FloatArray) -> FloatArray:
    levels = (pixels / 64.0).astype(np.intp).clip(0, 3)
    counts = np.bincount(levels @ np.array([16, 4, 1]), minlength=HISTOGRAM_BINS)
    return np.sqrt(counts / max(1, counts.sum())).astype(np.float32)


def _tightest(points: FloatArray) -> tuple[FloatArray, tuple[float, float]]:
    """Lay a rotated rectangle around pixel middles: its corners (4, 2) and its size.

    A side is moved in over a stretch that is less than half as full as the rest: there only a bulge of the
    fist or the root of the arm is left.
    """
    _, _, angle = cv2.minAreaRect(points)
    turn = np.deg2rad(angle)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]], np.float32)
    along = points @ axes.T
    ends = []
    for axis in (0, 1):
        places = along[:, axis]
        start = float(places.min())
        counts = np.bincount((places - start).astype(np.intp))
        full = np.flatnonzero(counts >= 0.5 * np.median(counts))
        ends.append((start + float(full[0]) - 0.5, start + float(full[-1]) + 0.5))
    (left, right), (top, bottom) = ends
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32) @ axes
    return corners, (right - left, bottom - top)


def _edges(part: FloatArray) -> FloatArray:
    grey = part.mean(axis=2)
    return cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
