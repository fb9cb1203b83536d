"""Finds items before a still counter by subtracting the background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from recognition.vision.scene.background import Background
from recognition.vision.scene.differences import largest_difference
from recognition.vision.scene.proposals import Proposal, proposal_of
from recognition.vision.scene.regions import (
    boxes_mask,
    connected_to,
    holes_filled,
    item_regions,
    window_of,
    windows_of,
)
from recognition.vision.scene.resting_items import RestingItems
from recognition.vision.types import Box, FloatArray, Image, Mask, Window

HOLE_STILL_S = 0.3
"""A region that still moves is a thing: only one at rest for this long may be a hole in the background."""

SETTLED_SHARE = 0.9
"""A change of the whole scene stands still where at least this share of the pixels does."""


@dataclass(frozen=True)
class ForegroundConfig:
    """How items are told from the counter.

    Attributes
    ----------
    work_width_px : frames are reduced to this width
    item_side : shortest side of an item, as a share of the frame's height. Thinner foreground (an arm is
        about 0.08, a fist 0.11 at a usual counter) is never an item by itself and is cut off from items.
    item_share_max : an item covers at most this share of the frame; more is a change of the whole scene
    contrast : smallest colour difference to the background that counts, in levels of 255
    adapt_s : time in which visible background follows a change of light
    absorb_s : foreground that is no tracked item and lies still this long becomes background
    settle_s : a change of the whole scene that stands still this long is the new background
    recur_s : untracked foreground that a pixel showed this long in all becomes background that recurs
    puzzling_share : more unexpected foreground than this may be a change of light, or the camera moved
    field_share : more foreground than this may be light from one side
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
    """Subtracts the background from the frames of one camera, which it takes in order."""

    def __init__(self, config: ForegroundConfig | None = None) -> None:
        self.config = config or ForegroundConfig()
        self._background: Background | None = None
        self._resting = RestingItems()
        self._previous: FloatArray = np.empty((0, 0, 3), np.float32)
        self._foreground: Mask = np.empty((0, 0), np.bool_)
        self._still_s: FloatArray = np.empty((0, 0), np.float32)
        self._holes: Mask = np.empty((0, 0), np.bool_)
        self._settling_s = 0.0
        self._noise = 1.0
        self._contrast = self.config.contrast

    def detect(
        self, frame: Image, elapsed_s: float, expected: Sequence[Box] = (), distractors: Sequence[Box] = ()
    ) -> Scene:
        """Take in the next frame.

        Parameters
        ----------
        frame : uint8 (h, w, 3), RGB
        elapsed_s : time since the frame before, in seconds
        expected : where the tracked items should be by now. They are not absorbed into the background, they
            split foreground that two items share, and hold together one that falls into pieces.
        distractors : where tracked things should be that are no items, such as a shopper behind. They split
            foreground as well, but are absorbed.

        Returns
        -------
        Scene
            The first frame, and the first one of another size, is taken for the bare counter and yields
            nothing.
        """
        small = self._reduced(frame)
        if self._background is None or self._previous.shape != small.shape:
            self._resting.forget_looks()
            return self._begin(small)
        self._background.follow_light(small, ~self._foreground)
        step = largest_difference(small, self._previous)
        self._previous = small
        self._noise += 0.1 * (float(np.median(step)) / 0.95 - self._noise)
        contrast = self._contrast = self.config.contrast + 3.0 * min(self._noise, 10.0)
        foreground = self._background.differing(small, contrast)
        of_items, of_distractors = (boxes_mask(boxes, foreground.shape) for boxes in (expected, distractors))
        known = of_items | of_distractors
        if float((foreground & ~known).mean()) > self.config.puzzling_share:
            foreground = self._background.stabilized(
                small, contrast, foreground, self._foreground | known, self.config.field_share
            )
        self._still_s = np.where(step < contrast, self._still_s + elapsed_s, 0).astype(np.float32)
        changed = float(foreground.mean())
        if changed > self.config.item_share_max:
            return self._scene_changed(small, float((step < contrast).mean()), elapsed_s, foreground)
        self._settling_s = 0.0
        self._holes[:] = False
        proposals: tuple[Proposal, ...] = ()
        if changed * small.shape[0] * small.shape[1] >= self._item_side_px(small.shape[0]) ** 2 / 2:
            whole = holes_filled(foreground, small.shape[0])
            proposals = self._proposals(self._background, small, whole, [*expected, *distractors])
        tracked = connected_to(foreground, expected) & (of_items | ~of_distractors)
        tracked |= self._resting.mask(tracked.shape)
        self._background.learn(small, self._learning_weight(foreground, tracked, elapsed_s))
        self._background.learn_recurrent(small, foreground & ~tracked, tracked, elapsed_s, contrast)
        self._foreground = foreground
        return Scene(proposals, changed, foreground)

    def covered(self, box: Box) -> float:
        """Return the share of a box, 0..1, that differed from the background in the last frame."""
        part = self._foreground[window_of(box, self._foreground.shape)]
        return float(part.mean()) if part.size else 0.0

    def add_resting_item(self, track: int, box: Box) -> None:
        """Take the foreground in a box of the last frame for part of the background, until it is removed."""
        self._resting.add(track, box, self._previous, self._foreground)

    def remove_resting_item(self, track: int) -> None:
        """Take the item of a track for foreground again; one that was never added is no error."""
        self._resting.remove(track)

    def resting_items_uncovered(self) -> list[tuple[int, float]]:
        """Return for each resting item its track and the share of its pixels, 0..1, that show the counter."""
        if self._background is None:
            return []
        return list(self._resting.uncovered(self._background.visible, self._previous, self._contrast))

    def _item_side_px(self, height: int) -> float:
        return self.config.item_side * height

    def _reduced(self, frame: Image) -> FloatArray:
        height = max(16, round(frame.shape[0] * self.config.work_width_px / frame.shape[1]))
        small = cv2.resize(frame, (self.config.work_width_px, height), interpolation=cv2.INTER_AREA)
        return small.astype(np.float32)

    def _begin(self, small: FloatArray) -> Scene:
        self._background = Background(small, self.config.recur_s, self._resting)
        self._previous = small
        self._foreground = np.zeros(small.shape[:2], np.bool_)
        self._still_s = np.zeros(small.shape[:2], np.float32)
        self._holes = np.zeros(small.shape[:2], np.bool_)
        self._settling_s = 0.0
        return Scene((), 0.0, self._foreground)

    def _scene_changed(self, small: FloatArray, still: float, elapsed_s: float, foreground: Mask) -> Scene:
        """Wait until light that was switched or a camera that was pushed stands still, then begin afresh."""
        self._settling_s = self._settling_s + elapsed_s if still > SETTLED_SHARE else 0.0
        if self._settling_s >= self.config.settle_s:
            return self._begin(small)
        self._foreground = foreground
        return Scene((), float(foreground.mean()), foreground, unsettled=True)

    def _learning_weight(self, foreground: Mask, tracked: Mask, elapsed_s: float) -> FloatArray:
        """Let visible pixels follow the light and still leftovers be absorbed; never a tracked item."""
        near = cv2.dilate(foreground.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(np.bool_)
        rate = 1.0 - float(np.exp(-elapsed_s / self.config.adapt_s))
        weight = np.where(near | tracked, 0.0, rate).astype(np.float32)
        weight[((self._still_s > self.config.absorb_s) & ~tracked) | self._holes] = 1.0
        return weight

    def _proposals(
        self, background: Background, small: FloatArray, foreground: Mask, expected: Sequence[Box]
    ) -> tuple[Proposal, ...]:
        labels = item_regions(foreground, expected, self._item_side_px(small.shape[0]) / 2)
        found = []
        for label, window in windows_of(labels).items():
            region = labels[window] == label
            if self._rests(region, window) and background.is_hole(small, region, window):
                self._holes[window] |= region
            else:
                found.append(proposal_of(small, region, window))
        return tuple(found)

    def _rests(self, region: Mask, window: Window) -> bool:
        return float(np.median(self._still_s[window][region])) >= HOLE_STILL_S
