"""Names and pictures of the products in view, for the answers to frames."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from checkout.cart import selectors
from checkout.live.threads import in_database
from checkout.payloads import Choice

# New names and pictures of products show after this time.
NAMES_AGE_MAX_S = 1.0
# Beyond this many, products no longer in view are forgotten.
NAMES_MAX = 100


@dataclass
class ProductNames:
    """Caches the products in view, reading them again every second.

    Attributes
    ----------
    asked : ids of the products read last, those without a name among them
    """

    known: dict[str, Choice] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    read_s: float = 0.0

    async def get(self, product_ids: set[str]) -> dict[str, Choice]:
        """Return these products, perhaps among others; one withdrawn from sale is missing."""
        now_s = time.monotonic()
        if now_s - self.read_s > NAMES_AGE_MAX_S or not product_ids <= self.asked:
            wanted = product_ids | self.asked if len(self.asked) < NAMES_MAX else product_ids
            self.known = await in_database(selectors.choices_get, product_ids=wanted)
            self.asked, self.read_s = wanted, now_s
        return self.known
