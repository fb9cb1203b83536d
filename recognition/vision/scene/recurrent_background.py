"""Remembers what comes and goes behind the items, such as a shopper who sways: each pixel's second look."""

from __future__ import annotations

import numpy as np

from recognition.vision.types import FloatArray, Mask

STAY_S = 0.5
"""Of one stay no more than this counts, however long it is: what lies still does not recur."""

SEEN_MAX_S = 6.0
"""Bounds how long a look that no longer comes is remembered."""

FADE = 0.03
"""Seconds of memory lost in a second in which the place is bare."""


class RecurrentBackground:
    """The look that each pixel has most often had apart from the bare counter.

    A mixture of two looks for each pixel, in the manner of C. Stauffer and W. Grimson (1999), the second of
    them learned only where no tracked item is.

    Attributes
    ----------
    picture : float32 (h, w, 3), levels of 255

    Parameters
    ----------
    recur_s : a look counts once it was seen this long in all
    """

    def __init__(self, small: FloatArray, recur_s: float) -> None:
        self.picture = small.copy()
        self._seen_s = np.zeros(small.shape[:2], np.float32)
        self._stay_s = np.zeros(small.shape[:2], np.float32)
        self._recur_s = recur_s

    def resembles(self, small: FloatArray, contrast: float) -> Mask:
        """Mark what looks as it often did."""
        often = self._seen_s >= self._recur_s
        if not often.any():
            return often
        return often & (np.abs(small - self.picture).max(axis=2) <= contrast)

    def learn(self, small: FloatArray, stray: Mask, held: Mask, elapsed_s: float, contrast: float) -> None:
        """Take in a frame.

        Parameters
        ----------
        stray : what differs from the counter and is no tracked item
        held : tracked items; what was learned of them before they were tracked is forgotten
        """
        alike = np.abs(small - self.picture).max(axis=2) <= contrast
        often = self._seen_s >= self._recur_s
        # What often recurs differs from the counter too, but is no foreground any more.
        there = alike & (stray | (often & ~held))
        self._stay_s = np.where(there, self._stay_s + elapsed_s, 0.0).astype(np.float32)
        self._seen_s += np.where(there, elapsed_s, np.where(stray, -elapsed_s, -FADE * elapsed_s))
        self._seen_s[there & (self._stay_s > STAY_S)] -= elapsed_s
        self._seen_s[held & alike & ~often] = 0.0
        np.clip(self._seen_s, 0.0, SEEN_MAX_S, out=self._seen_s)
        fresh = stray & (self._seen_s <= 0.0)
        self.picture[fresh] = small[fresh]
        self._seen_s[fresh] = self._stay_s[fresh] = elapsed_s
        follow = there[..., None] * np.float32(0.1)
        self.picture += follow * (small - self.picture)
