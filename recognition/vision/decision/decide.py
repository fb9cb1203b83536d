"""From matched rows to a decision: a product, a choice between products, or unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

import numpy as np

from recognition.vision.decision.odds import CONTENDERS, log_odds, registered, sureness
from recognition.vision.types import FloatArray

State = Literal["accepted", "ambiguous", "unknown"]


ROWS_KEPT = 6
"""Nearest photos of a product that a candidate keeps for verification. Three told cartons apart nearly as
well, eight no better."""

ASK_SLACK = 1.4
"""How far the log-odds that the item is registered may lie below what acceptance needs for a question."""

ASK_LEAD = 2.0
"""Lead in log-odds beyond which a question would have only one sensible answer."""


class ProductOfRow(Protocol):
    """Anything that maps ``[row]`` to the product of a row: a list, a dictionary, an array."""

    def __getitem__(self, row: int, /) -> str: ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product that a picture may show.

    Attributes
    ----------
    score : of its best photo, in -1..1
    row : of that photo
    rows : of its matched photos, the best first, at most ``ROWS_KEPT``
    log_odds : that it is this product rather than something unregistered; 0 where not weighed
    agreeing : share of the picture that its artwork agrees with, 0..1; 0 where not verified
    inliers : keypoints of its photo that match the picture under one homography
    """

    product_id: str
    score: float
    row: int
    rows: tuple[int, ...] = field(default=(), compare=False)
    log_odds: float = 0.0
    agreeing: float = 0.0
    inliers: int = 0


@dataclass(frozen=True)
class Thresholds:
    """What a match has to reach, as measured on the gallery.

    Attributes
    ----------
    centre, spread : mean and standard deviation of its photos' best scores with other products
    needed : log-odds of being right that an embedding alone has to reach
    needed_verified : the same after verification; higher, since look-alikes share part of their artwork
    needed_without_artwork : the same after verification that found no artwork to agree
    densities : for each product, how near photos of other products come, in scores; ``centre`` for the rest
    """

    centre: float
    spread: float
    needed: float
    needed_verified: float
    needed_without_artwork: float
    densities: Mapping[str, float] = field(default_factory=dict)

    def density_of(self, product_id: str) -> float:
        """Return how near photos of other products come to a product."""
        return self.densities.get(product_id, self.centre)


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision on one picture.

    Attributes
    ----------
    state : ``accepted`` the first candidate, ``ambiguous`` between the first few, or ``unknown``
    score : of the first candidate, 0 without one
    margin : its score less the best score of another product, or less 0 without one; negative where artwork
        outweighs scores
    candidates : one per matched product, the likeliest first; when ambiguous, those within ``ASK_LEAD`` of
        the first are the ones to ask about
    confidence : log-odds that the first candidate is right, less ``needed``: 0 or more exactly where it is
        accepted, comparable between all pictures
    needed : log-odds needed to accept, on this gallery and for its false-accept target
    verified : whether artwork was compared
    """

    state: State
    score: float
    margin: float
    candidates: tuple[Candidate, ...]
    confidence: float = 0.0
    needed: float = 0.0
    verified: bool = False


NOTHING_LIKE_IT = -20.0
"""Confidence in a decision without candidates."""


def fold_to_products(
    scores: FloatArray, rows: np.ndarray, product_of_row: ProductOfRow
) -> tuple[Candidate, ...]:
    """Keep the best rows of each product.

    Parameters
    ----------
    scores : float32 (k,), of one query
    rows : int64 (k,), -1 where nothing matched. The second product is only seen when k exceeds the number
        of rows of the first: ask for more rows than any product has photos.
    product_of_row : product of each row

    Returns
    -------
    Candidates by descending score; equal scores in the order of their rows.
    """
    found: dict[str, list[tuple[float, int]]] = {}
    hits = [(float(score), int(row)) for score, row in zip(scores, rows, strict=True) if row >= 0]
    for hit in sorted(hits, key=lambda hit: (-hit[0], hit[1])):
        found.setdefault(product_of_row[hit[1]], []).append(hit)
    return tuple(
        Candidate(product_id, hits[0][0], hits[0][1], tuple(row for _, row in hits[:ROWS_KEPT]))
        for product_id, hits in found.items()
    )


def decide(candidates: Sequence[Candidate], thresholds: Thresholds, *, verified: bool = False) -> Decision:
    """Accept the likeliest product, ask about look-alikes, or leave the picture unknown.

    The best few products are weighed against each other and against none of them, by score, density and
    artwork. The likeliest is accepted if its log-odds of being right reach what is needed. The picture is
    ambiguous if it is likely enough to show one of them while the second is close: a silent wrong choice
    would be worse than a question. Everything else is unknown.

    Parameters
    ----------
    candidates : by descending score, as `fold_to_products` returns them, with the results of verification
    verified : whether artwork was compared; then more is needed to accept, and most where none agrees
    """
    asking = needed = thresholds.needed_verified if verified else thresholds.needed
    if not candidates:
        return Decision("unknown", 0.0, 0.0, (), NOTHING_LIKE_IT, needed, verified)
    contenders = candidates[:CONTENDERS]
    odds = log_odds(
        np.array([each.score for each in contenders], np.float64),
        np.array([thresholds.density_of(each.product_id) for each in contenders], np.float64),
        np.array([each.agreeing for each in contenders], np.float64),
        centre=thresholds.centre,
        spread=thresholds.spread,
    )
    weighed = [replace(each, log_odds=float(log)) for each, log in zip(contenders, odds, strict=True)]
    # a stable sort: equals stay in the order of their scores
    weighed.sort(key=lambda each: -each.log_odds)
    best = weighed[0]
    if verified and not best.agreeing:
        needed = thresholds.needed_without_artwork
    rival = max((each.score for each in candidates if each.product_id != best.product_id), default=0.0)
    confidence = float(sureness(odds)) - needed
    state: State = "unknown"
    if confidence >= 0:
        state = "accepted"
    elif len(weighed) > 1 and best.log_odds - weighed[1].log_odds < ASK_LEAD:
        state = "ambiguous" if float(registered(odds)) >= asking - ASK_SLACK else "unknown"
    return Decision(
        state,
        best.score,
        best.score - rival,
        (*weighed, *candidates[CONTENDERS:]),
        confidence,
        needed,
        verified,
    )
