"""Finds photos that would be taken for another product if the camera saw them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from recognition.vision.decision.calibration import GalleryScores
from recognition.vision.decision.decide import Candidate, Thresholds, decide


@dataclass(frozen=True)
class Neighbour:
    """The nearest photo of another product.

    Attributes
    ----------
    row : of that photo
    score : in [-1, 1]
    confusable : whether the other product would be accepted, or asked about
    """

    row: int
    score: float
    confusable: bool


def neighbours(scores: GalleryScores, thresholds: Thresholds, rows: Iterable[int]) -> dict[int, Neighbour]:
    """Return the nearest photo of another product for each photo that was measured and has one.

    Each photo is decided by its scores with the best other photo of its own product and with the best photo
    of all other products; for the only photo of a product, by the latter alone. Where the other product would
    be accepted, or asked about, the two are confusable.

    Parameters
    ----------
    scores : of the photos of a gallery, from `Calibration.scores`
    thresholds : measured on the same gallery
    rows : of the photos in question; unmeasured ones are left out

    Returns
    -------
    dict of int to Neighbour
        By the row of the photo in question.
    """
    product_of = dict(zip(scores.rows.tolist(), scores.products, strict=True))
    found = {}
    for row in rows:
        position = int(np.searchsorted(scores.rows, row))
        if position == len(scores.rows) or scores.rows[position] != row:
            continue
        other = int(scores.impostor_rows[position])
        if other not in product_of:
            continue
        foreign = Candidate(product_of[other], float(scores.impostor[position]), other)
        candidates = [foreign]
        if np.isfinite(scores.genuine[position]):
            candidates.append(Candidate(scores.products[position], float(scores.genuine[position]), row))
        decision = decide(tuple(sorted(candidates, key=lambda each: (-each.score, each.row))), thresholds)
        taken_for_it = (
            decision.state == "accepted" and decision.candidates[0].product_id == foreign.product_id
        )
        found[row] = Neighbour(other, foreign.score, taken_for_it or decision.state == "ambiguous")
    return found
