"""The types that all parts of the library share: pictures, arrays, boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""A picture, (height, width, 3), RGB."""

GreyImage = NDArray[np.uint8]
"""A picture in grey, (height, width)."""

Mask = NDArray[np.bool_]
"""Marked pixels of a picture, (height, width)."""

Labels = NDArray[np.int32]
"""For each pixel of a picture the number of its region, (height, width); 0 where it is in none."""

Window = tuple[slice, slice]
"""Rows and columns of a picture."""

FloatArray = NDArray[np.float32]
"""Embeddings, scores, and pictures that are computed with."""

DoubleArray = NDArray[np.float64]
"""Numbers whose sums must not depend on rounding: log-odds and what is fitted."""

IntArray = NDArray[np.int64]
"""Rows of the index, positions, and counts."""


@dataclass(frozen=True)
class Box:
    """A rectangle relative to the frame, all four numbers in 0..1."""

    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        """Middle of the box, (x, y)."""
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def area(self) -> float:
        """Share of the frame it covers."""
        return self.width * self.height

    def contains(self, point: tuple[float, float]) -> bool:
        """Tell whether a point lies in the box."""
        return self.x <= point[0] <= self.x + self.width and self.y <= point[1] <= self.y + self.height

    def shared(self, other: Box) -> float:
        """Area that both boxes cover."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return max(0.0, width) * max(0.0, height)

    def iou(self, other: Box) -> float:
        """Intersection over union with another box."""
        shared = self.shared(other)
        return shared / max(self.area + other.area - shared, 1e-9)

    def moved(self, by_x: float, by_y: float) -> Box:
        """The same box elsewhere."""
        return Box(self.x + by_x, self.y + by_y, self.width, self.height)

    def grown(self, share: float) -> Box:
        """The box with a share of its width and height more on each side."""
        wide, high = share * self.width, share * self.height
        return Box(self.x - wide, self.y - high, self.width + 2 * wide, self.height + 2 * high)


WHOLE_FRAME = Box(0.0, 0.0, 1.0, 1.0)
