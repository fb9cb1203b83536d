"""Thresholds measured on the gallery itself: how alike are photos of one product, and of different ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recognition.vision.layout import FloatArray
from recognition.vision.matching import Thresholds

IntArray = NDArray[np.int64]

FALSE_ACCEPT_TARGET = 0.01
PRIOR_THRESHOLD = 0.75
"""What a shop with no photos to compare starts from; its weight fades as impostor scores come in."""

PRIOR_WEIGHT = 100
"""Impostor scores that weigh as much as the prior threshold.

With 50 and a least margin of 0.02, sixteen visits of look-alike cartons drawn from unseen photos had 3 false
adds among 74 items; with these 2, for 7 more misses. The six recorded visits are right with either.
"""

SHRINKAGE = 10
"""Photos at which a product's own impostor scores weigh as much as those of the whole gallery."""

MINIMUM_MARGIN = 0.05
MAXIMUM_MARGIN = 0.15
BLOCK_ROWS = 2048


@dataclass(frozen=True, eq=False)
class GalleryScores:
    """What each active photo of the gallery would be taken for, were it shown at the till.

    Attributes
    ----------
    rows : int64 (n,), rising
    products : the product of each row
    genuine : float32 (n,), best score against the other photos of its product; -inf for an only photo
    impostor : float32 (n,), best score against the photos of all other products; -inf without any
    impostor_rows : int64 (n,), the row that scored so, -1 without any
    """

    rows: IntArray
    products: tuple[str, ...]
    genuine: FloatArray
    impostor: FloatArray
    impostor_rows: IntArray


