"""Reads the barcodes of products (EAN-13, EAN-8, UPC-A, UPC-E) in the frames of a camera."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import cv2
import numpy as np

from recognition.vision.scene.regions import window_of
from recognition.vision.types import WHOLE_FRAME, Box, DoubleArray, GreyImage, Image

_PAD = 0.1
"""Margin on each side of an item, of its own size: a code may be at the very edge of a pack."""


class Boxed(Protocol):
    """Anything with a box in the frame, such as an item that is tracked."""

    @property
    def box(self) -> Box:
        """Where it is."""


Item = TypeVar("Item", bound=Boxed)


@dataclass(frozen=True)
class BarcodeConfig:
    """How much is spent on barcodes.

    Attributes
    ----------
    reads : frames in which a code must be read before it is believed; each read has a valid check digit
    gone_s : a code not read for this long has left the view; read again, it counts once more
    gap_s : a longer pause between two frames counts as this long, so that a broken connection ends nothing
    whole_every : frames between two scans of the whole picture, besides those of unidentified items
    regions_max : unidentified items that are scanned in one frame, the largest first
    budget_s : no further part of a frame is scanned after this processor time
    upright_side_px, turned_side_px : a part is enlarged to this, at most twofold. One of 260 px takes 2.7 ms
        on one core and is read down to 1.05 px for the thinnest bar, without enlarging only down to 1.5. The
        decoder reads along rows and columns, within some 20 degrees; every other frame is turned by 45
        degrees to catch the rest.
    whole_side_px : the whole picture is reduced to this
    """

    reads: int = 2
    gone_s: float = 1.5
    gap_s: float = 0.5
    whole_every: int = 4
    regions_max: int = 3
    budget_s: float = 0.015
    upright_side_px: int = 520
    turned_side_px: int = 400
    whole_side_px: int = 960


@dataclass(frozen=True)
class CodeRead:
    """A code that was read in this frame and is believed.

    Attributes
    ----------
    code : its digits, check digit included
    box : where it is
    sighting : counts the times that codes came into view; the same while this one stays in view
    reads : frames since it came into view in which it was read
    """

    code: str
    box: Box
    sighting: int
    reads: int


@dataclass
class _Sighting:
    number: int
    last_s: float
    reads: int = 0


@dataclass
class BarcodeReader:
    """Reads barcodes in the frames of one camera; not thread-safe."""

    config: BarcodeConfig = field(default_factory=BarcodeConfig)
    _present: dict[str, _Sighting] = field(default_factory=dict)
    _sightings: int = 0
    _frames: int = 0
    _now_s: float = 0.0
    _at_s: float | None = None

    def read(self, frame: Image, at_s: float, unknown: Sequence[Box], *, active: bool) -> list[CodeRead]:
        """Read the codes of the next frame.

        Parameters
        ----------
        frame : uint8 (h, w, 3), RGB
        at_s : when it was taken, on a clock that never goes back
        unknown : items in view that are not identified yet; these are scanned in every frame
        active : whether anything is in view at all; nothing is scanned otherwise

        Returns
        -------
        list of CodeRead
            Codes read in this frame and in enough frames before.
        """
        elapsed_s = 0.0 if self._at_s is None else min(at_s - self._at_s, self.config.gap_s)
        self._at_s, self._now_s = at_s, self._now_s + elapsed_s
        self._present = {
            code: seen
            for code, seen in self._present.items()
            if self._now_s - seen.last_s <= self.config.gone_s
        }
        if not active:
            return []
        self._frames += 1
        found = self._scan(frame, unknown)
        believed = []
        for code, box in found.items():
            seen = self._present.get(code)
            if seen is None:
                self._sightings += 1
                seen = self._present[code] = _Sighting(self._sightings, self._now_s)
            seen.last_s, seen.reads = self._now_s, seen.reads + 1
            if seen.reads >= self.config.reads:
                believed.append(CodeRead(code, box, seen.number, seen.reads))
        return believed

    def _scan(self, frame: Image, unknown: Sequence[Box]) -> dict[str, Box]:
        config, started_s = self.config, time.thread_time()
        largest = sorted(unknown, key=lambda box: -box.area)[: config.regions_max]
        scan_whole = bool(self._present) or self._frames % config.whole_every == 1
        turned = self._frames % 2 == 0
        found: dict[str, Box] = {}
        for region in [*largest, *([WHOLE_FRAME] if scan_whole else [])]:
            if time.thread_time() - started_s > config.budget_s:
                break
            if region is WHOLE_FRAME:
                found = codes_read(frame, region, config.whole_side_px) | found
            else:
                side_px = config.turned_side_px if turned else config.upright_side_px
                found |= codes_read(frame, region.grown(_PAD), side_px, turn_degrees=45.0 if turned else 0.0)
        return found


def codes_read(frame: Image, region: Box, side_px: int, *, turn_degrees: float = 0.0) -> dict[str, Box]:
    """Read the codes in a part of a frame.

    Parameters
    ----------
    frame : uint8 (h, w, 3), RGB
    region : the part, as far as it lies in the frame
    side_px : what its longer side is scaled to, at most twofold
    turn_degrees : how far it is turned before it is read

    Returns
    -------
    dict of str to Box
        Digits, and where in the frame they are.
    """
    import zxingcpp  # loaded only where codes are read

    height, width = frame.shape[:2]
    rows, columns = window_of(region, frame.shape)
    part = frame[rows, columns]
    if min(part.shape[:2]) < 2:
        return {}
    grey = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY)
    grey, back = _turned(grey, min(2.0, side_px / max(grey.shape)), turn_degrees)
    found = {}
    for read in zxingcpp.read_barcodes(
        grey,
        formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.EANUPC),
        try_invert=False,
        try_downscale=False,
    ):
        quad = read.position
        corners = np.array(
            [
                (corner.x, corner.y, 1.0)
                for corner in (quad.top_left, quad.top_right, quad.bottom_right, quad.bottom_left)
            ]
        )
        points = (corners @ back.T + (columns.start, rows.start)) / (width, height)
        (x, y), (far_x, far_y) = points.min(axis=0).clip(0, 1), points.max(axis=0).clip(0, 1)
        found[read.text] = Box(float(x), float(y), float(far_x - x), float(far_y - y))
    return found


def item_of(read: CodeRead, items: Sequence[Item]) -> Item | None:
    """Return the item that a code is on: the smallest around its centre; None where there is none."""
    around = [item for item in items if item.box.grown(_PAD).contains(read.box.centre)]
    return min(around, key=lambda item: item.box.area, default=None)


def _turned(grey: GreyImage, scale: float, degrees: float) -> tuple[GreyImage, DoubleArray]:
    """Scale and turn a picture; return it and the inverse transform, (2, 3)."""
    height, width = grey.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale)
    wide = int(height * abs(turn[0, 1]) + width * abs(turn[0, 0]))
    high = int(height * abs(turn[0, 0]) + width * abs(turn[0, 1]))
    turn[:, 2] += (wide / 2 - width / 2, high / 2 - height / 2)
    back = cv2.invertAffineTransform(turn)
    if scale == 1.0 and degrees == 0.0:
        return np.ascontiguousarray(grey), back
    flags = cv2.INTER_AREA if scale < 1 and degrees == 0.0 else cv2.INTER_LINEAR
    if degrees == 0.0:
        return cv2.resize(grey, (wide, high), interpolation=flags), back
    return cv2.warpAffine(grey, turn, (wide, high), flags=flags, borderMode=cv2.BORDER_REPLICATE), back
