"""Allows so many events at once and then so many a second, for each key by itself."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

KEYS_MAX = 10_000


class TokenBuckets:
    """One token bucket for each key, in the memory of this process.

    Parameters
    ----------
    burst : events allowed at once, after a pause
    per_second : events allowed a second in the long run
    """

    def __init__(self, burst: int, per_second: float) -> None:
        self.burst = burst
        self.per_second = per_second
        self._left: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable, now_s: float) -> float:
        """Take a token at a time of the monotonic clock; return 0, or the seconds until there is one."""
        tokens = self._tokens(key, now_s)
        if tokens < 1:
            return (1 - tokens) / self.per_second
        self._put(key, tokens - 1, now_s)
        return 0.0

    def fine(self, key: Hashable, tokens: int, now_s: float) -> None:
        """Take away several tokens, though never more than there are."""
        self._put(key, max(0.0, self._tokens(key, now_s) - tokens), now_s)

    def _tokens(self, key: Hashable, now_s: float) -> float:
        tokens, at_s = self._left.get(key, (float(self.burst), now_s))
        return min(float(self.burst), tokens + (now_s - at_s) * self.per_second)

    def _put(self, key: Hashable, tokens: float, now_s: float) -> None:
        self._left[key] = (tokens, now_s)
        self._left.move_to_end(key)
        if len(self._left) > KEYS_MAX:  # the one not asked for longest has filled up again, or nearly
            self._left.popitem(last=False)
