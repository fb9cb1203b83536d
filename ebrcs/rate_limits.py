"""Rate limits that all processes share: so many requests in a window of time, counted without a race."""

from __future__ import annotations

import hashlib
import logging
import time
from typing import ClassVar

from asgiref.typing import HTTPScope, WebSocketScope
from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.files import locks
from django.http import HttpRequest
from redis.exceptions import RedisError

from ebrcs.errors import EbrcsError

logger = logging.getLogger(__name__)
PERIODS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
fallback_cache = LocMemCache("rate-limits-of-this-process", {"OPTIONS": {"MAX_ENTRIES": 10_000}})


class TooManyRequests(EbrcsError):
    """The caller has used up what is allowed for now."""

    code: ClassVar[str] = "too_many_requests"
    status: ClassVar[int] = 429
    title: ClassVar[str] = "Too many requests"

    def __init__(self, *, scope: str, limit: int, period_s: int, retry_after_s: int) -> None:
        super().__init__(
            f"{limit} requests in {period_s} s are allowed here. Try again in {retry_after_s} s.",
            scope=scope,
            limit=limit,
            retry_after_s=retry_after_s,
        )
        self.retry_after_s = retry_after_s


def rate_parse(rate: str) -> tuple[int, int]:
    """Read a rate such as `10/min` as the number of requests and the window in seconds."""
    number, _, period = rate.partition("/")
    return int(number), PERIODS_S[period.strip()[0]]


def rate_limit_check(scope: str, key: str) -> None:
    """Count one request of `key` (an address, a user, a name) and raise `TooManyRequests` above the rate.

    Windows are aligned to the clock, so that one atomic increment decides; at the border of two windows up
    to twice the rate may pass. Refused requests count as well, but only until the window ends.
    """
    rates: dict[str, str] = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]  # type: ignore[assignment]
    limit, period_s = rate_parse(rates[scope])
    now_s = time.time()
    window, elapsed_s = divmod(now_s, period_s)
    digest = hashlib.sha256(key.encode(errors="replace")).hexdigest()[:32]
    hits = hits_count(f"rate:{scope}:{window:.0f}:{digest}", timeout_s=2 * period_s)
    if hits > limit:
        retry_after_s = max(1, int(period_s - elapsed_s) + 1)
        raise TooManyRequests(scope=scope, limit=limit, period_s=period_s, retry_after_s=retry_after_s)


def hits_count(key: str, *, timeout_s: int) -> int:
    """Add one to a shared counter and return its new value, every value being returned exactly once.

    While the shared cache is away each process counts for itself: limits get looser, never absent.
    """
    try:
        return cache_increment(caches["default"], key, timeout_s=timeout_s)
    except (RedisError, OSError):
        logger.exception("The cache cannot be reached; this process counts its rate limits alone.")
        return cache_increment(fallback_cache, key, timeout_s=timeout_s)


def cache_increment(store: BaseCache, key: str, *, timeout_s: int) -> int:
    """Increment atomically: with the server's own command, or under a lock where files are the cache.

    The file-based cache reads and writes in two steps, which loses counts; a lock on one file serialises
    the threads and processes of the machine. The timeout exceeds the life of the key's window, so a key
    never expires between the two commands.
    """
    if not isinstance(store, FileBasedCache):
        store.add(key, 0, timeout_s)
        try:
            return int(store.incr(key))
        except ValueError:  # thrown out in between, to make room
            store.set(key, 1, timeout_s)
            return 1
    with (settings.DATA_DIR / "rate_limits.lock").open("w") as file:
        locks.lock(file, locks.LOCK_EX)
        hits = int(store.get(key, 0)) + 1
        store.set(key, hits, timeout_s)
        return hits


def proxies_trusted() -> int:
    """Return how many proxies stand before the shop, and are believed."""
    return int(str(settings.REST_FRAMEWORK["NUM_PROXIES"]))


def client_address(request: HttpRequest) -> str:
    """Return where a request comes from, believing as many proxies as the settings name and no more."""
    forwarded: str = request.META.get("HTTP_X_FORWARDED_FOR", "")
    return _trusted_address(forwarded, peer=str(request.META.get("REMOTE_ADDR", "")))


def client_address_of_scope(scope: HTTPScope | WebSocketScope) -> str:
    """Return where an ASGI connection comes from, as `client_address` does for a request."""
    forwarded = b",".join(value for name, value in scope["headers"] if name.lower() == b"x-forwarded-for")
    client = scope.get("client")
    return _trusted_address(forwarded.decode("latin-1"), peer=str(client[0]) if client else "")


def _trusted_address(forwarded: str, *, peer: str) -> str:
    """Count from the right, where trusted proxies append; what stands left of that, anyone may claim."""
    proxies = proxies_trusted()
    addresses = [part.strip() for part in forwarded.split(",") if part.strip()]
    if proxies and addresses:
        return addresses[-min(proxies, len(addresses))]
    return peer
