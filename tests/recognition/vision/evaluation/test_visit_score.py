from __future__ import annotations

import pytest

from recognition.vision.evaluation.visit_score import VisitTruth, evaluate_visit, score_visits


def counts(predicted: dict[str, int], true: dict[str, int]) -> tuple[int, int, int]:
    score = evaluate_visit("visit", predicted, true)
    assert score.right == (score.count_error == 0)
    return score.false_adds, score.doubles, score.misses


def test_a_right_cart_has_no_error() -> None:
    assert counts({"milk": 2, "juice": 1}, {"juice": 1, "milk": 2}) == (0, 0, 0)
    assert counts({}, {}) == (0, 0, 0)


def test_a_line_of_count_zero_is_no_line() -> None:
    assert counts({"milk": 1, "juice": 0}, {"milk": 1}) == (0, 0, 0)


def test_an_item_counted_twice_is_a_double() -> None:
    assert counts({"milk": 3}, {"milk": 1}) == (0, 2, 0)


def test_an_item_not_counted_is_a_miss() -> None:
    assert counts({"milk": 1}, {"milk": 3, "juice": 1}) == (0, 0, 3)


def test_an_unregistered_item_taken_for_a_product_is_a_false_add() -> None:
    assert counts({"milk": 1, "juice": 1}, {"milk": 1}) == (1, 0, 0)


def test_a_wrong_identity_is_one_miss_and_one_false_add_even_when_the_other_was_shown_too() -> None:
    assert counts({"juice": 1}, {"milk": 1}) == (1, 0, 1)
    assert counts({"juice": 2}, {"milk": 1, "juice": 1}) == (1, 0, 1)


def test_a_miss_explains_a_stranger_before_it_explains_a_repeated_product() -> None:
    assert counts({"tea": 1, "juice": 2}, {"milk": 1, "juice": 1}) == (1, 1, 1)


TRUTH: list[VisitTruth] = [
    {"name": "one", "cart": {"milk": 1}},
    {"name": "two", "cart": {"milk": 2, "juice": 1}},
    {"name": "three", "cart": {"juice": 1}},
    {"name": "none", "cart": {}},
]


def test_visits_are_summed_up() -> None:
    carts = {"one": {"milk": 1}, "two": {"milk": 2, "tea": 1}, "three": {"juice": 2}}

    assert score_visits(carts, TRUTH) == {
        "visits": 4,
        "items": 5,
        "cAcc": 0.5,
        "count_error_mean": 0.75,
        "false_adds": 1,
        "doubles": 1,
        "misses": 1,
        "false_adds_per_100_items": 20.0,
    }


def test_a_visit_without_a_cart_filled_none() -> None:
    score = score_visits({}, TRUTH)

    assert (score["cAcc"], score["misses"], score["false_adds"]) == (0.25, 5, 0)


def test_carts_of_other_visits_and_an_empty_truth_are_refused() -> None:
    with pytest.raises(ValueError, match="no such visits in the truth: four"):
        score_visits({"four": {}}, TRUTH)
    with pytest.raises(ValueError, match="no visits"):
        score_visits({}, [])
