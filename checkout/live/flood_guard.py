"""Tells a flooding client from one that is merely fast."""

from __future__ import annotations

from collections import deque

WINDOW_S = 2.0
# A camera at exactly the rate, with network jitter, is no flood.
LENIENCE = 1.2


class FloodGuard:
    """Counts messages in a sliding window.

    After a network hiccup, two seconds of frames may arrive at once; a fifth more than the rate allows in the
    window is a flood. At 30 messages allowed and 1,000 sent per second it is noticed after some 70 ms.

    Parameters
    ----------
    per_second : messages allowed a second, on average over the window
    """

    def __init__(self, per_second: int) -> None:
        self._arrivals: deque[float] = deque(maxlen=int(per_second * WINDOW_S * LENIENCE) + 1)

    def is_flood(self, now_s: float) -> bool:
        """Count a message that arrived now, on a monotonic clock; return whether the messages are a flood."""
        self._arrivals.append(now_s)
        return len(self._arrivals) == self._arrivals.maxlen and now_s - self._arrivals[0] < WINDOW_S
