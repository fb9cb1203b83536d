"""Measures on the gallery itself how similar photos of one product are, and photos of different ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from recognition.vision.decision.decide import Thresholds
from recognition.vision.decision.nearest import NONE, Nearest, folded_to_products
from recognition.vision.decision.odds import CONTENDERS
from recognition.vision.decision.thresholds import thresholds_derived
from recognition.vision.types import FloatArray, IntArray

FALSE_ACCEPT_TARGET = 0.01
"""Default share of unknown items that may be accepted as a product."""

BLOCK_ROWS = 2048
"""Photos compared per block, with as many others: bounds memory (21 MB of vectors, 34 MB of scores)."""


@dataclass(frozen=True, eq=False)
class GalleryScores:
    """The best scores of each active photo with its own product and with all others.

    Attributes
    ----------
    rows : int64 (n,), rising
    products : the product of each row
    genuine : float32 (n,), best score against the other photos of its product; -inf for the only photo of one
    impostor : float32 (n,), best score against the photos of all other products; -inf without any
    impostor_rows : int64 (n,), the row with that score, -1 without any
    """

    rows: IntArray
    products: tuple[str, ...]
    genuine: FloatArray
    impostor: FloatArray
    impostor_rows: IntArray


class Calibration:
    """Keeps, for every photo, its best score against its own product and against the nearest other ones.

    With its own product left out, a photo stands for an unknown item, decided by its scores with the few
    nearest other products. Only these scores are kept. Adding or removing photos costs one pass over the
    gallery, nothing is of size n x n, and the result equals a calibration from scratch on the same photos.

    Not thread-safe.

    Parameters
    ----------
    vectors : returns the fused vectors of rows, float32 (n, d), as ``VectorStore.vectors`` does
    false_accept_target : share of unknown items that may be accepted as a product

    Raises
    ------
    ValueError
        When the target does not lie between 0 and 1, exclusive.
    """

    def __init__(
        self, vectors: Callable[[IntArray], FloatArray], *, false_accept_target: float = FALSE_ACCEPT_TARGET
    ) -> None:
        if not 0.0 < false_accept_target < 1.0:
            raise ValueError(f"false_accept_target must lie between 0 and 1, got {false_accept_target}")
        self._vectors = vectors
        self._target = false_accept_target
        self._product_ids: list[str] = []
        self._number_of: dict[str, int] = {}
        self._rows: IntArray = np.empty(0, np.int64)
        self._products: IntArray = np.empty(0, np.int64)
        self._genuine = Nearest.of_nothing(0, 1)
        self._impostor = Nearest.of_nothing(0, CONTENDERS)

    def add(self, rows: Sequence[int] | IntArray, products: Sequence[str]) -> None:
        """Add photos, new or restored, in O(new * all).

        Parameters
        ----------
        rows : int64 (n,), none of them here already
        products : the product of each

        Raises
        ------
        ValueError
            When a row is here already or named twice, or the lengths differ; then nothing is changed.
        """
        new_rows = np.asarray(rows, np.int64).reshape(-1)
        if len(new_rows) != len(products):
            raise ValueError(f"expected one product per row, got {len(products)} for {len(new_rows)} rows")
        if len(np.unique(new_rows)) != len(new_rows) or np.isin(new_rows, self._rows).any():
            raise ValueError("expected rows that are not calibrated already")
        new_products = np.array([self._number(product) for product in products], np.int64)
        known = len(self._rows)
        self._rows = np.concatenate([self._rows, new_rows])
        self._products = np.concatenate([self._products, new_products])
        self._genuine = self._genuine.extended(len(new_rows))
        self._impostor = self._impostor.extended(len(new_rows))
        self._compare(np.arange(known, len(self._rows)), both_ways_below=known)

    def withdraw(self, rows: Sequence[int] | IntArray) -> None:
        """Remove photos; only photos for which one of them was nearest are measured again.

        Parameters
        ----------
        rows : int64 (n,), all of them here

        Raises
        ------
        ValueError
            When a row is not here; then nothing is changed.
        """
        gone = np.asarray(rows, np.int64).reshape(-1)
        if not np.isin(gone, self._rows).all():
            raise ValueError("expected rows that are calibrated")
        stay = ~np.isin(self._rows, gone)
        self._rows, self._products = self._rows[stay], self._products[stay]
        self._genuine, self._impostor = self._genuine.at(stay), self._impostor.at(stay)
        orphans = np.flatnonzero(
            np.isin(self._genuine.rows, gone).any(axis=1) | np.isin(self._impostor.rows, gone).any(axis=1)
        )
        self._genuine.clear(orphans)
        self._impostor.clear(orphans)
        self._compare(orphans, both_ways_below=0)

    def scores(self) -> GalleryScores:
        """Return what was measured, in the order of the rows."""
        order = np.argsort(self._rows)
        return GalleryScores(
            rows=self._rows[order],
            products=tuple(self._product_ids[number] for number in self._products[order]),
            genuine=self._genuine.scores[order, 0],
            impostor=self._impostor.scores[order, 0],
            impostor_rows=self._impostor.rows[order, 0],
        )

    def thresholds(self) -> Thresholds:
        """Derive the thresholds from the measured scores; see `thresholds_derived`."""
        order = np.argsort(self._rows)  # so that sums do not depend on the order in which photos were added
        return thresholds_derived(
            self._impostor.at(order), self._products[order], self._product_ids, self._target
        )

    def _number(self, product: str) -> int:
        if product not in self._number_of:
            self._number_of[product] = len(self._product_ids)
            self._product_ids.append(product)
        return self._number_of[product]

    def _compare(self, positions: IntArray, *, both_ways_below: int) -> None:
        """Score the photos at some positions against all, block by block, and keep the best scores of each.

        Photos at positions below ``both_ways_below`` are updated from these comparisons as well.
        """
        for start in range(0, len(positions), BLOCK_ROWS):
            mine = positions[start : start + BLOCK_ROWS]
            # double precision, rounded at the end: a score does not depend on the blocks
            own_vectors = self._vectors(self._rows[mine]).astype(np.float64)
            for other_start in range(0, len(self._rows), BLOCK_ROWS):
                others = np.arange(other_start, min(other_start + BLOCK_ROWS, len(self._rows)))
                vectors = self._vectors(self._rows[others]).astype(np.float64)
                scores = (own_vectors @ vectors.T).astype(np.float32)
                self._keep_best(mine, others, scores)
                known = others < both_ways_below
                if known.any():
                    self._keep_best(others[known], mine, scores.T[known])

    def _keep_best(self, positions: IntArray, against: IntArray, scores: FloatArray) -> None:
        own = self._products[positions, None]
        apart = self._rows[positions, None] != self._rows[None, against]
        folded, products = folded_to_products(
            np.where(apart, scores, -np.inf).astype(np.float32), self._rows[against], self._products[against]
        )
        mine = products[None, :] == own
        self._genuine.improve(positions, np.where(mine, folded, NONE), products)
        self._impostor.improve(positions, np.where(mine, NONE, folded), products)
