"""The types that every part of the library passes on: pictures, arrays of numbers, boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""A picture, (height, width, 3), RGB."""

FloatArray = NDArray[np.float32]


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
