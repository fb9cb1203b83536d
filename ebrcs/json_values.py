"""Values of the shared cache as JSON: whoever can write into the cache can change values, and run nothing.

Django's caches keep pickles, which run code when they are read.
"""

from __future__ import annotations

import json
from typing import Any


class JsonSerializer:
    """What Django's Redis cache writes and reads; whole numbers stay numbers that Redis can count up."""

    def dumps(self, value: Any) -> int | bytes:
        """Return what is stored."""
        return value if type(value) is int else json.dumps(value).encode()

    def loads(self, stored: bytes) -> Any:
        """Return a value as JSON holds it: a tuple comes back as a list."""
        return json.loads(stored)
