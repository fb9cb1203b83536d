"""No item is accepted whose views speak against it, however votes and verification fall."""

from __future__ import annotations

from hypothesis import find, given, settings
from hypothesis import strategies as st

from recognition.vision.decision.decide import Candidate, Decision
from recognition.vision.lane.voting import (
    CountingConfig,
    Verdict,
    Vote,
    asked_where_doubtful,
    contradicted,
    second_verdict_of,
    verdict_of,
    verified_verdict_of,
)

CONFIG = CountingConfig()
PRODUCTS = ("juice", "milk", "tea")
Case = tuple[list[Vote], list[Decision], bool]


@st.composite
def decisions(draw: st.DrawFn) -> Decision:
    names = draw(st.permutations(PRODUCTS))
    scores = draw(st.lists(st.floats(0.1, 0.9), min_size=3, max_size=3))
    candidates = tuple(
        Candidate(name, score, row, log_odds=4.0 - row)
        for row, (name, score) in enumerate(zip(names, scores, strict=True))
    )
    state = draw(st.sampled_from(["accepted", "ambiguous", "unknown"]))
    return Decision(state, scores[0], scores[0] - max(scores[1:]), candidates)  # type: ignore[arg-type]


VOTES = st.lists(st.builds(Vote, decisions(), st.floats(0.05, 1.0)), min_size=2, max_size=9)
CASES: st.SearchStrategy[Case] = st.tuples(VOTES, st.lists(decisions(), max_size=2), st.booleans())


def unguarded(case: Case) -> Verdict:
    votes, verified, second = case
    verdict = second_verdict_of(votes, CONFIG) if second else verdict_of(votes, CONFIG, last=True)
    return verdict if verdict.state == "candidate" else verified_verdict_of(verdict, verified, len(votes))


def doubtful(verdict: Verdict, votes: list[Vote]) -> bool:
    if verdict.state != "accepted" or verdict.product_id is None:
        return False
    return verdict.margin < 0 or contradicted(verdict.product_id, votes, CONFIG)


@settings(max_examples=400, deadline=None)
@given(CASES)
def test_no_acceptance_has_a_negative_margin_or_contradicting_views(case: Case) -> None:
    before = unguarded(case)
    after = asked_where_doubtful(before, case[0], CONFIG)

    assert not doubtful(after, case[0])
    if not doubtful(before, case[0]):
        assert after is before
    else:
        assert (after.state, after.product_id) == ("ambiguous", None)
        assert before.product_id == after.choices[0]
        assert 2 <= len(after.choices) <= 3


def test_without_the_guard_both_would_be_accepted() -> None:
    def negative(case: Case) -> bool:
        verdict = unguarded(case)
        return verdict.state == "accepted" and verdict.margin < 0

    def against(case: Case) -> bool:
        verdict = unguarded(case)
        return verdict.product_id is not None and contradicted(verdict.product_id, case[0], CONFIG)

    thorough = settings(max_examples=5000, deadline=None)
    assert negative(find(CASES, negative, settings=thorough))
    assert against(find(CASES, against, settings=thorough))


def seen(state: str, *products: str, quality: float = 1.0) -> Vote:
    candidates = tuple(Candidate(name, 0.8 - 0.1 * rank, rank) for rank, name in enumerate(products))
    return Vote(Decision(state, 0.8, 0.1, candidates), quality)  # type: ignore[arg-type]


def test_a_margin_of_nothing_and_a_fifth_of_the_weight_are_still_accepted() -> None:
    milk, juice = seen("accepted", "milk", "juice"), seen("accepted", "juice", "milk")
    even = Verdict("accepted", "milk", 0.8, 0.0, 4)

    assert asked_where_doubtful(even, [milk] * 4 + [juice], CONFIG) is even
    heavier = seen("accepted", "juice", "milk", quality=1.01)
    assert asked_where_doubtful(even, [milk] * 4 + [heavier], CONFIG).state == "ambiguous"
    worse = Verdict("accepted", "milk", 0.32, -0.08, 4)
    assert asked_where_doubtful(worse, [milk] * 4, CONFIG).choices == ("milk", "juice")
