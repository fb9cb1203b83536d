"""Names the photos that would be taken for another product, were they shown at the till."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from recognition.vision.decision.calibration import GalleryScores
from recognition.vision.decision.decide import Candidate, Thresholds, decide


@dataclass(frozen=True)
class Neighbour:
    """The photo of another product that comes nearest to a photo.

    Attributes
    ----------
    row : of that photo
    score : in [-1, 1]
    confusable : whether the till would take the one for the other, or ask
    """

    row: int
    score: float
    confusable: bool


def neighbours(scores: GalleryScores, thresholds: Thresholds, rows: Iterable[int]) -> dict[int, Neighbour]:
    """Return the nearest foreign photo of each photo that was measured and has one.

    Each photo is decided on as the till would decide, by the best photo of its own product beside itself and
    by the best one of all others. Where the other product would be accepted, or asked about, the two are
    confusable; an only photo has nothing beside itself, and the other product alone is decided on.

    Parameters
    ----------
    scores : what the photos of a gallery were measured to be taken for
    thresholds : measured on the same gallery
    rows : of the photos in question; those not measured are left out
    """
    product_of = dict(zip(scores.rows.tolist(), scores.products, strict=True))
    found = {}
    for row in rows:
        place = int(np.searchsorted(scores.rows, row))
        if place == len(scores.rows) or scores.rows[place] != row:
            continue
        other = int(scores.impostor_rows[place])
        if other not in product_of:
            continue
        foreign = Candidate(product_of[other], float(scores.impostor[place]), other)
        candidates = [foreign]
        if np.isfinite(scores.genuine[place]):
            candidates.append(Candidate(scores.products[place], float(scores.genuine[place]), row))
        decision = decide(tuple(sorted(candidates, key=lambda each: (-each.score, each.row))), thresholds)
        taken_for_it = (
            decision.state == "accepted" and decision.candidates[0].product_id == foreign.product_id
        )
        found[row] = Neighbour(other, foreign.score, taken_for_it or decision.state == "ambiguous")
    return found
