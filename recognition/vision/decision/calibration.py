"""Thresholds measured on the gallery itself: how alike are photos of one product, and of different ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from recognition.vision.decision.decide import Thresholds
from recognition.vision.decision.nearest import NONE, Nearest, folded_to_products
from recognition.vision.decision.odds import CONTENDERS, log_odds, sureness
from recognition.vision.types import DoubleArray, FloatArray, IntArray

FALSE_ACCEPT_TARGET = 0.01

PRIOR_CENTRE = 0.65
PRIOR_SPREAD = 0.10
PRIOR_NEEDED = -0.2
"""What a shop with no photos to compare starts from, as 81 products of the Grocery Store set showed it: mean
and deviation of the best foreign scores, and the sureness that one unknown item in twenty reaches, the last
raised from -0.5 as a word of caution while there are few photos."""

PRIOR_WEIGHT = 50
"""Photos that weigh as much as the prior. With one photo each of 81 products the deviation came out a quarter
too small, and one unknown item in ten would have been accepted by the photos' own word."""

SHRINKAGE = 5
"""Photos at which a product's own surroundings weigh as much as those of the whole gallery."""

TAIL_TARGET = 0.05
"""Share of unknown items whose sureness is read off the gallery; of rarer ones it has too few photos."""

TAIL_SCALE = 0.30
EXTRA_MATCHED = 0.30
EXTRA_CLOSELY = 2.00
EXTRA_WITHOUT_ARTWORK = 3.00
"""How much surer one unknown item in e is than that share, and how much surer new pictures of unknown items
are than gallery photos: by the embedding alone, after a closer look that found print to agree, and after one
that found none. ``python -m recognition.training.decision`` measures them. The last two are raised for small
shops that sell some kinds of a brand and not others: with every other carton of the Grocery Store set
registered, in turn both halves, by all, five, three and one photo, 2.7% of the other half's validation photos
are taken for one of them (mean of the eight) and 48% of the registered ones accepted; at 0.3 less, 4.0% and
52%.
"""

NEEDED_LEAST = 0.40
"""Nothing that is less likely right than three in five is accepted, whatever target is set."""

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
    """Keeps, for every photo, its best score against its own product and against the nearest other ones.

    A photo whose own product is set aside plays the unknown item: its scores with the few nearest other
    products are what the till would decide by. One such set of scores per photo is all that is kept: photos
    that come or go cost one pass over the gallery, nothing is of size n x n, and what is kept equals what a
    fresh start with the same photos would find.

    Not thread-safe: one thread at a time may use it.

    Parameters
    ----------
    vectors : gives the fused vectors of rows, float32 (n, d), as ``VectorStore.vectors`` does
    false_accept_target : share of unknown items that may be taken for a product
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
        """Forget photos; only those that one of them was nearest to are measured again.

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
        orphans = np.flatnonzero(
            np.isin(self._genuine.rows, gone).any(axis=1) | np.isin(self._impostor.rows, gone).any(axis=1)
        )
        self._genuine.clear(orphans)
        self._impostor.clear(orphans)
        self._compare(orphans, both_ways_below=0)

    def scores(self) -> GalleryScores:
        """Return what was measured, by row."""
        order = np.argsort(self._rows)
        return GalleryScores(
            rows=self._rows[order],
            products=tuple(self._product_ids[number] for number in self._products[order]),
            genuine=self._genuine.scores[order, 0],
            impostor=self._impostor.scores[order, 0],
            impostor_rows=self._impostor.rows[order, 0],
        )

    def thresholds(self) -> Thresholds:
        """Derive what a match needs from what was measured.

        Mean and deviation of the photos' best foreign scores, and how near foreign photos come to each
        product, are drawn towards the prior, and towards the mean, where few photos speak for them. Weighed
        with them, each photo says how surely it would be taken for a product that it does not show; what is
        needed lies above all but the target share of these.
        """
        order = np.argsort(self._rows)  # sums do not depend on the order in which photos came
        products, nearest = self._products[order], self._impostor.at(order)
        best = nearest.scores[:, 0].astype(np.float64)
        measured = np.isfinite(best)
        count = int(measured.sum())
        own = count / (count + PRIOR_WEIGHT)
        centre, spread, needed = PRIOR_CENTRE, PRIOR_SPREAD, PRIOR_NEEDED
        densities: dict[str, float] = {}
        if count:
            mean = float(best[measured].mean())
            centre = own * mean + (1 - own) * PRIOR_CENTRE
            spread = float(np.sqrt(own * best[measured].var() + (1 - own) * PRIOR_SPREAD**2))
            density = self._densities(products[measured], best[measured], centre)
            densities = {self._product_ids[number]: float(density[number]) for number in np.unique(products)}
            surest = _sureness(nearest.at(measured), density, centre, spread)
            found = _upper_quantile(surest, max(self._target, TAIL_TARGET))
            needed = own * found + (1 - own) * PRIOR_NEEDED
        needed += TAIL_SCALE * np.log(max(TAIL_TARGET / self._target, 1.0))
        return Thresholds(
            centre=centre,
            spread=spread,
            needed=max(NEEDED_LEAST, needed + EXTRA_MATCHED),
            needed_closely=max(NEEDED_LEAST, needed + EXTRA_CLOSELY),
            needed_without_artwork=max(NEEDED_LEAST, needed + EXTRA_WITHOUT_ARTWORK),
            densities=densities,
        )

    def _densities(self, products: IntArray, best: DoubleArray, centre: float) -> DoubleArray:
        """Mean of the best foreign scores of each product's photos, drawn towards the gallery's."""
        number = len(self._product_ids)
        photos = np.bincount(products, minlength=number)
        total = np.bincount(products, weights=best, minlength=number)
        return np.asarray((total + SHRINKAGE * centre) / (photos + SHRINKAGE))

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


def _sureness(nearest: Nearest, density: DoubleArray, centre: float, spread: float) -> DoubleArray:
    """How surely each photo would be taken for a product that it does not show: float64 (n,)."""
    scores = nearest.scores.astype(np.float64)
    counts = np.isfinite(scores).sum(axis=1)
    found = np.empty(len(scores))
    for count in np.unique(counts):  # in a small gallery there are fewer contenders than there is room for
        some = counts == count
        odds = log_odds(
            scores[some, :count],
            density[nearest.products[some, :count]],
            np.zeros((int(some.sum()), int(count))),
            centre=centre,
            spread=spread,
        )
        found[some] = sureness(odds)
    return found


def _upper_quantile(scores: DoubleArray, target: float) -> float:
    """Return the least of the scores that no more than the target share of them exceeds."""
    return float(np.quantile(scores, 1.0 - target, method="inverted_cdf"))
