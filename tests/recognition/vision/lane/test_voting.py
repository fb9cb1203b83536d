from __future__ import annotations

import pytest

from recognition.vision.decision.decide import Candidate, Decision
from recognition.vision.lane.voting import (
    CountingConfig,
    Verdict,
    Vote,
    contenders_of,
    second_verdict_of,
    verdict_of,
)

CONFIG = CountingConfig()


def vote(state: str, *products: str, score: float = 0.8, margin: float = 0.2, quality: float = 1.0) -> Vote:
    candidates = tuple(
        Candidate(product_id=product, score=score - 0.02 * rank, row=rank)
        for rank, product in enumerate(products)
    )
    return Vote(Decision(state, score, margin, candidates), quality)  # type: ignore[arg-type]


SURE, OTHER = vote("accepted", "milk"), vote("accepted", "juice")
TORN, NOTHING = vote("ambiguous", "milk", "juice"), vote("unknown", "milk")


def verdict(*votes: Vote, last: bool = False) -> Verdict:
    return verdict_of(votes, CONFIG, last=last)


def named(found: Verdict) -> tuple[str, str | None]:
    return found.state, found.product_id


def test_one_or_two_sure_views_are_not_enough_while_more_will_come() -> None:
    assert named(verdict(SURE)) == ("candidate", None)
    assert named(verdict(SURE, SURE)) == ("candidate", None)


def test_three_undisputed_views_are_accepted() -> None:
    assert named(verdict(SURE, SURE, SURE)) == ("accepted", "milk")


@pytest.mark.parametrize("doubt", [OTHER, TORN, NOTHING])
def test_one_doubtful_view_waits_for_more(doubt: Vote) -> None:
    assert named(verdict(SURE, doubt, SURE)) == ("candidate", None)


def test_a_moment_of_doubt_is_outvoted_in_the_end() -> None:
    assert named(verdict(SURE, SURE, NOTHING, SURE, TORN, SURE)) == ("accepted", "milk")


def test_two_products_accepted_in_turn_are_asked_about() -> None:
    found = verdict(SURE, OTHER, SURE, OTHER, SURE, OTHER)

    assert named(found) == ("ambiguous", None)
    assert found.choices == ("juice", "milk")


@pytest.mark.parametrize(("against", "state"), [(1.0, "accepted"), (1.01, "ambiguous"), (1.9, "ambiguous")])
def test_another_product_accepted_in_more_than_a_fifth_of_the_weight_is_asked_about(
    against: float, state: str
) -> None:
    other = vote("accepted", "juice", quality=against)

    # four votes of one for milk, which has two thirds of the weight even at the worst
    assert verdict(SURE, SURE, other, SURE, SURE, last=True).state == state


def test_look_alikes_are_asked_about_best_first() -> None:
    found = verdict(*[TORN] * 6)

    assert found.state == "ambiguous"
    assert found.choices == ("milk", "juice")
    assert found.score == pytest.approx(0.8)


def test_choices_are_limited_to_what_a_shopper_reads() -> None:
    votes = [vote("ambiguous", name, "other") for name in ("a", "b", "c", "d", "e", "f")]

    assert len(verdict(*votes).choices) == 3


def test_what_no_view_knows_is_unknown_and_comes_with_the_likeliest_products() -> None:
    found = verdict(*[vote("unknown", "milk", "juice", "soup", "tea")] * 6)

    assert named(found) == ("unknown", None)
    assert found.choices == ("milk", "juice", "soup")
    assert named(verdict(*[NOTHING] * 5)) == ("candidate", None)


def test_a_stray_acceptance_among_unknown_views_adds_nothing() -> None:
    assert named(verdict(NOTHING, NOTHING, SURE, NOTHING, NOTHING, NOTHING)) == ("unknown", None)


def test_an_item_that_is_gone_is_decided_by_two_views_but_never_by_one() -> None:
    assert named(verdict(SURE, last=True)) == ("candidate", None)
    assert named(verdict(SURE, SURE, last=True)) == ("accepted", "milk")
    assert named(verdict(SURE, OTHER, last=True)) == ("ambiguous", None)


def test_good_views_outweigh_blurred_ones() -> None:
    blurred = vote("unknown", "milk", quality=0.2)
    sharp = vote("accepted", "milk", quality=1.0)

    assert named(verdict(blurred, blurred, blurred, sharp, sharp, sharp)) == ("accepted", "milk")
    equal = [vote("unknown", "milk"), vote("accepted", "milk")] * 3
    assert named(verdict(*equal)) == ("ambiguous", None)


def test_score_and_margin_are_means_weighted_by_quality() -> None:
    found = verdict(
        vote("accepted", "milk", score=0.9, margin=0.3, quality=3.0),
        vote("accepted", "milk", score=0.7, margin=0.1, quality=1.0),
        vote("accepted", "milk", score=0.7, margin=0.1, quality=0.0),
    )

    assert found.score == pytest.approx(0.85)
    assert found.margin == pytest.approx(0.25)
    assert found.score_count == 3


def test_an_unknown_item_is_named_only_when_all_its_newest_views_name_it() -> None:
    past = [NOTHING] * 6

    assert second_verdict_of([*past, SURE, SURE], CONFIG).state == "candidate"
    assert second_verdict_of([*past, SURE, NOTHING, SURE, SURE], CONFIG).state == "candidate"
    assert named(second_verdict_of([*past, SURE, SURE, SURE], CONFIG)) == ("accepted", "milk")
    assert second_verdict_of([*past, TORN, TORN, TORN], CONFIG).state == "ambiguous"


def test_contenders_are_ranked_by_their_mean_score_over_good_views() -> None:
    good = vote("ambiguous", "milk", "juice", score=0.8, quality=3.0)
    poor = vote("ambiguous", "juice", "milk", score=0.9, quality=1.0)

    found = contenders_of([good, poor], 3)

    assert [contender.product_id for contender in found] == ["milk", "juice"]
    assert found[0].score == pytest.approx((3 * 0.80 + 0.88) / 4, abs=1e-6)
    assert found[1].score == pytest.approx((3 * 0.78 + 0.90) / 4, abs=1e-6)
    assert contenders_of([good, poor], 1) == found[:1]


def test_a_contender_missing_from_a_view_counts_there_with_the_lowest_score() -> None:
    found = contenders_of([vote("ambiguous", "milk", "juice"), vote("accepted", "tea", "milk", score=0.7)], 3)

    assert {contender.product_id: pytest.approx(contender.score) for contender in found} == {
        "milk": (0.80 + 0.68) / 2,
        "juice": (0.78 + 0.68) / 2,
        "tea": (0.78 + 0.70) / 2,
    }


def test_views_that_named_nothing_leave_no_contenders() -> None:
    assert contenders_of([vote("unknown")], 3) == ()
