"""From rows to decisions: products by their best rows, and what is accepted, asked about or left unknown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recognition.vision.decision.decide import (
    ASK_LEAD,
    NOTHING_LIKE_IT,
    ROWS_KEPT,
    Candidate,
    Decision,
    Thresholds,
    decide,
    fold_to_products,
)
from recognition.vision.decision.odds import FITTED

THRESHOLDS = Thresholds(centre=0.5, spread=0.1, needed=0.5, needed_verified=1.0, needed_without_artwork=1.5)


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


def test_a_candidate_names_its_nearest_photos_best_first() -> None:
    scores = np.linspace(0.9, 0.1, 9, dtype=np.float32)
    tea, milk = fold_to_products(scores, np.arange(9)[::-1], ["tea"] * 8 + ["milk"])[::-1]
    assert (milk.rows, tea.rows) == ((8,), (7, 6, 5, 4, 3, 2))
    assert len(tea.rows) == ROWS_KEPT


def of(**scores: float) -> tuple[Candidate, ...]:
    return tuple(Candidate(name, score, row) for row, (name, score) in enumerate(scores.items()))


@pytest.mark.parametrize(
    ("candidates", "state", "margin"),
    [
        (of(milk=0.9, juice=0.3), "accepted", 0.6),
        (of(milk=0.9), "accepted", 0.9),
        (of(milk=0.7, juice=0.3), "unknown", 0.4),
        (of(milk=0.9, juice=0.88), "ambiguous", 0.02),
        (of(milk=0.7, juice=0.68), "ambiguous", 0.02),
        (of(milk=0.52, juice=0.51), "unknown", 0.01),
        (of(milk=0.9, juice=0.88, tea=0.85, soap=0.84, soup=0.83), "ambiguous", 0.02),
    ],
)
def test_a_decision_weighs_the_score_against_the_gallery_and_the_lead(
    candidates: tuple[Candidate, ...], state: str, margin: float
) -> None:
    decision = decide(candidates, THRESHOLDS)
    assert (decision.state, decision.score) == (state, candidates[0].score)
    assert [each.product_id for each in decision.candidates] == [each.product_id for each in candidates]
    assert decision.margin == pytest.approx(margin)
    assert (decision.confidence >= 0) == (state == "accepted")
    assert decision.needed == 0.5


@pytest.mark.parametrize(("lead", "state"), [(ASK_LEAD - 0.1, "ambiguous"), (ASK_LEAD + 0.1, "unknown")])
def test_a_lead_beyond_two_leaves_nothing_to_ask(lead: float, state: str) -> None:
    assert ASK_LEAD == 2.0
    strict = replace(THRESHOLDS, needed=2.5)
    behind = lead / (FITTED.score - FITTED.others / 4) * THRESHOLDS.spread
    found = decide(of(milk=0.9, juice=0.9 - behind), strict)
    milk, juice = found.candidates
    assert milk.log_odds - juice.log_odds == pytest.approx(lead)
    assert found.state == state


def test_confidence_is_the_log_odds_beyond_what_is_needed() -> None:
    # the only contender, four spreads above the centre, with nothing but "none" against it
    alone = FITTED.constant + 4 * FITTED.score
    assert decide(of(milk=0.9), THRESHOLDS).confidence == pytest.approx(alone - 0.5)
    # the other one lies two spreads below the centre
    milk = alone - 2 / 4 * FITTED.others
    juice = FITTED.constant - 2 * FITTED.score + 4 / 4 * FITTED.others
    found = decide(of(milk=0.9, juice=0.3), THRESHOLDS)
    assert [each.log_odds for each in found.candidates] == pytest.approx([milk, juice])
    assert found.confidence == pytest.approx(milk - np.log(1 + np.exp(juice)) - 0.5)


def test_nothing_found_is_unknown() -> None:
    assert decide((), THRESHOLDS) == Decision("unknown", 0.0, 0.0, (), NOTHING_LIKE_IT, 0.5)


def test_artwork_makes_up_for_a_lower_score_and_says_so() -> None:
    milk, juice = of(milk=0.7, juice=0.65)
    found = decide((milk, replace(juice, agreeing=0.1, inliers=30)), THRESHOLDS, verified=True)
    assert (found.state, found.candidates[0].product_id, found.needed) == ("accepted", "juice", 1.0)
    assert found.score == 0.65
    assert found.margin == pytest.approx(-0.05)
    assert found.verified


def test_artwork_of_another_product_turns_an_accepted_one_into_a_question() -> None:
    milk, juice = of(milk=0.95, juice=0.7)
    assert decide((milk, juice), THRESHOLDS, verified=True).state == "accepted"
    against = decide((milk, replace(juice, agreeing=0.1)), THRESHOLDS, verified=True)
    assert against.state == "ambiguous"


def test_a_verification_without_artwork_takes_more_to_accept() -> None:
    (milk,) = of(milk=0.8)
    assert decide((milk,), THRESHOLDS).state == "accepted"
    plain = decide((milk,), THRESHOLDS, verified=True)
    assert (plain.state, plain.needed) == ("unknown", THRESHOLDS.needed_without_artwork)
    printed = decide((replace(milk, agreeing=1e-6),), THRESHOLDS, verified=True)
    assert (printed.state, printed.needed) == ("accepted", THRESHOLDS.needed_verified)


def test_a_product_that_others_come_near_needs_a_higher_score() -> None:
    crowded = replace(THRESHOLDS, densities={"milk": 0.9})
    apart, near = (decide(of(milk=0.8), thresholds).confidence for thresholds in (THRESHOLDS, crowded))
    assert near == pytest.approx(apart + FITTED.density * 4)


@pytest.mark.parametrize("seed", range(20))
def test_confidence_rises_with_the_best_score_and_its_artwork_and_falls_with_the_others(seed: int) -> None:
    generator = np.random.default_rng(seed)
    count = int(generator.integers(2, 9))
    scores = np.sort(generator.uniform(-0.2, 1.0, count))[::-1]
    candidates = [
        Candidate(f"p{rank}", float(score), rank, agreeing=float(generator.choice([0.0, 0.05])))
        for rank, score in enumerate(scores)
    ]
    whole = decide(candidates, THRESHOLDS)
    best = next(
        rank for rank, each in enumerate(candidates) if each.product_id == whole.candidates[0].product_id
    )

    def changed(rank: int, *, score: float = 0.0, agreeing: float = 0.0) -> float:
        each = candidates[rank]
        more = replace(each, score=each.score + score, agreeing=each.agreeing + agreeing)
        return decide([*candidates[:rank], more, *candidates[rank + 1 :]], THRESHOLDS).confidence

    assert changed(best, score=0.01) > whole.confidence
    assert changed(best, agreeing=0.01) > whole.confidence
    for rank in set(range(min(count, 5))) - {best}:
        assert changed(rank, score=0.0001) < whole.confidence
        assert changed(rank, agreeing=0.0001) < whole.confidence
