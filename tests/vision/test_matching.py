from __future__ import annotations

import numpy as np
import pytest

from recognition.vision.matching import Candidate, Decision, Thresholds, decide, fold_to_products

MILK = Candidate("milk", 0.9, 4)
THRESHOLDS = Thresholds(default=0.6, margin=0.1, per_product={"milk": 0.8, "juice": 0.5})


def test_each_product_keeps_its_best_row() -> None:
    scores = np.array([0.5, 0.75, 0.25, 0.125], np.float32)
    rows = np.array([0, 3, 2, 1])
    products = {0: "milk", 1: "juice", 2: "milk", 3: "juice"}
    assert fold_to_products(scores, rows, products) == (
        Candidate("juice", 0.75, 3),
        Candidate("milk", 0.5, 0),
    )


def test_equal_scores_go_by_the_order_of_rows_and_padding_is_left_out() -> None:
    scores = np.array([0.5, 0.5, 0.5, -np.inf], np.float32)
    rows = np.array([2, 0, 1, -1])
    assert fold_to_products(scores, rows, ["tea", "milk", "tea"]) == (
        Candidate("tea", 0.5, 0),
        Candidate("milk", 0.5, 1),
    )
    assert fold_to_products(scores[3:], rows[3:], []) == ()


@pytest.mark.parametrize(
    ("candidates", "state", "margin"),
    [
        ((MILK, Candidate("juice", 0.5, 1)), "accepted", 0.4),
        ((MILK,), "accepted", 0.9),
        ((Candidate("milk", 0.8, 4), Candidate("juice", 0.5, 1)), "accepted", 0.3),
        ((Candidate("milk", 0.79, 4), Candidate("juice", 0.5, 1)), "unknown", 0.29),
        ((MILK, Candidate("juice", 0.85, 1)), "ambiguous", 0.05),
        ((Candidate("milk", 0.75, 4), Candidate("juice", 0.7, 1)), "ambiguous", 0.05),
        ((Candidate("milk", 0.75, 4), Candidate("juice", 0.6, 1)), "unknown", 0.15),
        ((Candidate("soap", 0.55, 4), Candidate("soup", 0.54, 1)), "unknown", 0.01),
        ((Candidate("soap", 0.6, 4), Candidate("juice", 0.2, 1)), "accepted", 0.4),
    ],
)
def test_a_decision_weighs_the_score_against_the_products_own_threshold_and_the_lead(
    candidates: tuple[Candidate, ...], state: str, margin: float
) -> None:
    decision = decide(candidates, THRESHOLDS)
    assert (decision.state, decision.score, decision.candidates) == (state, candidates[0].score, candidates)
    assert decision.margin == pytest.approx(margin)


def test_nothing_found_is_unknown() -> None:
    assert decide((), THRESHOLDS) == Decision("unknown", 0.0, 0.0, ())


def test_a_lead_of_exactly_the_margin_is_enough() -> None:
    thresholds = Thresholds(default=0.5, margin=0.25)
    assert decide((Candidate("a", 0.75, 0), Candidate("b", 0.5, 1)), thresholds).state == "accepted"
    assert decide((Candidate("a", 0.75, 0), Candidate("b", 0.625, 1)), thresholds).state == "ambiguous"
