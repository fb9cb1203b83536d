"""From rows that matched to a decision: this product, one of these, or nothing known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from recognition.vision.layout import FloatArray

State = Literal["accepted", "ambiguous", "unknown"]

SUSPECTS = 3
"""Products looked at closely when a match leaves it open; a further one is hardly ever right."""


class ProductOfRow(Protocol):
    """Anything that answers ``[row]`` with the product of a row: a list, a dictionary, an array."""

    def __getitem__(self, row: int, /) -> str: ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product and the row of it that matched best."""

    product_id: str
    score: float
    row: int


@dataclass(frozen=True)
class Thresholds:
    """What a match needs.

    Attributes
    ----------
    default : score that suffices for a product without a threshold of its own
    margin : how far the best product must lead the second
    per_product : score that suffices for each product
    """

    default: float
    margin: float
    per_product: Mapping[str, float] = field(default_factory=dict)

    def of(self, product_id: str) -> float:
        """Return the score that suffices for a product."""
        return self.per_product.get(product_id, self.default)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is made of one picture.

    Attributes
    ----------
    state : ``accepted`` the first candidate, ``ambiguous`` between the first few, or ``unknown``
    score : of the first candidate, 0 without one
    margin : lead of the first candidate over the second; over 0 where there is no second
    candidates : one for each product that matched, the best first; when ambiguous, those within the margin of
        the best are the ones to ask about
    """

    state: State
    score: float
    margin: float
    candidates: tuple[Candidate, ...]


def fold_to_products(
    scores: FloatArray, rows: np.ndarray, product_of_row: ProductOfRow
) -> tuple[Candidate, ...]:
    """Keep the best row of each product.

    Parameters
    ----------
    scores : float32 (k,), of one query
    rows : int64 (k,), -1 where nothing matched. The second product is only seen when k exceeds the number
        of rows of the first: ask for more rows than any product has photos.
    product_of_row : product of each row

    Returns
    -------
    Candidates by falling score; equal scores in the order of their rows.
    """
    best: dict[str, Candidate] = {}
    found = [(float(score), int(row)) for score, row in zip(scores, rows, strict=True) if row >= 0]
    for score, row in sorted(found, key=lambda hit: (-hit[0], hit[1])):
        product_id = product_of_row[row]
        if product_id not in best:
            best[product_id] = Candidate(product_id, score, row)
    return tuple(best.values())


def decide(candidates: tuple[Candidate, ...], thresholds: Thresholds) -> Decision:
    """Accept the best product, ask about look-alikes, or admit that it is unknown.

    Accepted is a product that reaches its own threshold and leads the second by the margin. Ambiguous is a
    best product closely followed, when it or one of its close followers reaches its own threshold: a wrong
    silent choice would be worse than a question. All else is unknown.

    Parameters
    ----------
    candidates : by falling score, as ``fold_to_products`` returns them
    thresholds : what a match needs
    """
    if not candidates:
        return Decision("unknown", 0.0, 0.0, ())
    best = candidates[0]
    margin = best.score - (candidates[1].score if len(candidates) > 1 else 0.0)
    close = [each for each in candidates if best.score - each.score < thresholds.margin]
    reached = any(each.score >= thresholds.of(each.product_id) for each in close)
    state: State
    if len(close) > 1:
        state = "ambiguous" if reached else "unknown"
    else:
        state = "accepted" if best.score >= thresholds.of(best.product_id) else "unknown"
    return Decision(state, best.score, margin, candidates)
