"""The few nearest products of each photo, updated as photos are added in any order and in any blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recognition.vision.types import FloatArray, IntArray

NONE = -np.iinfo(np.int64).max
"""Key where there is no photo. Not the smallest int64, so that it can be negated."""

_LOW = np.int64(0xFFFFFFFF)


def keys_of(scores: FloatArray, rows: IntArray) -> IntArray:
    """Pack scores and rows into keys that sort by score; among equal scores the lower row is the greater key.

    Parameters
    ----------
    scores : float32 (..., n); -inf becomes ``NONE``
    rows : int64 (n,), 0 or more and below 2**32

    Returns
    -------
    int64 (..., n)
    """
    bits = np.ascontiguousarray(scores, np.float32).view(np.int32).astype(np.int64)
    # floats sort like their bits; negative ones in reverse
    ordered = np.where(bits >= 0, bits, bits ^ np.int64(0x7FFFFFFF))
    return np.where(np.isneginf(scores), NONE, (ordered << 32) | (_LOW - rows))


def folded_to_products(scores: FloatArray, rows: IntArray, products: IntArray) -> tuple[IntArray, IntArray]:
    """Keep the best row of each product.

    Parameters
    ----------
    scores : float32 (m, n), of m photos with n rows; -inf where a row does not count
    rows, products : int64 (n,), of the columns, at least one

    Returns
    -------
    keys : int64 (m, p), as `keys_of` makes them
    products : int64 (p,), of the columns, rising
    """
    order = np.argsort(products, kind="stable")
    found, starts = np.unique(products[order], return_index=True)
    return np.maximum.reduceat(keys_of(scores, rows)[:, order], starts, axis=1), found


@dataclass(frozen=True, eq=False)
class Nearest:
    """For each photo, the best key of each of its nearest products, the best first.

    Attributes
    ----------
    keys : int64 (n, k), ``NONE`` where there are fewer
    products : int64 (n, k), -1 likewise
    """

    keys: IntArray
    products: IntArray

    @classmethod
    def of_nothing(cls, count: int, kept: int) -> Nearest:
        """Return `count` photos not compared with anything yet, with room for `kept` products each."""
        return cls(np.full((count, kept), NONE), np.full((count, kept), -1, np.int64))

    @property
    def scores(self) -> FloatArray:
        """Scores, float32 (n, k), -inf where there are fewer."""
        ordered = (self.keys >> 32).astype(np.int32)
        bits = np.where(ordered >= 0, ordered, ordered ^ np.int32(0x7FFFFFFF)).astype(np.int32)
        found = bits.view(np.float32)
        return np.where(self.keys == NONE, np.float32(-np.inf), found)

    @property
    def rows(self) -> IntArray:
        """Rows, int64 (n, k), -1 where there are fewer."""
        return np.where(self.keys == NONE, -1, _LOW - (self.keys & _LOW))

    def extended(self, count: int) -> Nearest:
        """Return these with `count` more at the end, not compared with anything yet."""
        more = Nearest.of_nothing(count, self.keys.shape[1])
        return Nearest(np.concatenate([self.keys, more.keys]), np.concatenate([self.products, more.products]))

    def at(self, chosen: NDArray[np.bool_] | IntArray) -> Nearest:
        """Return some of them: int64 positions, or a mask of all."""
        return Nearest(self.keys[chosen], self.products[chosen])

    def clear(self, positions: IntArray) -> None:
        """Reset, in place, the photos at int64 positions."""
        self.keys[positions] = NONE
        self.products[positions] = -1

    def improve(self, positions: IntArray, keys: IntArray, products: IntArray) -> None:
        """Merge new keys in place, keeping the best of each photo.

        Parameters
        ----------
        positions : int64 (m,)
        keys : int64 (m, p), ``NONE`` where there is nothing
        products : int64 (p,), of the columns, each once
        """
        kept = self.keys.shape[1]
        if keys.shape[1] > kept:
            best = np.argpartition(keys, -kept, axis=1)[:, -kept:]
            keys, offered = np.take_along_axis(keys, best, axis=1), products[best]
        else:
            offered = np.broadcast_to(products, keys.shape)
        all_keys = np.concatenate([self.keys[positions], keys], axis=1)
        all_products = np.concatenate([self.products[positions], offered], axis=1)
        # sorted by product, the best of each first; the others of a product are dropped
        order = np.lexsort((-all_keys, all_products), axis=1)
        all_keys = np.take_along_axis(all_keys, order, axis=1)
        all_products = np.take_along_axis(all_products, order, axis=1)
        all_keys[:, 1:][all_products[:, 1:] == all_products[:, :-1]] = NONE
        first = np.argsort(-all_keys, axis=1, kind="stable")[:, :kept]
        self.keys[positions] = np.take_along_axis(all_keys, first, axis=1)
        found = np.take_along_axis(all_products, first, axis=1)
        self.products[positions] = np.where(self.keys[positions] == NONE, -1, found)
