"""The shares of votes by which an item is accepted, asked about or left unknown, each from both sides."""

from __future__ import annotations

import pytest

from recognition.vision.decision.decide import ROWS_KEPT, Candidate, Decision
from recognition.vision.lane.voting import (
    CountingConfig,
    Verdict,
    Vote,
    contenders_of,
    exchanged_for,
    second_verdict_of,
    verdict_of,
    verified_verdict_of,
)
from tests.recognition.vision.lane.test_voting import CONFIG, NOTHING, OTHER, SURE, TORN, vote


def last_verdict(*votes: Vote) -> Verdict:
    return verdict_of(votes, CONFIG, last=True)


@pytest.mark.parametrize(("doubt", "state"), [(2.0, "accepted"), (2.05, "ambiguous")])
def test_a_product_needs_three_fifths_of_the_weight(doubt: float, state: str) -> None:
    sure = vote("accepted", "milk", quality=1.5)
    found = last_verdict(sure, sure, vote("unknown", "milk", quality=doubt))
    assert found.state == state
    assert found.choices == (() if state == "accepted" else ("milk",))


def test_one_sure_view_is_not_enough_at_any_weight() -> None:
    found = last_verdict(vote("accepted", "milk", quality=9.0), NOTHING)
    assert (found.state, found.product_id) == ("ambiguous", None)


@pytest.mark.parametrize(("rest", "state"), [(1.0, "ambiguous"), (1.01, "unknown")])
def test_products_need_half_of_the_weight_to_be_asked_about(rest: float, state: str) -> None:
    assert last_verdict(TORN, vote("unknown", "milk", quality=rest)).state == state


@pytest.mark.parametrize("views", [3, 4, 5])
def test_disputed_views_decide_from_the_sixth_on(views: int) -> None:
    votes = [NOTHING, *[SURE] * (views - 1)]
    assert verdict_of(votes, CONFIG, last=False).state == "candidate"
    assert verdict_of([*votes, *[SURE] * (6 - views)], CONFIG, last=False).state == "accepted"


def test_a_second_best_counts_half_among_the_choices() -> None:
    # juice: twice second is one; tea: once first; soup: once second is a half
    votes = [
        vote("ambiguous", "milk", "juice"),
        vote("ambiguous", "milk", "juice"),
        vote("ambiguous", "tea", "soup", quality=1.01),
    ]
    assert last_verdict(*votes).choices == ("milk", "tea", "juice")
    assert last_verdict(*votes[:2], vote("ambiguous", "tea", "soup", quality=0.99)).choices == (
        "milk",
        "juice",
        "tea",
    )


def test_only_the_second_of_a_view_is_offered_beside_its_first() -> None:
    assert last_verdict(*[vote("ambiguous", "milk", "juice", "tea")] * 2).choices == ("milk", "juice")
    assert last_verdict(SURE, vote("accepted", "juice", "tea")).choices == ("juice", "milk")


def test_the_score_of_a_question_is_that_of_its_first_choice() -> None:
    found = last_verdict(
        vote("ambiguous", "milk", "juice", score=0.9, margin=0.02, quality=1.0),
        vote("ambiguous", "milk", "juice", score=0.6, margin=0.05, quality=2.0),
        vote("ambiguous", "juice", "milk", score=0.3, margin=0.01, quality=1.0),
    )
    assert found.choices[0] == "milk"
    assert (found.score, found.margin) == pytest.approx((0.7, 0.04), abs=1e-6)
    assert found.score_count == 2


def test_weightless_views_still_count_as_views() -> None:
    votes = [vote("accepted", "milk", quality=0.0)] * 3
    found = verdict_of(votes, CONFIG, last=False)
    assert (found.state, found.product_id) == ("accepted", "milk")
    assert found.score == pytest.approx(0.8)


def test_an_unknown_item_needs_three_views_that_agree_to_be_named() -> None:
    assert second_verdict_of([NOTHING, SURE, OTHER, SURE], CONFIG).state == "ambiguous"
    assert second_verdict_of([OTHER, OTHER, SURE, SURE, SURE], CONFIG).product_id == "milk"


