"""Splits long sequences into batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

EMBED_BATCH = 16
"""Photos that long runs embed at a time: larger batches are no faster."""


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Split a sequence into parts of `size`, the last of which may be shorter."""
    for first in range(0, len(items), size):
        yield items[first : first + size]
