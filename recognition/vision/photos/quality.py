"""Judges a product photo by what weakens recognition, alone and beside the others of its product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from recognition.vision.types import Box, GreyImage, Image, Mask

PHOTO_QUALITY_VERSION = 1
"""Raised with every change here that would judge a stored photo differently."""

QUALITY_SIDE_PX = 320
"""Photos are judged at this on the longer side: blur that is gone by then harms neither the encoders, which
look at 112 to 256 px, nor the keypoints, found at 192 px."""

SHARPNESS_MIN = 0.279
"""Share of the height of the strongest edges, over four pixels, that is reached within one, in the worst of
four directions; 0.25 is a ramp. 1% of 500 training photos of the Grocery Store set lie below, as do 0.5% of
400 clothing photos and 1 of the 81 pictures on white. Of 120 of them blurred by a Gaussian of 2 px 98% do, of
1.5 px 65%, moved by 11 px all."""

BRIGHTEST_MIN = 130
"""Grey, 0..255, that the lightest 2% of a photo reach. None of 600 Grocery photos lies below, nor 99.5% of
300 clothing photos; two stops darker 19 in 20 do, one stop darker one in a hundred."""

RANGE_MIN = 75
"""Grey between the darkest and the lightest 2%. The least of 600 Grocery photos is 138; with contrast cut to
a third three in four lie below 75, to a quarter all. White milk on a white page, in 1 of 81 pictures, too."""

BLOWN_MAX = 0.1
"""Share of the photo, or on a white ground of what stands on it, whose highlights have no detail left. The
99th of 100 Grocery photos has 0.022, of the pictures on white 0.019; two stops lighter two in five have more
than this, three stops lighter two in three."""

SHORTEST_SIDE_MIN_PX = 128
"""A smaller photo has fewer pixels than the smallest encoder looks at."""

ITEM_SHARE_MIN = 0.06
"""Share of the photo that an item has to cover, where one stands out: a quarter of each side."""

SAME_PICTURE_BITS = 5
"""Bits of the picture hash, of 64, in which two photos may differ and still be one picture saved twice.

Saving 150 photos again at two thirds of the size changed 2 bits at most. Of the pairs of photos of one class
in the Grocery set 3 in 1,000 photos have such a twin, taken within a second; of two classes none.
"""

ALIKE_BITS = 18
"""Where no two photos of a product differ in more bits than this, all show it from one side.

Of 1,620 random sets of three photos of one class the least had 17, of five photos 29; of four photos drawn
from one by turning it by 1.5 degrees and moving it by 1%, 19 in 20 sets have 16 or less.
"""

PHOTOS_WANTED = 3
"""Recall with five photos a product was measured 6 points above that with one on the cartons."""

_EDGE_QUANTILE = 0.995
_LEVELS_OF_GREY = 16
_WHITE = 250
_WHITE_GROUND = 0.7


class PhotoFault(StrEnum):
    """What is wrong with a photo by itself."""

    BLURRED = "blurred"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    WASHED_OUT = "washed_out"
    TOO_SMALL = "too_small"
    ITEM_SMALL = "item_small"


@dataclass(frozen=True)
class PhotoQuality:
    """What was measured on a photo.

    Attributes
    ----------
    sharpness : 0.25 for the softest of edges to 1 for a step between two pixels
    brightest, darkest : grey, 0..255, of the lightest and the darkest 2%
    blown : share of the photo that is overexposed to white, 0..1
    shortest_side_px : of the stored photo
    item_share : share of the photo that the box of its item covers, 1 where none stands out
    picture_hash : 64 bits, difference hash
    """

    sharpness: float
    brightest: float
    darkest: float
    blown: float
    shortest_side_px: int
    item_share: float
    picture_hash: int

    @property
    def faults(self) -> tuple[PhotoFault, ...]:
        """What is wrong with the photo by itself; empty for a good one."""
        found = {
            PhotoFault.TOO_DARK: self.brightest < BRIGHTEST_MIN,
            PhotoFault.TOO_BRIGHT: self.blown > BLOWN_MAX,
            PhotoFault.WASHED_OUT: self.brightest - self.darkest < RANGE_MIN,
            PhotoFault.BLURRED: self.sharpness < SHARPNESS_MIN,
            PhotoFault.TOO_SMALL: self.shortest_side_px < SHORTEST_SIDE_MIN_PX,
            PhotoFault.ITEM_SMALL: self.item_share < ITEM_SHARE_MIN,
        }
        # In the dark everything is soft and flat: the cause is named, not what follows from it.
        if found[PhotoFault.TOO_DARK]:
            found[PhotoFault.WASHED_OUT] = found[PhotoFault.BLURRED] = False
        return tuple(fault for fault, is_wrong in found.items() if is_wrong)


def photo_quality(image: Image, *, item: Box | None) -> PhotoQuality:
    """Measure a photo.

    Parameters
    ----------
    image : uint8 (h, w, 3) RGB
    item : box of its item, as `item_box` found it

    Raises
    ------
    ValueError
        When the picture is empty, not uint8, or not of three channels.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"expected an RGB uint8 picture (h, w, 3), got {image.dtype} {image.shape}")
    height, width = image.shape[:2]
    scale = min(1.0, QUALITY_SIDE_PX / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    darkest, brightest = np.quantile(grey, (0.02, 0.98))
    return PhotoQuality(
        sharpness=_sharpness(grey),
        brightest=float(brightest),
        darkest=float(darkest),
        blown=_blown(small),
        shortest_side_px=min(height, width),
        item_share=1.0 if item is None else item.area,
        picture_hash=picture_hash(image),
    )


def picture_hash(image: Image) -> int:
    """Return the difference hash of a picture (N. Krawetz, 2013).

    Parameters
    ----------
    image : uint8 (h, w, 3) RGB

    Returns
    -------
    int
        64 bits: of 8 rows of 9 fields, which are brighter than the one to their left.
    """
    fields = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (9, 8), interpolation=cv2.INTER_AREA)
    return int.from_bytes(np.packbits(fields[:, 1:] > fields[:, :-1]).tobytes(), "big")


