"""Derives thresholds from the scores that gallery photos have with products they do not show."""

from __future__ import annotations

import numpy as np

from recognition.vision.decision.decide import Thresholds
from recognition.vision.decision.nearest import Nearest
from recognition.vision.decision.odds import log_odds, sureness
from recognition.vision.types import DoubleArray, IntArray

PRIOR_CENTRE = 0.65
PRIOR_SPREAD = 0.10
PRIOR_NEEDED = -0.2
"""Prior of a shop without photos to compare, measured on 81 products of the Grocery Store data set: mean and
deviation of the best impostor scores, and the sureness that one unknown item in twenty reaches. The last is
raised from -0.5, to be cautious while there are few photos."""

PRIOR_WEIGHT = 50
"""Number of photos at which the gallery weighs as much as the prior. With one photo each of 81 products the
deviation was a quarter too small; with thresholds from these photos alone, one unknown item in ten would have
been accepted."""

SHRINKAGE = 5
"""Number of photos at which a product's own density weighs as much as that of the whole gallery."""

TAIL_TARGET = 0.05
"""Smallest share of unknown items whose sureness is read off the gallery: rarer ones need more photos."""

TAIL_SCALE = 0.30
EXTRA_MATCHED = 0.30
EXTRA_VERIFIED = 2.00
EXTRA_WITHOUT_ARTWORK = 3.00
"""By how much the sureness rises for each factor e by which unknown items are rarer than that share; and by
how much new pictures of unknown items are surer than gallery photos: by the embedding alone, after a
verification whose artwork agreed, and after one where none did.
``python -m recognition.training.decision`` measures them. The last two are raised for small shops that sell
some varieties of a brand and not others: with every other carton of the Grocery Store data set registered, in
turn both halves, by all, five, three and one photo, 2.7% of the other half's validation photos are accepted
as one of them (mean of the eight) and 48% of the registered ones; at 0.3 less, 4.0% and 52%.
"""

NEEDED_LEAST = 0.40
"""Nothing is accepted with a probability below three in five, whatever the target."""


def thresholds_derived(
    nearest: Nearest, products: IntArray, product_ids: list[str], false_accept_target: float
) -> Thresholds:
    """Derive the thresholds of a gallery.

    Mean and deviation of the photos' best impostor scores are shrunk towards the prior where photos are few,
    and the density of each product towards the mean where its photos are few. With these, each photo gets the
    sureness of its best impostor product; what is needed lies above all but the target share of these.

    Parameters
    ----------
    nearest : for each photo the best scores, in -1..1, with products that it does not show
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
    """Mean of the best impostor scores of each product's photos, shrunk towards the gallery's."""
    photos = np.bincount(products, minlength=number)
    total = np.bincount(products, weights=best, minlength=number)
    return np.asarray((total + SHRINKAGE * centre) / (photos + SHRINKAGE))


def _sureness(nearest: Nearest, density: DoubleArray, centre: float, spread: float) -> DoubleArray:
    """Sureness of each photo's best product that it does not show: float64 (n,)."""
    scores = nearest.scores.astype(np.float64)
    counts = np.isfinite(scores).sum(axis=1)
    found = np.empty(len(scores))
    for count in np.unique(counts):  # a small gallery has fewer contenders than there is room for
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
    """Return the smallest score that no more than the target share of the scores exceeds."""
    return float(np.quantile(scores, 1.0 - target, method="inverted_cdf"))
