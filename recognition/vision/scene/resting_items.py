"""Remembers how items on the tray look, so that what is put upon one is seen, and that one is gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from recognition.vision.scene.regions import window_of
from recognition.vision.scene.stabilization import shifted
from recognition.vision.types import Box, FloatArray, Mask, Window


@dataclass
class _RestingItem:
    window: Window
    mask: Mask
    pixels: FloatArray


class RestingItems:
    """The looks of items that lie still, by the number of their track."""

    def __init__(self) -> None:
        self._laid: dict[int, _RestingItem] = {}

    def lay(self, track: int, box: Box, small: FloatArray, foreground: Mask) -> None:
        """Take in how an item looks: what differs from the counter in its box."""
        window = window_of(box, foreground.shape)
        self._laid[track] = _RestingItem(window, foreground[window].copy(), small[window].copy())

    def lift(self, track: int) -> None:
        """Forget an item; one that was never laid is no error."""
        self._laid.pop(track, None)

    def resembles(self, small: FloatArray, contrast: float) -> Mask:
        """Mark what looks like an item that lies there."""
        alike = np.zeros(small.shape[:2], np.bool_)
        for laid in self._laid.values():
            same = np.abs(small[laid.window] - laid.pixels).max(axis=2) <= contrast
            alike[laid.window] |= laid.mask & same
        return alike

    def mask(self, shape: tuple[int, ...]) -> Mask:
        """Mark where items lie."""
        mask = np.zeros(shape[:2], np.bool_)
        for laid in self._laid.values():
            mask[laid.window] |= laid.mask
        return mask

    def bare(self, background: FloatArray, small: FloatArray, contrast: float) -> Iterable[tuple[int, float]]:
        """Give for each item the share of its place in which the counter is seen, 0..1."""
        for track, laid in self._laid.items():
            counter = np.abs(small[laid.window] - background[laid.window]).max(axis=2) <= contrast
            yield track, float(counter[laid.mask].mean()) if laid.mask.any() else 1.0

    def relight(self, factor: FloatArray) -> None:
        """Let them follow a change of light: factors of shape (3,) or (h, w, 1)."""
        for laid in self._laid.values():
            laid.pixels *= factor if factor.ndim == 1 else factor[laid.window]

    def shift(self, shift: tuple[float, float]) -> None:
        """Let them follow a push of the camera, in pixels."""
        for laid in self._laid.values():
            laid.pixels = shifted(laid.pixels, shift)
            laid.mask = shifted(laid.mask.astype(np.float32), shift) > 0.5
