"""Remembers how items on the tray look, so that one put on top is seen, and one taken away is missed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from recognition.vision.scene.differences import largest_difference
from recognition.vision.scene.regions import window_of
from recognition.vision.scene.stabilization import shifted
from recognition.vision.types import Box, FloatArray, Mask, Window


@dataclass
class _RestingItem:
    window: Window
    mask: Mask
    pixels: FloatArray


class RestingItems:
    """How items that lie still look, by the number of their track."""

    def __init__(self) -> None:
        self._items: dict[int, _RestingItem] = {}

    def add(self, track: int, box: Box, small: FloatArray, foreground: Mask) -> None:
        """Remember how an item looks.

        Parameters
        ----------
        small : float32 (h, w, 3), levels of 255
        foreground : bool (h, w); what of it lies in the box is the item
        """
        window = window_of(box, foreground.shape)
        self._items[track] = _RestingItem(window, foreground[window].copy(), small[window].copy())

    def remove(self, track: int) -> None:
        """Forget an item; one that was never added is no error."""
        self._items.pop(track, None)

    def forget_looks(self) -> None:
        """Keep the items but not how they look, because frames have another size now: all are uncovered."""
        for item in self._items.values():
            item.window = (slice(0, 1), slice(0, 1))
            item.mask, item.pixels = np.zeros((1, 1), np.bool_), np.zeros((1, 1, 3), np.float32)

    def resembles(self, small: FloatArray, contrast: float) -> Mask:
        """Mark the pixels of a frame that look like the item that rests there: bool (h, w)."""
        alike = np.zeros(small.shape[:2], np.bool_)
        for item in self._items.values():
            same = largest_difference(small[item.window], item.pixels) <= contrast
            alike[item.window] |= item.mask & same
        return alike

    def mask(self, shape: tuple[int, ...]) -> Mask:
        """Mark where items rest: bool (h, w) of a picture of this shape."""
        mask = np.zeros(shape[:2], np.bool_)
        for item in self._items.values():
            mask[item.window] |= item.mask
        return mask

    def uncovered(
        self, background: FloatArray, small: FloatArray, contrast: float
    ) -> Iterable[tuple[int, float]]:
        """Return for each item its track and the share of its pixels, 0..1, in which the counter is seen."""
        for track, item in self._items.items():
            counter = largest_difference(small[item.window], background[item.window]) <= contrast
            yield track, float(counter[item.mask].mean()) if item.mask.any() else 1.0

    def relight(self, gain: FloatArray) -> None:
        """Follow a change of light: float32 factors (3,), or (h, w, 1) for each pixel of the frame."""
        for item in self._items.values():
            item.pixels *= gain if gain.ndim == 1 else gain[item.window]

    def shift(self, shift: tuple[float, float]) -> None:
        """Follow a shift of the camera by (right, down) pixels."""
        for item in self._items.values():
            item.pixels = shifted(item.pixels, shift)
            item.mask = shifted(item.mask.astype(np.float32), shift) > 0.5
