"""Segments the foreground into regions that may be items, minding what is tracked already."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from scipy import ndimage

from recognition.vision.types import Box, Labels, Mask, Window


def closed(mask: Mask) -> Mask:
    """Close gaps of a pixel (morphological closing, 3 by 3)."""
    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)).astype(
        np.bool_
    )


def holes_filled(mask: Mask, height: int) -> Mask:
    """Fill holes where an item has the colour of the counter.

    A hole of the area of a square of a fifth of the frame's height or more is the counter, seen between arms.

    Parameters
    ----------
    mask : bool (h, w)
    height : of the frame, in pixels
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    hole = stats[:count, cv2.CC_STAT_AREA] < (0.2 * height) ** 2
    hole[0] = False
    for rim in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        hole[rim] = False
    return mask | hole[labels]


def boxes_mask(boxes: Sequence[Box], shape: tuple[int, ...]) -> Mask:
    """Mark what lies in any of the boxes: bool (h, w) of a picture of this shape."""
    mask = np.zeros(shape[:2], np.bool_)
    for box in boxes:
        mask[window_of(box, shape)] = True
    return mask


def connected_to(foreground: Mask, expected: Sequence[Box]) -> Mask:
    """Mark the expected boxes and all foreground connected with them: the arm belongs to the item."""
    tracked = boxes_mask(expected, foreground.shape)
    if not expected:
        return tracked
    _, labels = cv2.connectedComponents(foreground.astype(np.uint8))
    touched = np.unique(labels[tracked])
    return tracked | np.isin(labels, touched[touched > 0])


def item_regions(foreground: Mask, expected: Sequence[Box], radius_px: float) -> Labels:
    """Label the regions of the foreground that are thick enough for an item.

    Parameters
    ----------
    foreground : bool (h, w)
    expected : boxes of tracked things, which split a region they share and join pieces of their own
    radius_px : half of the shortest side of an item

    Returns
    -------
    int32 (h, w)
        The number of the region, 0 in none.
    """
    depth = cv2.distanceTransform(foreground.astype(np.uint8), cv2.DIST_L2, 3)
    core = depth > radius_px
    if not core.any():
        return np.zeros(foreground.shape, np.int32)
    # An item is what a disc of its shortest side can reach: the arm, thinner than that, stays out.
    distance, nearest = cv2.distanceTransformWithLabels(
        (~core).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_CCOMP
    )
    labels = np.where(foreground & (distance <= radius_px), nearest, 0)
    return joined_by_tracks(split_by_tracks(labels, expected), expected)


def split_by_tracks(labels: Labels, expected: Sequence[Box]) -> Labels:
    """Split a region that two or more tracked things share: each pixel goes to the nearest expected box."""
    height, width = labels.shape
    sharing: dict[int, list[Box]] = {}
    for box in expected:
        part = labels[window_of(box, labels.shape)]
        counts = np.bincount(part.ravel())
        counts[:1] = 0
        if counts.size and counts.max() > 0.5 * part.size:
            sharing.setdefault(int(counts.argmax()), []).append(box)
    free = int(labels.max()) + 1
    divided = labels.copy()
    for label, boxes in sharing.items():
        if len(boxes) < 2:
            continue
        rows, columns = np.nonzero(labels == label)
        away = [
            np.maximum(
                np.abs((columns + 0.5) / width - box.centre[0]) / box.width,
                np.abs((rows + 0.5) / height - box.centre[1]) / box.height,
            )
            for box in boxes
        ]
        divided[rows, columns] = free + np.argmin(away, axis=0)
        free += len(boxes)
    return divided


def joined_by_tracks(labels: Labels, expected: Sequence[Box]) -> Labels:
    """Join the pieces of a tracked item that a hand or a stripe of counter colour broke up."""
    windows = windows_of(labels)
    joined = labels.copy()
    for box in expected:
        grown = box.grown(0.08)
        pieces = [label for label, window in windows.items() if _within(window, grown, labels.shape)]
        for label in pieces[1:]:
            joined[labels == label] = pieces[0]
        for label in pieces:
            del windows[label]
    return joined


def windows_of(labels: Labels) -> dict[int, Window]:
    """Return for each label the smallest window around its region."""
    found: list[Window | None] = ndimage.find_objects(labels)  # type: ignore[assignment]
    return {label: window for label, window in enumerate(found, start=1) if window is not None}


def window_of(box: Box, shape: tuple[int, ...]) -> Window:
    """Return the rows and columns that a box covers in a picture of this shape."""
    height, width = shape[0], shape[1]
    left, top = max(0, round(box.x * width)), max(0, round(box.y * height))
    return (
        slice(top, max(top, round((box.y + box.height) * height))),
        slice(left, max(left, round((box.x + box.width) * width))),
    )


def _within(window: Window, box: Box, shape: tuple[int, ...]) -> bool:
    height, width = shape[0], shape[1]
    part = Box(
        window[1].start / width,
        window[0].start / height,
        (window[1].stop - window[1].start) / width,
        (window[0].stop - window[0].start) / height,
    )
    return part.shared(box) > 0.98 * part.area
