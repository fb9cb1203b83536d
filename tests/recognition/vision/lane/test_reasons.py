"""Everything that happens to an item has a code, and every code occurs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Literal

import pytest

from recognition.vision.decision.decide import Candidate, Decision
from recognition.vision.lane.lane import Lane
from recognition.vision.lane.reasons import Reason, ReasonCode, because
from tests.recognition.vision.lane.harder_visits import visit_of
from tests.recognition.vision.lane.known_identities import play_visit
from tests.recognition.vision.scenes import BLUE, RED, YELLOW, Image, Pack, Stage, play

LEFT, MIDDLE, RIGHT = (90.0, 120.0), (160.0, 115.0), (230.0, 120.0)
ALIKE = {"red": RED, "scarlet": (208, 40, 40)}
BARCODE = because(ReasonCode.BARCODE, barcode="8801234567893")
DRAWN = {"swapped": 1, "dim_and_noisy": 0, "into_the_cart": 0, "moved_on_the_tray": 0}
STRANGE = (60, 220, 150)
# Why a track is not decided yet stands in its verdict until it is.
UNDECIDED = {
    ReasonCode.NOT_LOOKED_AT,
    ReasonCode.TOO_FEW_VIEWS,
    ReasonCode.VIEWS_DISAGREE,
    ReasonCode.STILL_UNKNOWN,
}


def drawn(kind: str, seed: int) -> Lane:
    return play_visit(visit_of(kind, seed), width=160).lane


def held(stage: Stage, frames: int, *packs: Pack) -> list[Image]:
    return [stage.frame(*packs) for _ in range(frames)]


def asked_and_answered() -> Lane:
    stage, lane = Stage(), Lane()
    outcomes = play(lane, stage.empty(5) + held(stage, 20, Pack(RED, MIDDLE)), registered=ALIKE)
    lane.choose(outcomes[-1].detections[0].track, "scarlet")
    return lane


def verified(state: Literal["accepted", "ambiguous"]) -> Lane:
    found = Decision(state, 0.7, 0.0, (Candidate("red", 0.7, 0), Candidate("blue", 0.7, 1)))

    def verify(pictures: Sequence[Image], contenders: Sequence[Candidate]) -> tuple[Decision, ...]:
        return (found,)

    stage, lane = Stage(), Lane()
    play(lane, stage.empty(5) + held(stage, 20, Pack(YELLOW, MIDDLE)), verify=verify)
    return lane


def named_by_barcodes() -> Lane:
    stage, lane = Stage(), Lane()
    outcomes = play(lane, stage.empty(5) + held(stage, 12, Pack(YELLOW, MIDDLE)))
    for product in ("honey", "honey", "blue"):
        lane.identify(outcomes[-1].detections[0].track, product, BARCODE)
    return lane


def switched_tracks() -> Lane:
    stage, lane = Stage(), Lane()
    before = held(stage, 12, Pack(RED, LEFT), Pack(BLUE, RIGHT))
    play(lane, stage.empty(5) + before + held(stage, 40, Pack(BLUE, LEFT), Pack(RED, RIGHT)))
    return lane


def lost_to_another_track() -> Lane:
    stage, lane = Stage(), Lane()
    later = held(stage, 40, Pack(STRANGE, LEFT), Pack(RED, RIGHT))
    play(lane, stage.empty(5) + held(stage, 15, Pack(RED, LEFT)) + later)
    return lane


VISITS: dict[str, Callable[[], Lane]] = {
    **{kind: partial(drawn, kind, seed) for kind, seed in DRAWN.items()},
    "asked and answered": asked_and_answered,
    "settled by artwork": partial(verified, "accepted"),
    "left open by artwork": partial(verified, "ambiguous"),
    "named by barcodes": named_by_barcodes,
    "switched tracks": switched_tracks,
    "lost to another track": lost_to_another_track,
}


def codes_in(reason: Reason) -> Iterator[str]:
    yield reason.code
    for value in reason.params.values():
        if isinstance(value, Reason):
            yield from codes_in(value)


@pytest.fixture(scope="session")
def codes() -> set[str]:
    """Return the codes of all that happens in visits in which everything does."""
    events = (event for visit in VISITS.values() for life in visit().explain() for event in life.story)
    return {code for event in events for code in codes_in(event.reason)}


def test_every_code_occurs_and_no_other(codes: set[str]) -> None:
    assert codes == set(ReasonCode) - UNDECIDED
