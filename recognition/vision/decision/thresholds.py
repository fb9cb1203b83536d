"""Derives what a match needs from what the photos of a gallery score with products they do not show."""

from __future__ import annotations

import numpy as np

from recognition.vision.decision.decide import Thresholds
from recognition.vision.decision.nearest import Nearest
from recognition.vision.decision.odds import log_odds, sureness
from recognition.vision.types import DoubleArray, IntArray

PRIOR_CENTRE = 0.65
PRIOR_SPREAD = 0.10
PRIOR_NEEDED = -0.2
"""What a shop with no photos to compare starts from, as 81 products of the Grocery Store set showed it: mean
and deviation of the best foreign scores, and the sureness that one unknown item in twenty reaches. The last
is raised from -0.5, to be cautious while there are few photos."""

PRIOR_WEIGHT = 50
"""Photos that weigh as much as the prior. With one photo each of 81 products the deviation came out a quarter
too small, and measured on these photos alone one unknown item in ten would have been accepted."""

SHRINKAGE = 5
"""Photos at which a product's own surroundings weigh as much as those of the whole gallery."""

TAIL_TARGET = 0.05
"""Share of unknown items whose sureness is read off the gallery; of rarer ones it has too few photos."""

TAIL_SCALE = 0.30
EXTRA_MATCHED = 0.30
EXTRA_VERIFIED = 2.00
EXTRA_WITHOUT_ARTWORK = 3.00
"""How much surer one unknown item in e is than that share, and how much surer new pictures of unknown items
are than gallery photos: by the embedding alone, after a closer look whose artwork agreed, and after one where
none did. ``python -m recognition.training.decision`` measures them. The last two are raised for small
shops that sell some kinds of a brand and not others: with every other carton of the Grocery Store set
registered, in turn both halves, by all, five, three and one photo, 2.7% of the other half's validation photos
are taken for one of them (mean of the eight) and 48% of the registered ones accepted; at 0.3 less, 4.0% and
52%.
"""

NEEDED_LEAST = 0.40
"""Nothing that is less likely right than three in five is accepted, whatever target is set."""


def thresholds_derived(
    nearest: Nearest, products: IntArray, product_ids: list[str], false_accept_target: float
) -> Thresholds:
    """Derive what a match needs.

    Mean and deviation of the photos' best foreign scores are drawn towards the prior where there are few
    photos, and how near foreign photos come to a product towards the mean where it has few. Weighed with
    them, each photo says how surely it would be taken for a product that it does not show; what is needed
    lies above all but the target share of these.

    Parameters
    ----------
    nearest : for each photo the best scores, in -1..1, against the products that it does not show
    products : int64 (n,), the number of each photo's product
    product_ids : by number
    false_accept_target : share of unknown items that may be accepted, in 0..1 exclusive
    """
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
        density = _densities(products[measured], best[measured], centre, len(product_ids))
        densities = {product_ids[number]: float(density[number]) for number in np.unique(products)}
        surest = _sureness(nearest.at(measured), density, centre, spread)
        found = _upper_quantile(surest, max(false_accept_target, TAIL_TARGET))
        needed = own * found + (1 - own) * PRIOR_NEEDED
    needed += TAIL_SCALE * np.log(max(TAIL_TARGET / false_accept_target, 1.0))
    return Thresholds(
        centre=centre,
        spread=spread,
        needed=max(NEEDED_LEAST, needed + EXTRA_MATCHED),
        needed_verified=max(NEEDED_LEAST, needed + EXTRA_VERIFIED),
        needed_without_artwork=max(NEEDED_LEAST, needed + EXTRA_WITHOUT_ARTWORK),
        densities=densities,
    )


def _densities(products: IntArray, best: DoubleArray, centre: float, number: int) -> DoubleArray:
    """Mean of the best foreign scores of each product's photos, drawn towards the gallery's."""
    photos = np.bincount(products, minlength=number)
    total = np.bincount(products, weights=best, minlength=number)
    return np.asarray((total + SHRINKAGE * centre) / (photos + SHRINKAGE))


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
