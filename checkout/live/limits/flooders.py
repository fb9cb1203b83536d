"""Remembers who flooded, in the cache that all processes share: they wait longer after each flood."""

from __future__ import annotations

import hashlib
import logging
import time

from django.core.cache import cache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)
FIRST_WAIT_S = 1
LONGEST_WAIT_S = 60
FORGET_S = 600


def flood_note(*, address: str, session: str) -> None:
    """Note a flood: the next socket of this session from this address has to wait 1 s, then 2 s, up to 60 s.

    Ten minutes without a flood, and all is forgotten. Of two floods noted at the same moment one may be lost.
    """
    key = _key(address, session)
    try:
        floods, _until = cache.get(key, (0, 0.0))
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(floods, 10))
        cache.set(key, [floods + 1, time.time() + wait_s], FORGET_S)
    except (RedisError, OSError):
        logger.warning("The cache cannot be reached; a flood is not remembered.")


def flood_wait_s(*, address: str, session: str) -> float:
    """Return for how many seconds more a session may open no socket from an address; 0 if it may."""
    try:
        _floods, until = cache.get(_key(address, session), (0, 0.0))
    except (RedisError, OSError):
        logger.warning("The cache cannot be reached; earlier floods are not known.")
        return 0.0
    return max(0.0, float(until) - time.time())


def _key(address: str, session: str) -> str:
    return f"flood:{hashlib.sha256(f'{session} {address}'.encode(errors='replace')).hexdigest()}"