@pytest.mark.parametrize(
    ("mismatches", "name"),
    [
        ([SURE, SURE], None),
        ([SURE, SURE, SURE], "milk"),
        ([OTHER, SURE, SURE, SURE], "milk"),
        ([SURE, SURE, OTHER], None),
        ([SURE, TORN, SURE], None),
        ([SURE, SURE, NOTHING], None),
        ([NOTHING, SURE, SURE, SURE], "milk"),
        ([], None),
    ],
)
def test_an_item_was_exchanged_for_what_the_three_newest_views_all_accept(
    mismatches: list[Vote], name: str | None
) -> None:
    assert exchanged_for(mismatches, CONFIG) == name


def test_fewer_views_are_enough_where_the_configuration_says_so() -> None:
    assert exchanged_for([SURE, SURE], CountingConfig(views_early=2)) == "milk"


def verification(state: str, *log_odds: tuple[str, float]) -> Decision:
    candidates = tuple(Candidate(name, 0.7, row, log_odds=odds) for row, (name, odds) in enumerate(log_odds))
    return Decision(state, 0.7, 0.1, candidates)  # type: ignore[arg-type]


UNKNOWN = Verdict("unknown", choices=("milk", "tea"))
ASKED = Verdict("ambiguous", None, 0.6, 0.05, 3, ("milk", "juice"))
ACCEPTED = Verdict("accepted", "milk", 0.8, 0.2, 3)


@pytest.mark.parametrize("verdict", [UNKNOWN, ASKED])
def test_a_verification_that_accepts_settles_what_was_open(verdict: Verdict) -> None:
    found = verified_verdict_of(verdict, [verification("accepted", ("juice", 3.0), ("milk", 1.0))], 5)
    assert (found.state, found.product_id, found.score, found.margin, found.score_count) == (
        "accepted",
        "juice",
        0.7,
        0.1,
        5,
    )


@pytest.mark.parametrize("verdict", [UNKNOWN, ASKED, ACCEPTED])
def test_a_verification_that_knows_nothing_changes_nothing(verdict: Verdict) -> None:
    assert verified_verdict_of(verdict, [verification("unknown", ("juice", 3.0))], 5) is verdict
    assert verified_verdict_of(verdict, [verification("ambiguous")], 5) is verdict


def test_a_verification_asks_about_those_within_a_lead_of_two_of_the_first() -> None:
    found_open = verification("ambiguous", ("juice", 3.0), ("tea", 1.1), ("soup", 1.0))
    found = verified_verdict_of(UNKNOWN, [found_open], 5)
    assert (found.state, found.product_id, found.choices) == ("ambiguous", None, ("juice", "tea"))
    assert (found.score, found.margin, found.score_count) == (0.7, 0.1, 5)
    many = verification("ambiguous", *((name, 3.0) for name in "abcd"))
    assert verified_verdict_of(UNKNOWN, [many], 5).choices == ("a", "b", "c")
    assert verified_verdict_of(ASKED, [found_open], 5) is ASKED


@pytest.mark.parametrize("state", ["accepted", "ambiguous"])
def test_a_verification_that_names_another_product_makes_a_question_of_both(state: str) -> None:
    found = verified_verdict_of(ACCEPTED, [verification(state, ("juice", 3.0), ("milk", -9.0))], 5)
    assert (found.state, found.product_id, found.choices) == ("ambiguous", None, ("juice", "milk"))
    same = verification(state, ("milk", 3.0), ("juice", 2.9))
    assert verified_verdict_of(ACCEPTED, [same], 5) is ACCEPTED


def seen_of(product_id: str, *rows: int) -> Vote:
    return Vote(Decision("ambiguous", 0.8, 0.1, (Candidate(product_id, 0.8, rows[0], rows),)), 1.0)


def test_the_photos_of_a_contender_are_those_that_came_first_in_any_view() -> None:
    (contender,) = contenders_of(
        [seen_of("milk", 4, 5, 6, 7), seen_of("milk", 8, 4, 9), seen_of("milk", 1)], 3
    )
    assert contender.row == 4
    assert contender.rows == (4, 8, 1, 5, 6, 9)
    assert len(contender.rows) == ROWS_KEPT


def test_a_view_without_quality_still_names_contenders() -> None:
    blurred = vote("unknown", "milk", "juice", quality=0.0)
    assert [each.product_id for each in contenders_of([blurred], 3)] == ["milk", "juice"]
    assert contenders_of([blurred], 3)[0].score == pytest.approx(0.8)
