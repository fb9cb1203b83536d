"""Finds the items before a still counter: background, foreground, and where in it the items are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from recognition.vision.scene.proposals import Proposal, proposal_of
from recognition.vision.scene.recurrent_background import RecurrentBackground
from recognition.vision.scene.regions import (
    closed,
    held_together,
    masked,
    parted,
    touching,
    window_of,
    windows_of,
    without_holes,
)
from recognition.vision.scene.resting_items import RestingItems
from recognition.vision.scene.stabilization import (
    field_between,
    light_between,
    shift_between,
    shifted,
    shown,
    uncovered,
)
from recognition.vision.types import Box, FloatArray, Image, Mask, Window


@dataclass(frozen=True)
class ForegroundConfig:
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
    recur_s : what was seen in a place this long in all, and is no item, comes and goes behind the items
    puzzling_share : more foreground than this where none was expected may be light, or the camera moved
    field_share : more of it than this may be light from one side
    """

    work_width_px: int = 160
    item_side: float = 0.16
    item_share_max: float = 0.6
    contrast: float = 13.0
    adapt_s: float = 2.0
    absorb_s: float = 4.0
    settle_s: float = 0.8
    recur_s: float = 1.2
    puzzling_share: float = 0.02
    field_share: float = 0.08


@dataclass(frozen=True)
class Scene:
    """What one frame holds.

    Attributes
    ----------
    proposals : where items may be
    changed : share of the frame that differs from the background
    foreground : bool (h, w) at working size
    unsettled : whether a change of the whole scene is being waited out
    """

    proposals: tuple[Proposal, ...]
    changed: float
    foreground: Mask
    unsettled: bool = False


