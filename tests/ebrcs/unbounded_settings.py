"""The shop's settings without a pool of connections and without a bound on requests, for controls."""

from __future__ import annotations

from tests.checkout.served_settings import *  # noqa: F403

DATABASE_POOLED = False
REQUESTS_AT_ONCE = 100_000
