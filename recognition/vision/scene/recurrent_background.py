"""Learns what comes and goes behind the items, such as a shopper who sways: a second mode of each pixel."""

from __future__ import annotations

import numpy as np

from recognition.vision.scene.differences import largest_difference
from recognition.vision.types import FloatArray, Mask

STAY_MAX_S = 0.5
"""Of one stay no more than this counts, however long it is: what lies still does not come and go."""

SEEN_MAX_S = 6.0
"""Bounds how long a colour that no longer comes is remembered."""

FADE = 0.03
"""Seconds of memory lost in a second in which the counter is seen."""

LEARNING_RATE = np.float32(0.1)
"""Share of the difference by which a pixel follows the frame in which it was seen again."""


class RecurrentBackground:
    """The colour that each pixel has most often had apart from the bare counter.

    With the counter it makes a mixture of two modes for each pixel, after C. Stauffer and W. Grimson (1999).
    It is learned only where no tracked item is.

    Parameters
    ----------
    small : float32 (h, w, 3), levels of 255: the counter, of which nothing is learned
    recur_s : a colour counts once it was seen this long in all, in seconds

    Attributes
    ----------
    pixels : float32 (h, w, 3), levels of 255
    """

    def __init__(self, small: FloatArray, recur_s: float) -> None:
        self.pixels = small.copy()
        self._seen_s = np.zeros(small.shape[:2], np.float32)
        self._stay_s = np.zeros(small.shape[:2], np.float32)
        self._recur_s = recur_s

    def resembles(self, small: FloatArray, contrast: float) -> Mask:
        """Mark the pixels of a frame that look as they often did: bool (h, w)."""
        often = self._seen_s >= self._recur_s
        if not often.any():
            return often
        return often & (largest_difference(small, self.pixels) <= contrast)

    def learn(
        self, small: FloatArray, untracked: Mask, tracked: Mask, elapsed_s: float, contrast: float
    ) -> None:
        """Take in a frame.

        Parameters
        ----------
        small : float32 (h, w, 3), levels of 255
        untracked : bool (h, w), foreground that is no tracked item
        tracked : bool (h, w), tracked items; what was learned of them before they were tracked is forgotten
        elapsed_s : time since the frame before, in seconds
        contrast : largest difference of a channel that still counts as the same colour, in levels
        """
        alike = largest_difference(small, self.pixels) <= contrast
        often = self._seen_s >= self._recur_s
        # What is known to come and go differs from the counter too, but is no foreground any more.
        there = alike & (untracked | (often & ~tracked))
        self._stay_s = np.where(there, self._stay_s + elapsed_s, 0.0).astype(np.float32)
        self._seen_s += np.where(there, elapsed_s, np.where(untracked, -elapsed_s, -FADE * elapsed_s))
        self._seen_s[there & (self._stay_s > STAY_MAX_S)] -= elapsed_s
        self._seen_s[tracked & alike & ~often] = 0.0
        np.clip(self._seen_s, 0.0, SEEN_MAX_S, out=self._seen_s)
        fresh = untracked & (self._seen_s <= 0.0)
        self.pixels[fresh] = small[fresh]
        self._seen_s[fresh] = self._stay_s[fresh] = elapsed_s
        follow = there[..., None] * LEARNING_RATE
        self.pixels += follow * (small - self.pixels)
