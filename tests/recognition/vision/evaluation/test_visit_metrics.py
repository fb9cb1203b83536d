"""The metrics of played visits: which items ended as a question, and when they were answered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recognition.vision.evaluation.recorded_visits import RecordedVisit, ShownItem
from recognition.vision.evaluation.visit_metrics import (
    items_asked,
    percentiles,
    silent_misses,
    visit_metrics,
)
from recognition.vision.evaluation.visit_player import PlayedVisit
from recognition.vision.lane.observations import TrackLife, UnresolvedItem
from recognition.vision.lane.reasons import LifeEvent, ReasonCode, because
from recognition.vision.lane.voting import State, Verdict

MILK, TEA, STRANGE = ShownItem(10, 20, "milk"), ShownItem(12, 24, "tea"), ShownItem(40, 50, None)


def track(
    first: int, last: int, state: State, product: str | None = None, *, sightings: int = 9
) -> TrackLife:
    return TrackLife(1, first, last, sightings=sightings, verdict=Verdict(state, product))


@pytest.mark.parametrize(
    ("lives", "asked"),
    [
        ([], 0),
        ([track(8, 21, "accepted", "milk")], 0),
        ([track(8, 21, "accepted", "tea")], 0),
        ([track(8, 21, "ambiguous")], 1),
        ([track(8, 21, "unknown")], 1),
        ([track(8, 21, "candidate")], 0),
        ([track(8, 21, "unknown", sightings=1)], 0),
        ([track(0, 9, "unknown")], 0),
    ],
    ids=["unseen", "right", "wrong", "question", "unknown", "too short", "a glimpse", "before it came"],
)
def test_an_item_counts_as_asked_where_its_track_ended_open(lives: list[TrackLife], asked: int) -> None:
    assert items_asked([MILK], lives) == asked


def test_a_hand_beside_an_item_that_was_accepted_makes_no_question_of_it() -> None:
    assert items_asked([MILK], [track(5, 25, "unknown"), track(11, 20, "accepted", "milk")]) == 0


def test_a_thing_that_is_not_registered_may_stay_unknown() -> None:
    assert items_asked([MILK, STRANGE], [track(9, 21, "accepted", "milk"), track(39, 51, "unknown")]) == 0


def test_two_items_at_once_have_a_track_each() -> None:
    assert items_asked([MILK, TEA], [track(9, 21, "unknown"), track(11, 25, "ambiguous")]) == 2
    assert items_asked([MILK, TEA], [track(9, 25, "unknown"), track(11, 25, "accepted", "milk")]) == 1


def played(cart: dict[str, int], shown: tuple[ShownItem, ...] | None, *lives: TrackLife) -> PlayedVisit:
    visit = RecordedVisit(f"visit-{len(cart)}", (Path("0.jpg"),), {"milk": 1}, 10.0, shown)
    return PlayedVisit(visit, cart, lives, answer_ms=(10.0, 30.0), busy_ms=(30.0,))


def test_the_metrics_sum_up_all_visits() -> None:
    metrics = visit_metrics(
        [
            played({"milk": 1}, (MILK,), track(9, 21, "accepted", "milk")),
            played({}, (MILK,), track(9, 21, "unknown")),
        ]
    )

    assert list(metrics)[:8] == [
        "visits",
        "cAcc",
        "count_error_mean",
        "false_adds",
        "misses",
        "doubles",
        "unknown_asked",
        "answer_ms",
    ]
    assert (metrics["visits"], metrics["cAcc"], metrics["count_error_mean"]) == (2, 0.5, 0.5)
    assert (metrics["false_adds"], metrics["misses"], metrics["doubles"]) == (0, 1, 0)
    assert (metrics["unknown_asked"], metrics["items"], metrics["frames"]) == (1, 2, 4)
    assert metrics["answer_ms"] == {"p50": 20.0, "p95": 30.0}
    assert metrics["busy_ms"] == {"p50": 30.0, "p95": 30.0}
    assert metrics["wrong"] == [{"name": "visit-0", "lines": {"milk": {"counted": 0, "shown": 1}}}]


def test_without_events_it_is_not_known_what_was_asked() -> None:
    assert visit_metrics([played({"milk": 1}, None)])["unknown_asked"] is None


def test_times_of_nothing_are_not_invented() -> None:
    assert percentiles([]) == {"p50": None, "p95": None}


def came_to(life: TrackLife, code: ReasonCode) -> TrackLife:
    return replace(life, story=[LifeEvent(20, because(code))])


def left(track_number: int) -> UnresolvedItem:
    picture = np.zeros((8, 8, 3), np.uint8)
    return UnresolvedItem(track_number, "unknown", (), 0.3, 0.1, picture, because(ReasonCode.NO_PRODUCT))


def test_an_item_is_missed_silently_where_nothing_came_of_it() -> None:
    added = came_to(track(9, 21, "accepted", "milk"), ReasonCode.ADDED)
    strange = replace(track(39, 51, "unknown"), track=2)
    quiet = played({"milk": 1}, (MILK, STRANGE), added, strange)
    told = replace(quiet, unresolved=(left(2),))

    assert (silent_misses(quiet), silent_misses(told)) == (1, 0)
    assert silent_misses(played({}, (MILK,), track(9, 21, "ambiguous"))) == 0
    assert silent_misses(played({}, (MILK, TEA), added)) == 1
    assert silent_misses(played({}, (MILK,), track(9, 21, "accepted", "milk"))) == 1
    assert silent_misses(played({}, (MILK,))) == 1
    metrics = visit_metrics([quiet, told])
    assert (metrics["unresolved"], metrics["silent_misses"]) == (1, 1)
    assert visit_metrics([played({}, None)])["silent_misses"] is None