def pictures_differ_bits(one: int, other: int) -> int:
    """Return in how many bits, 0..64, two picture hashes differ."""
    return (one ^ other).bit_count()


def all_alike(hashes: Sequence[int]) -> bool:
    """Tell whether photos of a product, at least two, all show it from one side.

    Parameters
    ----------
    hashes : of `picture_hash`
    """
    return len(hashes) > 1 and all(
        pictures_differ_bits(one, other) <= ALIKE_BITS
        for position, one in enumerate(hashes)
        for other in hashes[:position]
    )


def _sharpness(grey: GreyImage) -> float:
    """Compare the steps of the strongest edges over one pixel with those over four, in the worst direction.

    A blurred edge rises evenly, so over four pixels it rises four times as much as over one; a sharp one is
    complete after the first. Light and contrast cancel out. Motion blurs one direction only.
    """
    soft = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 0.6)  # noise and the blocks of JPEG are no edges
    fine = np.round(soft * _LEVELS_OF_GREY).astype(np.uint16)
    return min(
        _edge_height(fine, across, down, 1) / (_edge_height(fine, across, down, 4) + 2.0)
        for across, down in ((1, 0), (0, 1), (1, 1), (-1, 1))
    )


def _edge_height(fine: NDArray[np.uint16], across: int, down: int, steps: int) -> float:
    """Return by how many grey levels the strongest 0.5% of edges rise over some pixels in a direction."""
    across, down = across * steps, down * steps
    height, width = fine.shape
    here = fine[: height - down, max(0, -across) : width - max(0, across)]
    there = fine[down:, max(0, across) : width - max(0, -across)]
    # Counting takes a tenth of the time that sorting would.
    counts = np.bincount(cv2.absdiff(here, there).ravel())
    rise = np.searchsorted(np.cumsum(counts), _EDGE_QUANTILE * here.size)
    return float(rise) / _LEVELS_OF_GREY


def _blown(small: Image) -> float:
    """Return the share of white without detail; on a white ground, of what stands on it."""
    white: Mask = cv2.inRange(small, (_WHITE,) * 3, (255,) * 3) > 0
    border = np.concatenate([white[0], white[-1], white[:, 0], white[:, -1]])
    if border.mean() < _WHITE_GROUND:
        return float(white.mean())
    count, pieces = cv2.connectedComponents(white.astype(np.uint8), connectivity=4)
    at_border = np.unique(np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]]))
    ground = np.isin(pieces, at_border[at_border > 0])
    standing = ~ground
    return float(white[standing].mean()) if standing.any() and count > 1 else 1.0