class ForegroundDetector:
    """Watches one counter; feed it every frame in order."""

    def __init__(self, config: ForegroundConfig | None = None) -> None:
        self.config = config or ForegroundConfig()
        self._background: FloatArray | None = None
        self._previous: FloatArray = np.empty((0, 0, 3), np.float32)
        self._foreground: Mask = np.empty((0, 0), np.bool_)
        self._still_s: FloatArray = np.empty((0, 0), np.float32)
        self._holes: Mask = np.empty((0, 0), np.bool_)
        self._other = RecurrentBackground(np.empty((0, 0, 3), np.float32), self.config.recur_s)
        self._laid = RestingItems()
        self._upheaval_s = 0.0
        self._noise = 1.0
        self._contrast = self.config.contrast

    def detect(
        self, frame: Image, elapsed_s: float, expected: Sequence[Box] = (), passing: Sequence[Box] = ()
    ) -> Scene:
        """Take in the next frame.

        Parameters
        ----------
        frame : uint8 (h, w, 3), RGB
        elapsed_s : time since the frame before
        expected : where the tracked items should be by now; they are not absorbed into the background, they
            part foreground that two items share, and hold together one that falls into pieces
        passing : where tracked things should be that are no items, such as a shopper behind; they part
            foreground as well, but are absorbed

        Returns
        -------
        Scene
            The first frame is taken for the bare counter and yields nothing.
        """
        small = self._reduced(frame)
        if self._background is None or self._background.shape != small.shape:
            return self._begin(small)
        self._follow_light(light_between(self._background, small, ~self._foreground))
        step = np.abs(small - self._previous).max(axis=2)
        self._previous = small
        self._noise += 0.1 * (float(np.median(step)) / 0.95 - self._noise)
        contrast = self.config.contrast + 3.0 * min(self._noise, 10.0)
        self._contrast = contrast
        foreground = self._differing(small, contrast)
        known = masked(expected, foreground.shape) | masked(passing, foreground.shape)
        if float((foreground & ~known).mean()) > self.config.puzzling_share:
            foreground = self._steadied(small, contrast, foreground, known)
        self._still_s = np.where(step < contrast, self._still_s + elapsed_s, 0).astype(np.float32)
        changed = float(foreground.mean())
        if changed > self.config.item_share_max:
            return self._upheaval(small, float((step < contrast).mean()), elapsed_s, foreground)
        self._upheaval_s = 0.0
        self._holes[:] = False
        proposals: tuple[Proposal, ...] = ()
        if changed * small.shape[0] * small.shape[1] >= self._item_side_px(small.shape[0]) ** 2 / 2:
            whole = without_holes(foreground, small.shape[0])
            proposals = self._proposals(small, whole, [*expected, *passing])
        held = touching(foreground, expected)
        if passing:
            held &= ~masked(passing, held.shape) | masked(expected, held.shape)
        held |= self._laid.mask(held.shape)
        self._learn(small, foreground, held, elapsed_s)
        self._other.learn(small, foreground & ~held, held, elapsed_s, contrast)
        self._foreground = foreground
        return Scene(proposals, changed, foreground)

    def covered(self, box: Box) -> float:
        """Share of a box that differed from the background in the last frame."""
        part = self._foreground[window_of(box, self._foreground.shape)]
        return float(part.mean()) if part.size else 0.0

    def add_resting_item(self, track: int, box: Box) -> None:
        """Take what was seen in a box for part of the counter, until it is lifted."""
        self._laid.lay(track, box, self._previous, self._foreground)

    def remove_resting_item(self, track: int) -> None:
        """Take what a track laid down for a thing before the counter again."""
        self._laid.lift(track)

    def resting_items_uncovered(self) -> list[tuple[int, float]]:
        """Give for each track that laid something down the share of its place that is bare now, 0..1."""
        if self._background is None:
            return []
        return list(self._laid.bare(shown(self._background), self._previous, self._contrast))

    def _item_side_px(self, height: int) -> float:
        return self.config.item_side * height

    def _reduced(self, frame: Image) -> FloatArray:
        height = max(16, round(frame.shape[0] * self.config.work_width_px / frame.shape[1]))
        small = cv2.resize(frame, (self.config.work_width_px, height), interpolation=cv2.INTER_AREA)
        return small.astype(np.float32)

    def _begin(self, small: FloatArray) -> Scene:
        self._background = small.copy()
        self._other = RecurrentBackground(small, self.config.recur_s)
        self._previous = small
        self._foreground = np.zeros(small.shape[:2], np.bool_)
        self._still_s = np.zeros(small.shape[:2], np.float32)
        self._holes = np.zeros(small.shape[:2], np.bool_)
        self._upheaval_s = 0.0
        return Scene((), 0.0, self._foreground)

    def _differing(self, small: FloatArray, contrast: float) -> Mask:
        """Mark what looks neither like the bare counter nor like what comes and goes before it."""
        assert self._background is not None
        difference = np.abs(small - shown(self._background)).max(axis=2)
        alike = self._other.resembles(small, contrast) | self._laid.resembles(small, contrast)
        return closed((difference > contrast) & ~alike)

    def _follow_light(self, factor: FloatArray) -> None:
        """Let all of the background follow the light, what things hide of it too."""
        assert self._background is not None
        self._background *= factor
        self._other.picture *= factor
        self._laid.relight(factor)

    def _steadied(self, small: FloatArray, contrast: float, foreground: Mask, known: Mask) -> Mask:
        """Undo a push of the camera or light from one side, where that explains most of what differs."""
        assert self._background is not None
        differing = float(foreground.mean())
        before = self._background
        shift = shift_between(before, small, self._foreground | known)
        if shift is not None:
            self._background = shifted(before, shift)
            rim = uncovered(small.shape, shift)
            self._background[rim] = small[rim]
            moved = self._differing(small, contrast)
            if float(moved.mean()) < 0.6 * differing:
                self._other.picture = shifted(self._other.picture, shift)
                self._laid.shift(shift)
                return moved
            self._background = before
        if differing > self.config.field_share:
            field = field_between(before, small, ~(self._foreground | known))
            self._background = before * field
            lit = self._differing(small, contrast)
            if float(lit.mean()) < 0.4 * differing:
                self._other.picture *= field
                self._laid.relight(field)
                return lit
            self._background = before
        return foreground

    def _upheaval(self, small: FloatArray, still: float, elapsed_s: float, foreground: Mask) -> Scene:
        """Wait out a light switched or a camera pushed, and start afresh once it stands still."""
        self._upheaval_s = self._upheaval_s + elapsed_s if still > 0.9 else 0.0
        if self._upheaval_s >= self.config.settle_s:
            return self._begin(small)
        self._foreground = foreground
        return Scene((), float(foreground.mean()), foreground, unsettled=True)

    def _learn(self, small: FloatArray, foreground: Mask, held: Mask, elapsed_s: float) -> None:
        """Let bare pixels follow the light and still leftovers become background; never a tracked item."""
        assert self._background is not None
        near = cv2.dilate(foreground.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(np.bool_)
        rate = 1.0 - float(np.exp(-elapsed_s / self.config.adapt_s))
        weight = np.where(near | held, 0.0, rate).astype(np.float32)
        weight[((self._still_s > self.config.absorb_s) & ~held) | self._holes] = 1.0
        # A pixel that came out whiter than white is as bright as it was thought to be.
        target = np.where(small > 254.0, np.maximum(small, self._background), small)
        self._background += weight[:, :, None] * (target - self._background)

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
            proposal = proposal_of(small, region, window)
            if self._is_hole(small, region, window):
                self._holes[window] |= region
            else:
                found.append(proposal)
        return tuple(found)

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


def _edges(part: FloatArray) -> FloatArray:
    grey = part.mean(axis=2)
    return cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
