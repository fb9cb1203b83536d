"""Taking long lists some at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

EMBED_BATCH = 16
"""Photos that long runs embed at a time: larger batches embed no faster."""


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut a sequence into parts of `size`, the last one shorter where it does not come out even."""
    for first in range(0, len(items), size):
        yield items[first : first + size]
