"""Draws packs with print on them, as a camera may see them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

WIDTH, HEIGHT = 200, 280


def pack(brand: int, flavour: int) -> Image:
    """Draw a pack: the upper part is the brand's, the lower part the flavour's; uint8 (280, 200, 3)."""
    image = np.full((HEIGHT, WIDTH, 3), 235, np.uint8)
    _print(image[: HEIGHT // 3], np.random.default_rng(brand), marks=24)
    _print(image[HEIGHT // 3 :], np.random.default_rng(1000 * brand + flavour + 1), marks=45)
    return image


def seen(
    image: Image, *, tilt: float = 0.15, blur: float = 1.0, light: float = 0.8, side_px: int = 240
) -> Image:
    """Show a pack in perspective, blurred, darker, on a grey counter; uint8 (side, side, 3)."""
    height, width = image.shape[:2]
    frame = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    lean = np.array([(tilt, 0.05), (1, 0), (1 - tilt / 2, 1), (tilt / 2, 1 - tilt / 2)], np.float32)
    corners = (0.1 + 0.8 * lean) * side_px
    warp = cv2.getPerspectiveTransform(frame, corners.astype(np.float32))
    shown = cv2.warpPerspective(image, warp, (side_px, side_px), borderValue=(120, 125, 130))
    return np.clip(cv2.GaussianBlur(shown, (0, 0), blur).astype(np.float32) * light, 0, 255).astype(np.uint8)


def plain(colour: tuple[int, int, int]) -> Image:
    """Draw a thing without print, round and softly shaded, as a fruit is; uint8 (240, 240, 3)."""
    image = np.full((240, 240, 3), (120, 125, 130), np.uint8)
    cv2.circle(image, (120, 120), 90, colour, -1)
    down, across = np.mgrid[0:240, 0:240]
    shade = 1.1 - ((down - 90) ** 2 + (across - 90) ** 2) / 60_000
    return np.clip(cv2.GaussianBlur(image, (0, 0), 3) * shade[..., None], 0, 255).astype(np.uint8)


def _print(area: Image, rng: np.random.Generator, *, marks: int) -> None:
    """Print words and shapes on an area, in place."""
    height, width = area.shape[:2]
    for _ in range(marks):
        colour = tuple(int(part) for part in rng.integers(0, 220, 3))
        place = int(rng.integers(5, width - 25)), int(rng.integers(5, height - 5))
        if rng.random() < 0.5:
            word = "".join(chr(letter) for letter in rng.integers(65, 91, 3))
            cv2.putText(area, word, place, cv2.FONT_HERSHEY_SIMPLEX, float(rng.uniform(0.4, 0.8)), colour, 2)
        else:
            axes = int(rng.integers(4, 14)), int(rng.integers(4, 14))
            cv2.ellipse(area, place, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1)
