"""Finds the item of a product photo, so that a photo of a whole shelf embeds the item and not the shelf."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from recognition.vision.types import Box, GreyImage, Image, Mask

PHOTO_ITEM_VERSION = "1"
"""Part of every encoder's fingerprint: changes with anything here that changes which pixels are embedded."""

SHARED_COLOURS_MAX = 0.15
"""How much of the item's colours, 0..1, may also be found around it.

Measured with five photos a class of 2,640 of the Grocery Store set, which show an item in the hand or a heap
of fruit and need no crop, and with 243 pictures of its 81 products pasted on such photos, a third to two
thirds of their height. Crops were found on 3% of the former, where recall@1 stayed as it was (cartons 0.776
and 0.774), and on 38% of the latter, where it rose from 0.26 to 0.64. At 0.2 it was 7% (0.764) and 51%
(0.70).
"""

AGREEMENT_MIN = 0.7
"""Intersection over union of the items found from two initial guesses."""

CROP_SHARE_MAX = 0.45
"""A photo whose item covers more of it than this needs no crop."""

CROP_SHARE_MIN = 0.01
"""A spot that covers less of the photo than this is a label or a glint."""

CROP_SIDE_MIN_PX = 128
"""A photo with a shorter side than this has no pixels to spare: encoders look at 112 px and more."""

RIM_SHARE = 0.04
"""Margin around the item on each side, of its own size: a box that is a little too small costs more than one
a little too large, and encoders crop the rim."""

_SEGMENTED_SIDE_PX = 64
_BINS = 6
_CENTRE_WIDTH = 0.25


@dataclass(frozen=True)
class _Guess:
    """Where a segmentation first assumes the item, in half sides from the centre."""

    likely: float
    certain: float
    rounds: int


_WIDE = _Guess(likely=0.5, certain=0.2, rounds=2)
_NARROW = _Guess(likely=0.4, certain=0.15, rounds=3)


def photo_item(image: Image) -> Image:
    """Crop a product photo to its item, or return it as it is where no item stands out.

    This is the part of a stored photo that is embedded and verified.

    Parameters
    ----------
    image : uint8 (h, w, 3) RGB, of any size

    Returns
    -------
    uint8 RGB
        A view of `image`, the same for the same pixels.
    """
    return item_cut(image, item_box(image))


def item_cut(image: Image, item: Box | None) -> Image:
    """Cut an item out of its photo with a narrow margin.

    Parameters
    ----------
    image : uint8 (h, w, 3) RGB
    item : relative to the photo, 0..1; None where none stands out

    Returns
    -------
    uint8 RGB
        A view of `image`, all of it where `item` is None.
    """
    if item is None:
        return image
    height, width = image.shape[:2]
    rim_x, rim_y = RIM_SHARE * item.width, RIM_SHARE * item.height
    left, top = max(0.0, item.x - rim_x), max(0.0, item.y - rim_y)
    right, bottom = min(1.0, item.x + item.width + rim_x), min(1.0, item.y + item.height + rim_y)
    return image[
        int(top * height) : int(np.ceil(bottom * height)), int(left * width) : int(np.ceil(right * width))
    ]


def item_box(image: Image) -> Box | None:
    """Find the item of a photo where it is clearly smaller than the photo and clearly apart from the rest.

    GrabCut (C. Rother et al., 2004) separates the middle from the border, from two initial guesses. The item
    is believed where both find much the same, and where its colours are not those of its surroundings: one
    apple of a heap, or the label of a carton, is no item of its own.

    Parameters
    ----------
    image : uint8 (h, w, 3) RGB

    Returns
    -------
    Box or None
        Relative to the photo, 0..1; None where unsure.
    """
    height, width = image.shape[:2]
    if min(height, width) < CROP_SIDE_MIN_PX:
        return None
    scale = _SEGMENTED_SIDE_PX / max(height, width)
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    small = np.ascontiguousarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    item = _segment(small, _WIDE)
    if item is None or _colours_shared(small, item) > SHARED_COLOURS_MAX:
        return None
    left, top, box_width, box_height = cv2.boundingRect(item.astype(np.uint8))
    share = box_width * box_height / item.size
    if not CROP_SHARE_MIN <= share <= CROP_SHARE_MAX:
        return None
    again = _segment(small, _NARROW)
    if again is None or (item & again).sum() < AGREEMENT_MIN * (item | again).sum():
        return None
    return Box(left / size[0], top / size[1], box_width / size[0], box_height / size[1])


def _segment(small: Image, guess: _Guess) -> Mask | None:
    """Return the part of the picture that belongs to its middle, in one piece; None without any."""
    height, width = small.shape[:2]
    down = np.abs((np.arange(height) + 0.5) / height * 2 - 1)[:, None]
    across = np.abs((np.arange(width) + 0.5) / width * 2 - 1)[None]
    labels = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
    labels[np.maximum(down, across) < guess.likely] = cv2.GC_PR_FGD
    labels[np.hypot(down, across) < guess.certain] = cv2.GC_FGD
    border = max(1, round(0.04 * min(height, width)))
    labels[:border] = labels[-border:] = cv2.GC_BGD
    labels[:, :border] = labels[:, -border:] = cv2.GC_BGD
    cv2.setRNGSeed(0)  # the colour models begin with k-means at random: the same photo, the same item
    try:
        cv2.grabCut(
            small,
            labels,
            None,
            np.zeros((1, 65)),
            np.zeros((1, 65)),
            guess.rounds,
            cv2.GC_INIT_WITH_MASK,
        )
    except cv2.error:  # a picture of one colour leaves nothing to model
        return None
    item = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    item = cv2.morphologyEx(item, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return _middle_piece(item)


def _middle_piece(item: GreyImage) -> Mask | None:
    """Return the largest piece, where those near the middle weigh more."""
    count, pieces, stats, centres = cv2.connectedComponentsWithStats(item, connectivity=4)
    if count < 2:
        return None
    height, width = item.shape
    away = np.hypot(centres[1:, 0] / width - 0.5, centres[1:, 1] / height - 0.5)
    weight = stats[1:, cv2.CC_STAT_AREA] * np.exp(-0.5 * (away / _CENTRE_WIDTH) ** 2)
    return pieces == 1 + int(np.argmax(weight))


def _colours_shared(small: Image, item: Mask) -> float:
    """Return the intersection of the colour histograms, in coarse Lab, of the item and of all around it."""
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.int64)
    light = lab[..., 0] * _BINS // 256
    green_red, blue_yellow = ((lab[..., axis] - 96).clip(0, 63) // 8 for axis in (1, 2))
    bins = light * 64 + green_red * 8 + blue_yellow
    inside, outside = (
        np.bincount(bins[part], minlength=_BINS * 64) / max(1, part.sum()) for part in (item, ~item)
    )
    return float(np.minimum(inside, outside).sum())
