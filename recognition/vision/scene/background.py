"""The model of the counter behind the items: it follows light and camera and learns what lies still."""

from __future__ import annotations

import cv2
import numpy as np

from recognition.vision.scene.differences import largest_difference
from recognition.vision.scene.recurrent_background import RecurrentBackground
from recognition.vision.scene.regions import closed
from recognition.vision.scene.resting_items import RestingItems
from recognition.vision.scene.stabilization import (
    clipped,
    light_field,
    light_gain,
    revealed,
    scene_shift,
    shifted,
)
from recognition.vision.types import FloatArray, Mask, Window

SHIFT_EXPLAINS_MAX = 0.6
"""A shift of the camera is believed where it leaves less than this of the foreground, 0..1."""

LIGHT_EXPLAINS_MAX = 0.4
"""The same of light from one side, which has more parameters to fit with."""

HOLE_EDGES_MAX = 0.5
"""An outline with less than this of the background's edges, in strength, is that of a hole."""


class Background:
    """What each pixel shows while no item is before it.

    Parameters
    ----------
    small : float32 (h, w, 3), levels of 255: the bare counter
    recur_s : time after which what comes and goes is part of the background too
    resting : items on the tray, which are part of it as long as they lie there
    """

    def __init__(self, small: FloatArray, recur_s: float, resting: RestingItems) -> None:
        self._pixels = small.copy()
        self._recurrent = RecurrentBackground(small, recur_s)
        self._resting = resting

    @property
    def visible(self) -> FloatArray:
        """The bare counter as a camera shows it: float32 (h, w, 3), levels of 255."""
        return clipped(self._pixels)

    def differing(self, small: FloatArray, contrast: float) -> Mask:
        """Mark what looks neither like the bare counter nor like what belongs to it.

        Parameters
        ----------
        small : float32 (h, w, 3), levels of 255
        contrast : least difference of a channel that counts, in levels
        """
        difference = largest_difference(small, self.visible)
        alike = self._recurrent.resembles(small, contrast) | self._resting.resembles(small, contrast)
        return closed((difference > contrast) & ~alike)

    def follow_light(self, small: FloatArray, visible: Mask) -> None:
        """Let all of the background follow a change of light, hidden parts too.

        Parameters
        ----------
        visible : bool (h, w), where the counter was seen a frame ago
        """
        gain = light_gain(self._pixels, small, visible)
        self._pixels *= gain
        self._relight(gain)

    def stabilized(
        self, small: FloatArray, contrast: float, foreground: Mask, hidden: Mask, field_share: float
    ) -> Mask:
        """Follow a shift of the camera or light from one side, where that explains most of what differs.

        Parameters
        ----------
        foreground : bool (h, w), what differs now
        hidden : bool (h, w), where items are or were; these pixels are not compared
        field_share : light from one side is tried where more of the frame than this differs

        Returns
        -------
        bool (h, w)
            What still differs; `foreground` where neither explains it, and the background is left alone then.
        """
        differing = float(foreground.mean())
        before = self._pixels
        shift = scene_shift(before, small, hidden)
        if shift is not None:
            self._pixels = shifted(before, shift)
            rim = revealed(small.shape, shift)
            self._pixels[rim] = small[rim]
            remaining = self.differing(small, contrast)
            if float(remaining.mean()) < SHIFT_EXPLAINS_MAX * differing:
                self._recurrent.pixels = shifted(self._recurrent.pixels, shift)
                self._resting.shift(shift)
                return remaining
            self._pixels = before
        if differing > field_share:
            field = light_field(before, small, ~hidden)
            self._pixels = before * field
            remaining = self.differing(small, contrast)
            if float(remaining.mean()) < LIGHT_EXPLAINS_MAX * differing:
                self._relight(field)
                return remaining
            self._pixels = before
        return foreground

    def learn(self, small: FloatArray, weight: FloatArray) -> None:
        """Take in pixels by weights in 0..1, float32 (h, w): 0 keeps the background, 1 replaces it."""
        # A pixel that came out whiter than white is as bright as it was thought to be.
        target = np.where(small > 254.0, np.maximum(small, self._pixels), small)
        self._pixels += weight[:, :, None] * (target - self._pixels)

    def learn_recurrent(
        self, small: FloatArray, untracked: Mask, tracked: Mask, elapsed_s: float, contrast: float
    ) -> None:
        """Learn what comes and goes behind the items, as `RecurrentBackground.learn` does."""
        self._recurrent.learn(small, untracked, tracked, elapsed_s, contrast)

    def is_hole(self, small: FloatArray, region: Mask, window: Window) -> bool:
        """Tell a hole in the background (something of it was taken away) from a thing before it.

        The outline of a thing is an edge in the frame; the outline of a hole is an edge in the background.

        Parameters
        ----------
        region : bool, the size of the window
        window : rows and columns of the frame around the region
        """
        # Two pixels more all round, as far as the frame goes: the edge lies on both sides of the outline.
        wide = (
            slice(max(0, window[0].start - 2), window[0].stop + 2),
            slice(max(0, window[1].start - 2), window[1].stop + 2),
        )
        inside = np.zeros(small[wide].shape[:2], np.uint8)
        top, left = window[0].start - wide[0].start, window[1].start - wide[1].start
        inside[top : top + region.shape[0], left : left + region.shape[1]] = region
        outline = cv2.morphologyEx(inside, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
        now, before = _edges(small[wide])[outline], _edges(self._pixels[wide])[outline]
        return float(now.mean()) < HOLE_EDGES_MAX * float(before.mean())

    def _relight(self, gain: FloatArray) -> None:
        self._recurrent.pixels *= gain
        self._resting.relight(gain)


def _edges(part: FloatArray) -> FloatArray:
    grey = part.mean(axis=2)
    return cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
