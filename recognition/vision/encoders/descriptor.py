"""Describes which colours lie in the middle of a picture: the 256 semantic numbers of the compact encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from recognition.vision.encoders.layout import SEMANTIC_DIM, unit_rows
from recognition.vision.types import FloatArray, Image

DESCRIPTOR_VERSION = "1"

_SIDE_PX = 32
_LIGHTNESS_BINS = 4
_CHROMA_BINS = 8
# CIELAB chroma beyond 60 is rare in print under shop light; the power spends more bins on the pale colours,
# where cartons of one brand differ. Both, the window and the root were chosen on the Grocery Store photos.
_CHROMA_LIMIT = 60.0
_CHROMA_POWER = 0.7
_WINDOW_DEVIATION = (0.5, 0.3)
_ROOT = 0.35


@dataclass(frozen=True)
class ColourLayout:
    """The descriptor: colour shares, seen from the average shop photo, in units of what one product varies.

    Raw shares of any two photos are alike (their cosines crowd between 0.5 and 0.9), and joined to another
    block they would count for little. Taking off the mean spreads them; whitening by the covariance within
    products (within-class covariance normalisation, A. Hatch et al., 2006) discounts the colours that light
    and shelf change anyway. Both statistics are fixed: they ship with the weights.

    Attributes
    ----------
    mean : float32 (256,)
    projection : float32 (256, 256)
    """

    mean: FloatArray
    projection: FloatArray

    def __post_init__(self) -> None:
        if self.mean.shape != (SEMANTIC_DIM,) or self.projection.shape != (SEMANTIC_DIM, SEMANTIC_DIM):
            raise ValueError(
                f"expected a mean of {SEMANTIC_DIM} numbers and a square projection of as many, "
                f"got {self.mean.shape} and {self.projection.shape}"
            )

    def __call__(self, images: Sequence[Image]) -> FloatArray:
        """Describe RGB uint8 pictures (h, w, 3) of any size: float32 (len(images), 256), unit rows."""
        centred: FloatArray = colour_shares(images) - self.mean
        return unit_rows(centred @ self.projection)


def colour_shares(images: Sequence[Image]) -> FloatArray:
    """Share of each colour in each picture, counted mostly in the middle, where the item is.

    Each of 32 by 32 cells votes for the neighbouring bins of a 4 x 8 x 8 grid over CIELAB, linearly shared
    so that a slightly other light moves the numbers only slightly, and weighted by a Gaussian window over
    the middle of the picture, higher than wide as packs are. A root evens out the shares: a colour on a
    tenth of the front tells products apart nearly as well as the ground colour (for the square root the
    inner product is the Bhattacharyya coefficient; the sharper root was measured to be better).

    Parameters
    ----------
    images : RGB uint8 arrays (h, w, 3) of any size

    Returns
    -------
    float32 (len(images), 256), rows of unit length and without negative entries
    """
    if not images:
        return np.empty((0, SEMANTIC_DIM), np.float32)
    return unit_rows(np.stack([_soft_histogram(image) for image in images]) ** np.float32(_ROOT))


def _soft_histogram(image: Image) -> FloatArray:
    """Soft histogram float32 (256,) of one picture, its sum 1."""
    small = cv2.resize(image, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB).reshape(-1, 3)
    chroma = np.clip(lab[:, 1:] / _CHROMA_LIMIT, -1.0, 1.0)
    chroma = np.sign(chroma) * np.abs(chroma) ** _CHROMA_POWER
    lightness = _soft_bins(lab[:, 0] / 100.0, _LIGHTNESS_BINS) * _window()[:, None]
    green_red = _soft_bins(chroma[:, 0] * 0.5 + 0.5, _CHROMA_BINS)
    blue_yellow = _soft_bins(chroma[:, 1] * 0.5 + 0.5, _CHROMA_BINS)
    pairs = (green_red[:, :, None] * blue_yellow[:, None, :]).reshape(len(lab), -1)
    return (lightness.T @ pairs).reshape(SEMANTIC_DIM)


def _soft_bins(values: FloatArray, bins: int) -> FloatArray:
    """Share each value in 0..1 between the two nearest of evenly placed centres: float32 (n, bins)."""
    place = np.clip(values, 0.0, 1.0) * (bins - 1)
    distance = np.abs(place[:, None] - np.arange(bins, dtype=np.float32))
    return np.maximum(0.0, 1.0 - distance).astype(np.float32)


@lru_cache(maxsize=1)
def _window() -> FloatArray:
    """Weight of each cell, row by row: float32 (cells,), its sum 1."""
    axis = (np.arange(_SIDE_PX) + 0.5) * 2.0 / _SIDE_PX - 1.0
    high, wide = (np.exp(-0.5 * (axis / deviation) ** 2) for deviation in _WINDOW_DEVIATION)
    window = np.outer(high, wide).reshape(-1)
    return (window / window.sum()).astype(np.float32)
