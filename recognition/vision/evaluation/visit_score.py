"""Scores the carts of recorded visits against the true carts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

Cart = Mapping[str, int]


class VisitTruth(TypedDict):
    """The name of a recorded visit and its true cart."""

    name: str
    cart: dict[str, int]


class VisitsScore(TypedDict):
    """Sums over all visits; rates are shares of visits or per item shown."""

    visits: int
    items: int
    cAcc: float
    count_error_mean: float
    false_adds: int
    doubles: int
    misses: int
    false_adds_per_100_items: float


@dataclass(frozen=True)
class VisitScore:
    """How one cart differs from the truth, in items.

    Attributes
    ----------
    items : items in the true cart
    right : whether the counts of all products agree
    misses : items of the true cart that are not in this one
    false_adds : items in this cart that are not in the true one: those of other products, and surplus items
        of its products that pair with a miss, because a wrong identity is one miss and one false add
    doubles : surplus items of its products that no miss explains
    """

    name: str
    items: int
    right: bool
    false_adds: int
    doubles: int
    misses: int

    @property
    def count_error(self) -> int:
        """Sum over the products of the absolute difference in count."""
        return self.false_adds + self.doubles + self.misses


def evaluate_visit(name: str, predicted: Cart, true: Cart) -> VisitScore:
    """Compare one cart with the truth; a product with count 0 counts as absent."""
    excess = {product: max(0, count - true.get(product, 0)) for product, count in predicted.items()}
    misses = sum(max(0, count - predicted.get(product, 0)) for product, count in true.items())
    strangers = sum(count for product, count in excess.items() if true.get(product, 0) == 0)
    repeated = sum(excess.values()) - strangers
    confused = min(repeated, max(0, misses - strangers))
    false_adds, doubles = strangers + confused, repeated - confused
    return VisitScore(
        name=name,
        items=sum(true.values()),
        right=false_adds == doubles == misses == 0,
        false_adds=false_adds,
        doubles=doubles,
        misses=misses,
    )


def score_visits(predicted_carts: Mapping[str, Cart], truth: Sequence[VisitTruth]) -> VisitsScore:
    """Sum up the scores of all visits.

    Parameters
    ----------
    predicted_carts : for each visit its cart; a missing visit has an empty one
    truth : the ``visits`` of a ``truth.json``

    Returns
    -------
    VisitsScore
        ``cAcc`` is the share of visits whose whole cart is right, ``count_error_mean`` the mean over the
        visits of ``VisitScore.count_error``; the other counts are sums.

    Raises
    ------
    ValueError
        Without visits, or where a cart belongs to none of them.
    """
    if not truth:
        raise ValueError("there are no visits to score")
    strangers = sorted(set(predicted_carts) - {visit["name"] for visit in truth})
    if strangers:
        raise ValueError(f"no such visits in the truth: {', '.join(strangers)}")
    scores = [
        evaluate_visit(visit["name"], predicted_carts.get(visit["name"], {}), visit["cart"])
        for visit in truth
    ]
    items = sum(score.items for score in scores)
    false_adds = sum(score.false_adds for score in scores)
    return {
        "visits": len(scores),
        "items": items,
        "cAcc": sum(score.right for score in scores) / len(scores),
        "count_error_mean": sum(score.count_error for score in scores) / len(scores),
        "false_adds": false_adds,
        "doubles": sum(score.doubles for score in scores),
        "misses": sum(score.misses for score in scores),
        "false_adds_per_100_items": 100.0 * false_adds / items if items else 0.0,
    }
