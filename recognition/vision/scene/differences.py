"""How much two pictures differ from pixel to pixel."""

from __future__ import annotations

import numpy as np

from recognition.vision.types import FloatArray


def largest_difference(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return the largest absolute difference of a channel at each pixel.

    Channel by channel, which takes a twentieth of the time of `max(axis=2)`: numpy reduces a last axis of
    three elements pixel by pixel.

    Parameters
    ----------
    one, other : float32 (h, w, 3), levels of 255

    Returns
    -------
    float32 (h, w)
    """
    difference = np.abs(one - other)
    red, green, blue = (difference[..., channel] for channel in range(3))
    return np.maximum(np.maximum(red, green), blue)
