"""Marks and numbers the regions of a picture that may be items, minding what is tracked already."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from scipy import ndimage

from recognition.vision.types import Box, Labels, Mask, Window


def closed(mask: Mask) -> Mask:
    """Close gaps of a pixel."""
    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)).astype(
        np.bool_
    )


def without_holes(mask: Mask, height: int) -> Mask:
    """Fill gaps where an item has the colour of the counter; a wide gap is the counter seen between arms."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    hole = stats[:count, cv2.CC_STAT_AREA] < (0.2 * height) ** 2
    hole[0] = False
    for rim in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        hole[rim] = False
    return mask | hole[labels]


def masked(boxes: Sequence[Box], shape: tuple[int, ...]) -> Mask:
    """Mark what lies in any of the boxes."""
    mask = np.zeros(shape[:2], np.bool_)
    for box in boxes:
        mask[window_of(box, shape)] = True
    return mask


def touching(foreground: Mask, expected: Sequence[Box]) -> Mask:
    """The expected boxes and all foreground that hangs together with them: the arm belongs to the item."""
    held = masked(expected, foreground.shape)
    if not expected:
        return held
    _, labels = cv2.connectedComponents(foreground.astype(np.uint8))
    touched = np.unique(labels[held])
    return held | np.isin(labels, touched[touched > 0])


def parted(labels: Labels, expected: Sequence[Box]) -> Labels:
    """Part a region that two or more tracked items share, each pixel to the nearest expected box."""
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


def held_together(labels: Labels, expected: Sequence[Box]) -> Labels:
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
    """Give the smallest rows and columns around each label there is."""
    found: list[Window | None] = ndimage.find_objects(labels)  # type: ignore[assignment]
    return {label: window for label, window in enumerate(found, start=1) if window is not None}


def window_of(box: Box, shape: tuple[int, ...]) -> Window:
    """Give the rows and columns a box covers in a picture of this shape."""
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