class Calibration:
    """Keeps, for every photo, its best score against its own product and against all others.

    The till decides by the best product alone, so that is what is measured. A photo whose own product is
    set aside plays the unknown item: its best foreign score is an impostor score against the product that
    scored it. Left out of its own product it plays the genuine item. Both need one score per photo, so
    photos that come or go cost one pass over the gallery and nothing is kept of size n x n; what is kept
    equals what a fresh start with the same photos would find.

    Not thread-safe: one thread at a time may use it.

    Parameters
    ----------
    vectors : gives the fused vectors of rows, float32 (n, d), as ``VectorStore.vectors`` does
    false_accept_target : share of unknown items that may be taken for a product
    prior_threshold : what an empty gallery starts from; belongs to the encoder
    """

    def __init__(
        self,
        vectors: Callable[[IntArray], FloatArray],
        *,
        false_accept_target: float = FALSE_ACCEPT_TARGET,
        prior_threshold: float = PRIOR_THRESHOLD,
    ) -> None:
        if not 0.0 < false_accept_target < 1.0:
            raise ValueError(f"false_accept_target must lie between 0 and 1, got {false_accept_target}")
        self._vectors = vectors
        self._target = false_accept_target
        self._prior = prior_threshold
        self._product_ids: list[str] = []
        self._number_of: dict[str, int] = {}
        self._rows: IntArray = np.empty(0, np.int64)
        self._products: IntArray = np.empty(0, np.int64)
        # best score and its row against the own product and against all others
        self._genuine = _Best.of_nothing(0)
        self._impostor = _Best.of_nothing(0)

    def add(self, rows: Sequence[int] | IntArray, products: Sequence[str]) -> None:
        """Take in photos, new or restored, in O(new x all).

        Parameters
        ----------
        rows : their rows, none of them here already
        products : the product of each

        Raises
        ------
        ValueError
            When a row is here already or named twice, or the lengths differ; nothing is changed then.
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
        """Forget photos; only photos that scored best against one of them are measured again.

        Raises
        ------
        ValueError
            When a row is not here; nothing is changed then.
        """
        gone = np.asarray(rows, np.int64).reshape(-1)
        if not np.isin(gone, self._rows).all():
            raise ValueError("expected rows that are calibrated")
        stay = ~np.isin(self._rows, gone)
        self._rows, self._products = self._rows[stay], self._products[stay]
        self._genuine, self._impostor = self._genuine.at(stay), self._impostor.at(stay)
        orphans = np.flatnonzero(np.isin(self._genuine.rows, gone) | np.isin(self._impostor.rows, gone))
        self._genuine.clear(orphans)
        self._impostor.clear(orphans)
        self._compare(orphans, both_ways_below=0)

    def scores(self) -> GalleryScores:
        """Return what was measured, by row."""
        order = np.argsort(self._rows)
        return GalleryScores(
            rows=self._rows[order],
            products=tuple(self._product_ids[number] for number in self._products[order]),
            genuine=self._genuine.scores[order],
            impostor=self._impostor.scores[order],
            impostor_rows=self._impostor.rows[order],
        )

    def thresholds(self) -> Thresholds:
        """Derive the thresholds of all products from what was measured.

        The gallery's threshold is the impostor score that only the target share exceeds, raised towards the
        prior while there are few scores. A product's threshold lies between that and the same quantile of
        the impostor scores against it alone, nearer to its own the more photos speak for it: an only photo
        moves it by a tenth at most. It never falls below the gallery's median impostor score. The margin
        is what all but the target share of wrong first choices would fail to lead by.
        """
        measured = np.isfinite(self._impostor.scores)
        impostor = self._impostor.scores[measured].astype(np.float64)
        gallery = self._prior
        if len(impostor):
            quantile = _upper_quantile(impostor, self._target)
            share = PRIOR_WEIGHT / (len(impostor) + PRIOR_WEIGHT)
            gallery = max(quantile, quantile + share * (self._prior - quantile))
        position_of_row = dict(zip(self._rows.tolist(), range(len(self._rows)), strict=True))
        blamed = [position_of_row[row] for row in self._impostor.rows[measured].tolist()]
        against = self._products[blamed] if blamed else np.empty(0, np.int64)
        by_product = impostor[np.argsort(against, kind="stable")]
        ends = np.cumsum(np.bincount(against, minlength=len(self._product_ids)))
        floor = float(np.median(impostor)) if len(impostor) else gallery
        per_product = {}
        for number, photos in enumerate(np.bincount(self._products, minlength=len(self._product_ids))):
            if photos == 0:
                continue
            own = by_product[ends[number - 1] if number else 0 : ends[number]]
            evidence = min(len(own), int(photos))
            threshold = gallery
            if evidence:
                share = evidence / (evidence + SHRINKAGE)
                threshold += share * (_upper_quantile(own, self._target) - gallery)
                threshold = max(threshold, floor)
            per_product[self._product_ids[number]] = float(threshold)
        return Thresholds(default=float(gallery), margin=self._margin(), per_product=per_product)

    def _margin(self) -> float:
        both = np.isfinite(self._genuine.scores) & np.isfinite(self._impostor.scores)
        lead = (self._impostor.scores[both] - self._genuine.scores[both]).astype(np.float64)
        if not len(lead):
            return MINIMUM_MARGIN
        return float(np.clip(_upper_quantile(lead, self._target), MINIMUM_MARGIN, MAXIMUM_MARGIN))

    def _number(self, product: str) -> int:
        if product not in self._number_of:
            self._number_of[product] = len(self._product_ids)
            self._product_ids.append(product)
        return self._number_of[product]

    def _compare(self, positions: IntArray, *, both_ways_below: int) -> None:
        """Score the photos at some positions against all, block by block, and keep the best of each.

        Photos at positions below ``both_ways_below`` take over what is better for them in turn.
        """
        for start in range(0, len(positions), BLOCK_ROWS):
            mine = positions[start : start + BLOCK_ROWS]
            # double precision, rounded at the end: a score does not depend on how the pass was cut
            own_vectors = self._vectors(self._rows[mine]).astype(np.float64)
            for other_start in range(0, len(self._rows), BLOCK_ROWS):
                others = np.arange(other_start, min(other_start + BLOCK_ROWS, len(self._rows)))
                vectors = self._vectors(self._rows[others]).astype(np.float64)
                scores = (own_vectors @ vectors.T).astype(np.float32)
                same = self._products[mine, None] == self._products[None, others]
                apart = self._rows[mine, None] != self._rows[None, others]
                self._keep_best(mine, others, scores, same & apart, ~same)
                known = others < both_ways_below
                if known.any():
                    self._keep_best(others[known], mine, scores.T[known], same.T[known], ~same.T[known])

    def _keep_best(
        self,
        positions: IntArray,
        against: IntArray,
        scores: FloatArray,
        genuine: NDArray[np.bool_],
        impostor: NDArray[np.bool_],
    ) -> None:
        rows = self._rows[against]
        self._genuine.improve(positions, rows, np.where(genuine, scores, -np.inf).astype(np.float32))
        self._impostor.improve(positions, rows, np.where(impostor, scores, -np.inf).astype(np.float32))


@dataclass(frozen=True, eq=False)
class _Best:
    """The best score of each position and the row that gave it, the lower row of equal ones."""

    scores: FloatArray
    rows: IntArray

    @classmethod
    def of_nothing(cls, count: int) -> _Best:
        return cls(np.full(count, -np.inf, np.float32), np.full(count, -1, np.int64))

    def extended(self, count: int) -> _Best:
        more = _Best.of_nothing(count)
        return _Best(np.concatenate([self.scores, more.scores]), np.concatenate([self.rows, more.rows]))

    def at(self, chosen: NDArray[np.bool_]) -> _Best:
        return _Best(self.scores[chosen], self.rows[chosen])

    def clear(self, positions: IntArray) -> None:
        """Forget, in place, what was found for some positions."""
        self.scores[positions] = -np.inf
        self.rows[positions] = -1

    def improve(self, positions: IntArray, rows: IntArray, scores: FloatArray) -> None:
        """Take over, in place, what is better in ``scores`` (positions, rows); -inf never is."""
        best = scores.max(axis=1)
        best_rows = np.where(scores == best[:, None], rows, np.iinfo(np.int64).max).min(axis=1)
        held, held_rows = self.scores[positions], self.rows[positions]
        better = (best > held) | ((best == held) & (best_rows < held_rows))
        self.scores[positions[better]] = best[better]
        self.rows[positions[better]] = best_rows[better]


def _upper_quantile(scores: NDArray[np.float64], target: float) -> float:
    """Return the least of the scores that no more than the target share of them exceeds."""
    return float(np.quantile(scores, 1.0 - target, method="inverted_cdf"))
