"""Recall, false accepts and confusions, computed by hand on a few answers."""

from __future__ import annotations

import pytest

from recognition.vision.decision.decide import Candidate, Decision, State
from recognition.vision.evaluation.photo_metrics import (
    Answer,
    class_metrics,
    confusions_of,
    false_accepts_at_recall,
    mean_metrics,
    photo_metrics,
    recall_at_false_accepts,
)


def answer(
    truth: str, ranked: str, state: State = "accepted", *, sure: float = 0.5, picture: int = 0
) -> Answer:
    candidates = tuple(Candidate(name, 0.9 - 0.1 * place, place) for place, name in enumerate(ranked))
    return Answer(picture, truth, Decision(state, 0.9, 0.1, candidates, confidence=sure))


REGISTERED = [
    answer("a", "ab", sure=0.9),
    answer("a", "ba", "ambiguous", sure=0.2),
    answer("a", "bcdefa", "unknown", sure=-0.3),
    answer("b", "ba", sure=0.4),
]
STRANGERS = [answer("x", "a", sure=0.3), answer("y", "b", "unknown", sure=-0.1)]


def test_shares_are_over_pictures_and_the_macro_recall_over_classes() -> None:
    assert photo_metrics(REGISTERED, STRANGERS) == {
        "recall_at_1": 0.5,
        "macro_recall_at_1": pytest.approx((1 / 3 + 1) / 2),
        "recall_at_5": 0.75,
        "accepted_rate": 0.5,
        "right_accept_rate": 0.5,
        "ambiguous_rate": 0.25,
        "false_accept_rate": 0.5,
        "recall_at_false_accept_1pct": 0.5,
        "false_accept_rate_at_95pct_recall": 0.0,
    }


def test_a_wrong_accept_counts_as_accepted_and_not_as_right() -> None:
    metrics = photo_metrics([answer("a", "b"), answer("a", "a")], [])
    assert (metrics["accepted_rate"], metrics["right_accept_rate"]) == (1.0, 0.5)


def test_without_pictures_or_impostors_there_is_no_share() -> None:
    assert set(photo_metrics([], []).values()) == {None}
    alone = photo_metrics(REGISTERED, [])
    assert (alone["false_accept_rate"], alone["recall_at_false_accept_1pct"]) == (None, None)


@pytest.mark.parametrize(("impostors", "allowed"), [(99, 0), (100, 1), (199, 1), (300, 3)])
def test_at_most_one_percent_of_the_impostors_pass(impostors: int, allowed: int) -> None:
    strangers = [answer("x", "a", sure=number / 1000) for number in range(impostors)]
    shown = [answer("a", "a", sure=number / 1000 + 0.0005) for number in range(impostors)]

    recall = recall_at_false_accepts(shown, strangers)
    assert recall == pytest.approx((allowed + 1) / impostors)
    bar = sorted(each.confidence for each in strangers)[-1 - allowed]
    assert sum(each.confidence > bar for each in strangers) == allowed


def test_equal_confidences_pass_together_or_not_at_all() -> None:
    strangers = [answer("x", "a", sure=0.5)] * 200
    assert recall_at_false_accepts([answer("a", "a", sure=0.5)], strangers) == 0.0
    assert recall_at_false_accepts([answer("a", "a", sure=0.51)], strangers) == 1.0


def test_a_sure_answer_with_the_wrong_name_is_no_recall() -> None:
    assert recall_at_false_accepts([answer("a", "b", sure=0.9)], STRANGERS) == 0.0


def test_the_bar_for_95_percent_lets_one_of_twenty_right_answers_go() -> None:
    shown = [answer("a", "a", sure=number / 100) for number in range(1, 21)]
    strangers = [answer("x", "a", sure=sure) for sure in (0.005, 0.015, 0.025, 0.3)]

    assert false_accepts_at_recall(shown, strangers) == 0.5
    assert false_accepts_at_recall(shown, strangers, recall=1.0) == 0.75
    assert false_accepts_at_recall([answer("a", "b")], strangers) is None


def test_every_registered_class_is_told_of_even_without_pictures() -> None:
    metrics = class_metrics(REGISTERED, {"b": 2, "a": 3, "c": 1})

    assert list(metrics) == ["a", "b", "c"]
    assert metrics["a"] == {
        "photos": 3,
        "queries": 3,
        "recall_at_1": pytest.approx(1 / 3),
        "recall_at_5": pytest.approx(2 / 3),
        "right_accept_rate": pytest.approx(1 / 3),
        "wrong_accept_rate": 0.0,
        "ambiguous_rate": pytest.approx(1 / 3),
    }
    assert (metrics["c"]["queries"], metrics["c"]["recall_at_1"]) == (0, None)


def test_confusions_that_would_have_been_added_unasked_come_first() -> None:
    answers = [
        answer("a", "b", "unknown", picture=0),
        answer("a", "b", "ambiguous", sure=0.7, picture=1),
        answer("c", "a", "accepted", picture=2),
        answer("c", "c", picture=3),
        answer("c", "", "unknown", picture=4),
    ]
    found = confusions_of(answers)

    assert [(each.truth, each.named, each.accepted, each.of) for each in found] == [
        ("c", "a", 1, 3),
        ("a", "b", 0, 2),
    ]
    assert [each.picture for each in found[1].answers] == [1, 0]


def test_draws_are_averaged_metric_by_metric() -> None:
    assert mean_metrics([{"x": 1.0, "y": None, "z": None}, {"x": 0.5, "y": 0.25, "z": None}]) == {
        "x": 0.75,
        "y": 0.25,
        "z": None,
    }
