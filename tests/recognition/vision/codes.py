"""Draws barcodes onto scenes."""

from __future__ import annotations

import cv2
import numpy as np

from tests.recognition.vision.scenes import Arm, Image, Pack, Point, Stage

ENLARGED = 2


def code_picture(code: str, *, module_px: int = 2, bars_only: bool = False) -> Image:
    """Return a barcode as grey uint8 (h, w), its kind told by its length; a thin strip if asked for."""
    import zxingcpp

    kinds = {
        8: zxingcpp.BarcodeFormat.EAN8,
        12: zxingcpp.BarcodeFormat.UPCA,
        13: zxingcpp.BarcodeFormat.EAN13,
    }
    drawn = np.array(zxingcpp.create_barcode(code, kinds[len(code)]).to_image(scale=module_px))
    return drawn[:24] if bars_only else drawn


def coded(picture: Image, code: Image | None, at: Point) -> Image:
    """Enlarge a scene to twice its size and lay a barcode on a place of it, as far as it is in view."""
    large = cv2.resize(picture, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_LINEAR)
    if code is not None:
        height, width = code.shape
        left, top = round(at[0] * ENLARGED - width / 2), round(at[1] * ENLARGED - height / 2)
        rows = slice(max(0, top), max(0, min(large.shape[0], top + height)))
        columns = slice(max(0, left), max(0, min(large.shape[1], left + width)))
        large[rows, columns] = code[
            rows.start - top : rows.stop - top, columns.start - left : columns.stop - left, None
        ]
    return large


def shown_coded(
    stage: Stage, pack: Pack, code: Image | None, frames: int, *, coded_from: int = 0
) -> list[Image]:
    """Draw a pack carried in by an arm, held, and carried out, with a barcode from one of its frames on."""
    path = [(-100 + (pack.at[0] + 100) * share, pack.at[1]) for share in (0.3, 0.65, 0.9)]
    held = [(pack.at[0] + number % 3 - 1.0, pack.at[1]) for number in range(frames)]
    places = [*path, *held, *reversed(path), (-100.0, pack.at[1])]
    return [
        coded(
            stage.frame(pack.there(at), Arm((at[0] + 25, at[1] + 40))),
            code if number >= coded_from else None,
            at,
        )
        for number, at in enumerate(places)
    ]


def enlarged(pictures: list[Image]) -> list[Image]:
    """Enlarge scenes as `coded` does."""
    return [coded(picture, None, (0.0, 0.0)) for picture in pictures]
