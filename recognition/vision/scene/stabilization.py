"""Estimates a change of light or a shift of the camera: what would make background and frame agree."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from recognition.vision.types import FloatArray, Mask

OFFSET = 8.0
"""Added to levels before they are divided, so that the noise of dark pixels weighs little."""

DARK, SATURATED = 24.0, 248.0
"""Levels at or below the one, and at or above the other, tell little about the light."""

GAIN_LIMITS = (0.3, 3.0)
"""Light that changed by more than this is not followed further."""

SHIFT_MAX_SHARE = 0.08
"""A camera that moved by more of the frame's width than this shows another scene."""

SHIFT_MIN_PX = 0.25
"""A smaller shift is noise of the estimate."""

VISIBLE_SHARE_MIN = 0.2
"""Light is not estimated where less of the counter than this is visible."""

WAVES = (6, 5)
"""Cosines across and down that a field of light is made of: a lamp's soft edge, but no outline of a thing."""

CELL_PX = 4
_ROUNDS = 5


def clipped(background: FloatArray) -> FloatArray:
    """Return the background as a camera shows it, levels of 255: nothing is brighter than white."""
    return np.minimum(background, 255.0)


def light_gain(background: FloatArray, frame: FloatArray, visible: Mask) -> FloatArray:
    """Estimate by how much the light changed in the whole scene.

    Parameters
    ----------
    background, frame : float32 (h, w, 3), levels of 255; the background may be brighter than white
    visible : bool (h, w), where the counter was seen a frame ago

    Returns
    -------
    float32 (3,)
        The median factor of each channel, in 0.3..3; 1 for all where too little is visible or the factors
        would not bring the two closer together.
    """
    before, now, seen = background[::3, ::3], frame[::3, ::3], visible[::3, ::3]
    unchanged = np.ones(3, np.float32)
    if seen.mean() < VISIBLE_SHARE_MIN:
        return unchanged
    clear = (
        seen & (now.max(axis=2) < SATURATED) & (before.max(axis=2) < SATURATED) & (before.min(axis=2) > DARK)
    )
    used = clear if clear.sum() > 0.1 * seen.sum() else seen
    before, now = before[used], now[used]
    ratio = np.median(now / np.maximum(before, OFFSET), axis=0)
    gain = np.clip(ratio, *GAIN_LIMITS).astype(np.float32)
    worse = np.median(np.abs(now - before * gain)) > np.median(np.abs(now - before))
    return unchanged if worse else gain


def scene_shift(background: FloatArray, frame: FloatArray, hidden: Mask) -> tuple[float, float] | None:
    """Estimate how far the scene moved in the frame, by phase correlation (C. Kuglin and D. Hines, 1975).

    Parameters
    ----------
    background, frame : float32 (h, w, 3), levels of 255
    hidden : bool (h, w), where items were; these pixels are not compared

    Returns
    -------
    tuple of float, or None
        (right, down) in pixels; None where nothing moved, or further than `SHIFT_MAX_SHARE` of the width.
    """
    one, other = clipped(background).mean(axis=2), frame.mean(axis=2)
    other = np.where(hidden, one, other)
    height, width = one.shape
    (right, down), _ = cv2.phaseCorrelate(one, other, _window(width, height))
    far = float(np.hypot(right, down))
    return (right, down) if SHIFT_MIN_PX <= far <= SHIFT_MAX_SHARE * width else None


def shifted(picture: FloatArray, shift: tuple[float, float]) -> FloatArray:
    """Move a picture, float32 (h, w, 3) or (h, w), by (right, down) pixels, repeating its rim."""
    move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    return cv2.warpAffine(picture, move, picture.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


def revealed(shape: tuple[int, ...], shift: tuple[float, float]) -> Mask:
    """Mark what a shift by (right, down) pixels brings into view at the rim: bool (h, w)."""
    inside = np.zeros(shape[:2], np.float32)
    inside[1:-1, 1:-1] = 1.0
    move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    return cv2.warpAffine(inside, move, shape[1::-1]) < 1.0


def light_field(background: FloatArray, frame: FloatArray, visible: Mask) -> FloatArray:
    """Estimate a soft change of light that differs from place to place.

    A few cosines are fitted to the logarithm of frame over background by iteratively reweighted least
    squares (P. Huber, Robust Statistics, 1981): what does not follow loses its weight.

    Parameters
    ----------
    background, frame : float32 (h, w, 3), levels of 255; the background may be brighter than white
    visible : bool (h, w), where the counter is seen

    Returns
    -------
    float32 (h, w, 1)
        Factors in about 0.3..3.
    """
    height, width = visible.shape
    size = width // CELL_PX, height // CELL_PX
    ratio = np.log((frame + OFFSET) / (clipped(background) + OFFSET)).mean(axis=2)
    target = cv2.resize(ratio, size, interpolation=cv2.INTER_AREA).ravel()
    trust = cv2.resize(visible.astype(np.float32), size, interpolation=cv2.INTER_AREA).ravel()
    waves = _cosines(*size)
    weight = trust.copy()
    level = np.zeros(waves.shape[1])
    ridge = 0.02 * np.eye(waves.shape[1])
    for _ in range(_ROUNDS):
        weighted = waves * weight[:, None]
        level = np.linalg.solve(weighted.T @ waves + ridge, weighted.T @ target)
        away = np.abs(target - waves @ level)
        spread = max(1.5 * float(np.median(away[trust > 0.5])) if (trust > 0.5).any() else 0.05, 0.03)
        weight = trust / (1.0 + (away / spread) ** 2) ** 2
    fitted = (waves @ level).reshape(size[::-1]).astype(np.float32)
    factors = np.exp(np.clip(fitted, *np.log(GAIN_LIMITS)))
    return cv2.resize(factors, (width, height), interpolation=cv2.INTER_CUBIC)[..., None].astype(np.float32)


@lru_cache(maxsize=8)
def _window(width: int, height: int) -> FloatArray:
    return cv2.createHanningWindow((width, height), cv2.CV_32F).astype(np.float32)


@lru_cache(maxsize=8)
def _cosines(width: int, height: int) -> FloatArray:
    across = np.cos(np.pi * np.outer((np.arange(width) + 0.5) / width, np.arange(WAVES[0])))
    down = np.cos(np.pi * np.outer((np.arange(height) + 0.5) / height, np.arange(WAVES[1])))
    waves = np.einsum("yj,xi->yxji", down, across).reshape(width * height, -1)
    return waves.astype(np.float32)
