from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np
import pytest

from recognition.vision.decision.decide import Candidate, Decision
from recognition.vision.lane.config import LaneConfig
from recognition.vision.lane.lane import Lane
from recognition.vision.lane.reasons import ReasonCode, because
from recognition.vision.lane.tracking import TrackingConfig
from recognition.vision.lane.voting import CountEvent
from recognition.vision.scene.decode import decode_frame
from recognition.vision.scene.foreground import ForegroundConfig
from recognition.vision.types import Box
from tests.recognition.vision.scenes import (
    BLUE,
    GREEN,
    RED,
    REGISTERED,
    SKIN,
    YELLOW,
    Arm,
    Image,
    Pack,
    Stage,
    colour_embeddings,
    decision_by_colour,
    play,
    receipt,
)

MIDDLE = (160.0, 115.0)


class EventTruth(TypedDict):
    first: int
    last: int
    product: str | None


class VisitTruthWithEvents(TypedDict):
    name: str
    frames: int
    cart: dict[str, int]
    unknown_shown: int
    events: list[EventTruth]


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def lane() -> Lane:
    return Lane()


def accepted_views(lane: Lane, frames: list[Image]) -> int:
    """Count how often a lane without tracks would have added: every frame in which a product is accepted."""
    count = 0
    for index, frame in enumerate(frames):
        observation = lane.observe(frame, index / 10)
        for row in colour_embeddings([crop for _, crop in observation.crops]):
            count += decision_by_colour(row, REGISTERED).state == "accepted"
    return count


def test_an_item_held_for_ten_seconds_counts_once(stage: Stage, lane: Lane) -> None:
    frames = stage.empty(5) + stage.shown(Pack(RED, MIDDLE), 100) + stage.empty(5)

    assert receipt(play(lane, frames)) == [("add", "red")]
    # Never concluded, the tracks stay undecided and every steady frame would add.
    assert accepted_views(Lane(), frames) > 90


def test_the_event_carries_score_views_and_an_upright_picture_of_the_item(stage: Stage, lane: Lane) -> None:
    frames = stage.empty(5) + stage.shown(Pack(RED, MIDDLE, angle=15.0), 12)

    (event,) = (event for outcome in play(lane, frames) for event in outcome.events)

    assert event.score > 0.9
    assert event.margin > 0.5
    assert event.score_count == 3
    height, width = event.picture.shape[:2]
    assert abs(width - 80) <= 6
    assert abs(height - 100) <= 6
    assert np.abs(np.median(event.picture.reshape(-1, 3), axis=0) - np.array(RED)).max() < 8


def test_the_same_item_shown_again_counts_again(stage: Stage, lane: Lane) -> None:
    shown = stage.shown(Pack(RED, MIDDLE), 12)

    assert receipt(play(lane, stage.empty(5) + shown + stage.empty(6) + shown)) == [("add", "red")] * 2


def test_two_identical_items_side_by_side_count_two(stage: Stage, lane: Lane) -> None:
    left, right = Pack(RED, (100, 120)), Pack(RED, (220, 120))
    frames = stage.empty(5) + [stage.frame(left, right) for _ in range(10)]

    assert receipt(play(lane, frames)) == [("add", "red"), ("add", "red")]


def test_items_whose_paths_cross_count_once_each(stage: Stage, lane: Lane) -> None:
    paths = [40.0, 60, 80, 100, 120, 140, 160, 180, 200, 220, 240, 260, 280]
    frames = stage.empty(5)
    frames += [stage.frame(Pack(RED, (60, 120)), Pack(BLUE, (260, 130))) for _ in range(6)]
    frames += [stage.frame(Pack(RED, (x, 120)), Pack(BLUE, (320 - x, 130))) for x in paths]
    frames += [stage.frame(Pack(RED, (280, 120)), Pack(BLUE, (60, 130))) for _ in range(10)]

    assert sorted(receipt(play(lane, frames))) == [("add", "blue"), ("add", "red")]


def hidden_for_a_moment(stage: Stage) -> list[Image]:
    pack = Pack(RED, MIDDLE)
    fingers = [Pack(SKIN, (108.0 + 26 * finger, 115), size=(16, 150)) for finger in range(5)]
    held = [stage.frame(pack) for _ in range(10)]
    return stage.empty(5) + held + [stage.frame(*fingers) for _ in range(8)] + held


def test_an_item_hidden_by_a_hand_for_a_moment_counts_once(stage: Stage, lane: Lane) -> None:
    assert receipt(play(lane, hidden_for_a_moment(stage))) == [("add", "red")]


def test_an_item_hidden_by_a_hand_for_a_moment_would_count_twice_without_patience(stage: Stage) -> None:
    impatient = Lane(LaneConfig(tracking=TrackingConfig(missed_s=0.0, reach=0.01, linked_similarity=2.0)))

    assert receipt(play(impatient, hidden_for_a_moment(stage)))[:2] == [("add", "red")] * 2


def test_an_item_carried_off_and_another_of_its_kind_within_a_second_count_two(stage: Stage) -> None:
    held = [stage.frame(Pack(RED, MIDDLE)) for _ in range(8)]
    frames = stage.empty(5) + held + stage.empty(7) + held

    assert receipt(play(Lane(), frames)) == [("add", "red")] * 2
    # Waiting as long for an item that was carried off as for a hidden one would have missed the second.
    patient = Lane(LaneConfig(tracking=TrackingConfig(moved_s=1.0)))
    assert receipt(play(patient, frames)) == [("add", "red")]


def test_an_empty_hand_is_no_item(stage: Stage, lane: Lane) -> None:
    frames = stage.empty(5)
    frames += [stage.frame(Arm((160, y))) for y in (220.0, 180, 140, 120, 118, 122, 120, 119, 160, 200, 230)]

    assert receipt(play(lane, frames)) == []
    assert lane.explain() == ()
    # With thin regions let through, the arm would have been tracked.
    naive = Lane(LaneConfig(foreground=ForegroundConfig(item_side=0.04)))
    play(naive, frames)
    assert len(naive.explain()) > 0


def test_an_unregistered_item_is_unknown_and_adds_nothing(stage: Stage, lane: Lane) -> None:
    outcomes = play(lane, stage.empty(5) + stage.shown(Pack(YELLOW, MIDDLE), 20))

    assert receipt(outcomes) == []
    assert [life.verdict.state for life in lane.explain() if life.views] == ["unknown"]
    assert "unknown" in {detection.state for outcome in outcomes for detection in outcome.detections}


def test_an_unknown_item_the_shopper_names_counts_once_and_is_not_viewed_again(
    stage: Stage, lane: Lane
) -> None:
    outcomes = play(lane, stage.empty(5) + [stage.frame(Pack(YELLOW, MIDDLE)) for _ in range(12)])
    (unknown,) = (found for found in outcomes[-1].detections if found.state == "unknown")

    assert lane.choose(unknown.track, "no such product") is None
    chosen = lane.choose(unknown.track, unknown.choices[0])
    assert chosen is not None
    assert (chosen.action, chosen.product_id) == ("add", unknown.choices[0])
    assert lane.choose(unknown.track, unknown.choices[0]) is None
    later = play(lane, [stage.frame(Pack(GREEN, MIDDLE)) for _ in range(20)], from_s=1.7)
    assert receipt(later) == []


def test_an_unknown_item_turned_to_its_known_side_counts_once(stage: Stage, lane: Lane) -> None:
    frames = stage.empty(5) + [stage.frame(Pack(YELLOW, MIDDLE)) for _ in range(12)]
    frames += [stage.frame(Pack(GREEN, MIDDLE)) for _ in range(50)]

    assert receipt(play(lane, frames)) == [("add", "green")]


def drifting(stage: Stage) -> Iterator[Image]:
    for index in range(120):
        yield stage.frame(light=1.0 + 0.25 * float(np.sin(index / 20)))


def test_slow_light_is_no_item_and_needs_no_inference(stage: Stage, lane: Lane) -> None:
    first = stage.frame().astype(np.float32)
    for index, frame in enumerate(drifting(stage)):
        observation = lane.observe(frame, index / 10)
        assert not observation.active
        assert observation.crops == ()
    assert lane.explain() == ()
    # A fixed picture of the counter would have seen the whole frame change.
    brightest = stage.frame(light=1.25)
    assert float((np.abs(brightest - first).max(axis=2) > 13).mean()) > 0.9


def test_noise_is_no_item(stage: Stage, lane: Lane) -> None:
    for index in range(40):
        assert lane.observe(stage.frame(noise=12.0), index / 10).crops == ()
    assert lane.explain() == ()


def test_a_light_switched_is_waited_out_and_items_count_afterwards(stage: Stage, lane: Lane) -> None:
    tinted = stage.counter * np.linspace(0.4, 1.6, stage.counter.shape[1])[None, :, None]
    frames = stage.empty(5)
    stage.counter = tinted.astype(np.float32)
    frames += stage.empty(15) + stage.shown(Pack(BLUE, MIDDLE), 12)

    assert receipt(play(lane, frames)) == [("add", "blue")]


def test_a_fixture_taken_off_the_counter_leaves_no_item(stage: Stage, lane: Lane) -> None:
    fixture = Pack(YELLOW, MIDDLE)
    frames = [stage.frame(fixture) for _ in range(5)] + stage.empty(20)

    outcomes = play(lane, frames)

    assert receipt(outcomes) == []
    assert outcomes[-1].detections == ()
    assert lane.observe(stage.frame(), 10.0).changed < 0.02


ALIKE = {"red": RED, "scarlet": (208, 40, 40)}
BARCODE = because(ReasonCode.BARCODE, barcode="8801234567893")


def test_an_ambiguous_item_asks_once_and_counts_by_the_answer_once(stage: Stage, lane: Lane) -> None:
    outcomes = play(lane, stage.empty(5) + stage.shown(Pack(RED, MIDDLE), 30), registered=ALIKE)

    assert receipt(outcomes) == []
    asked = [d for outcome in outcomes for d in outcome.detections if d.state == "ambiguous"]
    assert {d.track for d in asked} == {asked[0].track}
    assert asked[0].choices == ("red", "scarlet")
    track = asked[0].track

    assert lane.choose(track, "blue") is None
    assert lane.choose(track + 1, "red") is None
    event = lane.choose(track, "scarlet")
    assert event is not None
    assert (event.action, event.product_id, event.track) == ("add", "scarlet", track)
    assert lane.choose(track, "scarlet") is None
    assert lane.choose(track, "red") is None
    assert receipt(play(lane, stage.empty(5), from_s=20.0)) == []


def test_verification_settles_an_ambiguous_item_without_a_question(stage: Stage) -> None:
    verifications: list[tuple[str, ...]] = []

    def verify(pictures: Sequence[Image], contenders: Sequence[Candidate]) -> tuple[Decision, ...]:
        verifications.append(tuple(contender.product_id for contender in contenders))
        return (Decision("accepted", 0.8, 0.3, (Candidate(product_id="scarlet", score=0.8, row=0),)),)

    shown = stage.empty(5) + stage.shown(Pack(RED, MIDDLE), 30)
    outcomes = play(Lane(), shown, registered=ALIKE, verify=verify)

    assert receipt(outcomes) == [("add", "scarlet")]
    assert verifications == [("red", "scarlet")]


def test_a_question_from_verification_stands(stage: Stage) -> None:
    asked: list[int] = []

    def verify(pictures: Sequence[Image], contenders: Sequence[Candidate]) -> tuple[Decision, ...]:
        asked.append(len(pictures))
        return (Decision("ambiguous", 0.7, 0.0, (Candidate("red", 0.7, 0), Candidate("blue", 0.7, 1))),)

    lane = Lane()
    play(lane, stage.empty(5) + stage.shown(Pack(YELLOW, MIDDLE), 20), verify=verify)

    (life,) = (life for life in lane.explain() if life.views)
    assert asked == [2]
    assert (life.verdict.state, life.verdict.choices) == ("ambiguous", ("red", "blue"))


def test_an_unknown_item_is_verified_once_however_long_it_is_held(stage: Stage) -> None:
    verifications: list[tuple[str, ...]] = []

    def verify(pictures: Sequence[Image], contenders: Sequence[Candidate]) -> tuple[Decision, ...]:
        verifications.append(tuple(contender.product_id for contender in contenders))
        return ()

    outcomes = play(Lane(), stage.empty(5) + stage.shown(Pack(YELLOW, MIDDLE), 60), verify=verify)

    assert receipt(outcomes) == []
    assert {d.state for outcome in outcomes for d in outcome.detections} == {"candidate", "unknown"}
    assert [len(names) for names in verifications] == [3]


def test_an_accepted_item_stands_unless_its_artwork_matches_another(stage: Stage) -> None:
    verifications: list[tuple[str, ...]] = []

    def verify(pictures: Sequence[Image], contenders: Sequence[Candidate]) -> tuple[Decision, ...]:
        verifications.append(
            (*(contender.product_id for contender in contenders), f"{len(pictures)} picture")
        )
        return tuple(answer for answer in answers[-1:] if answer is not None)

    answers: list[Decision | None] = []
    shown = stage.empty(5) + stage.shown(Pack(RED, MIDDLE), 20)
    red, blue = Candidate("red", 0.8, 0), Candidate("blue", 0.8, 1)
    for harmless in (
        None,
        Decision("unknown", 0.8, 0.1, (blue, red)),
        Decision("accepted", 0.8, 0.1, (red, blue)),
        Decision("ambiguous", 0.8, 0.1, (red, blue)),
    ):
        answers.append(harmless)
        assert receipt(play(Lane(), shown, verify=verify)) == [("add", "red")]
    for contrary in (Decision("accepted", 0.8, 0.1, (blue, red)), Decision("ambiguous", 0.8, 0, (blue, red))):
        answers.append(contrary)
        outcomes = play(Lane(), shown, verify=verify)
        assert receipt(outcomes) == []
        choices = {detection.choices for outcome in outcomes for detection in outcome.detections}
        assert choices == {(), ("blue", "red")}
    assert [(each[0], each[-1]) for each in verifications] == [("red", "1 picture")] * 6


def test_an_item_outside_the_zone_counts_only_once_it_is_inside(stage: Stage, lane: Lane) -> None:
    lane.set_zone(Box(0.5, 0.0, 0.5, 1.0))
    outside = stage.empty(5) + [stage.frame(Pack(RED, (70, 120))) for _ in range(10)]
    assert receipt(play(lane, outside)) == []

    inside = [stage.frame(Pack(RED, (x, 120))) for x in (100, 140, 180, 220, 240, *[240] * 10)]
    assert receipt(play(lane, inside, from_s=1.5)) == [("add", "red")]


@pytest.mark.parametrize("zone", [Box(-0.1, 0, 1, 1), Box(0.5, 0.5, 0.6, 0.2), Box(0, 0, 0.05, 1)])
def test_a_zone_outside_the_frame_or_too_narrow_is_refused(lane: Lane, zone: Box) -> None:
    with pytest.raises(ValueError, match="must lie in the frame"):
        lane.set_zone(zone)
    assert lane.zone == Box(0.0, 0.0, 1.0, 1.0)


def test_cart_mode_adds_what_moves_into_the_zone_and_removes_what_moves_out(stage: Stage) -> None:
    lane = Lane(LaneConfig(mode="cart", zone=Box(0.5, 0.0, 0.5, 1.0)))
    start, goal = Pack(RED, (70, 120)), Pack(RED, (240, 120))
    way = [stage.frame(Pack(RED, (x, 120))) for x in (90, 110, 130, 150, 170, 190, 210, 230)]
    coming = stage.empty(5) + [stage.frame(start) for _ in range(5)] + way
    coming += [stage.frame(goal) for _ in range(10)]

    assert receipt(play(lane, coming)) == [("add", "red")]
    assert receipt(play(lane, list(reversed(way)), from_s=3.0)) == [("remove", "red")]


def test_cart_mode_ignores_what_appears_and_vanishes_inside_the_zone(stage: Stage) -> None:
    lane = Lane(LaneConfig(mode="cart", zone=Box(0.3, 0.0, 0.7, 1.0)))
    frames = stage.empty(5) + [stage.frame(Pack(RED, (200, 120))) for _ in range(10)] + stage.empty(15)

    assert receipt(play(lane, frames)) == []


def test_tray_mode_follows_what_lies_in_view(stage: Stage) -> None:
    lane = Lane(LaneConfig(mode="tray"))
    red, blue = Pack(RED, (90, 120)), Pack(BLUE, (230, 120))
    both = stage.empty(5) + [stage.frame(red, blue) for _ in range(12)]
    assert sorted(receipt(play(lane, both))) == [("add", "blue"), ("add", "red")]

    one = [stage.frame(blue) for _ in range(20)]
    assert receipt(play(lane, one, from_s=2.0)) == [("remove", "red")]


def test_tray_mode_keeps_an_item_that_a_hand_covers_for_long(stage: Stage) -> None:
    lane = Lane(LaneConfig(mode="tray"))
    red = Pack(RED, MIDDLE)
    cover = Pack(SKIN, MIDDLE, size=(190, 160))
    frames = stage.empty(5) + [stage.frame(red) for _ in range(12)]
    frames += [stage.frame(red, cover) for _ in range(25)] + [stage.frame(red) for _ in range(10)]

    assert receipt(play(lane, frames)) == [("add", "red")]


def test_an_unknown_mode_is_refused(lane: Lane) -> None:
    with pytest.raises(ValueError, match="scan, cart, tray"):
        lane.set_mode("belt")  # type: ignore[arg-type]
    assert lane.mode == "scan"


def test_an_item_still_in_view_after_a_broken_connection_is_not_added_again(stage: Stage, lane: Lane) -> None:
    held = [stage.frame(Pack(RED, MIDDLE)) for _ in range(12)]
    assert receipt(play(lane, stage.empty(5) + held)) == [("add", "red")]

    assert receipt(play(lane, held, from_s=60.0)) == []


def held_then(stage: Stage, lane: Lane, pause_s: float, later: list[Image]) -> list[tuple[str, str]]:
    """Hold a red item, lose the connection for a while, and go on with other frames."""
    held = [stage.frame(Pack(RED, MIDDLE)) for _ in range(12)]
    first = receipt(play(lane, stage.empty(5) + held))
    return first + receipt(play(lane, later, from_s=1.7 + pause_s))


@pytest.mark.parametrize("pause_s", [1.0, 10.0])
def test_an_item_moved_while_the_connection_was_broken_counts_once(
    stage: Stage, lane: Lane, pause_s: float
) -> None:
    moved = [stage.frame(Pack(RED, (200, 130))) for _ in range(15)]

    assert held_then(stage, lane, pause_s, moved) == [("add", "red")]


def test_an_item_that_went_while_the_connection_was_broken_counts_again_when_it_comes(
    stage: Stage, lane: Lane
) -> None:
    later = stage.empty(8) + stage.shown(Pack(RED, MIDDLE), 12)

    assert held_then(stage, lane, 10.0, later) == [("add", "red")] * 2


def test_an_item_exchanged_while_the_connection_was_broken_counts_as_what_it_is(
    stage: Stage, lane: Lane
) -> None:
    other = [stage.frame(Pack(BLUE, MIDDLE)) for _ in range(40)]

    assert held_then(stage, lane, 10.0, other) == [("add", "red"), ("add", "blue")]


def test_an_item_exchanged_in_the_hand_counts_as_a_second_one(stage: Stage, lane: Lane) -> None:
    frames = stage.empty(5)
    for colour in (RED, BLUE):
        frames += [stage.frame(Pack(colour, MIDDLE), Arm((185, 155))) for _ in range(45)]

    assert receipt(play(lane, frames)) == [("add", "red"), ("add", "blue")]
    ended, now = lane.explain()
    assert because(ReasonCode.EXCHANGED, product_id="blue") in [event.reason for event in ended.story]
    assert now.verdict.product_id == "blue"


def test_what_was_exchanged_in_the_hand_is_known_by_its_own_views(stage: Stage, lane: Lane) -> None:
    frames = stage.empty(5)
    unregistered = (60, 220, 150)
    for colour, count in ((RED, 30), (unregistered, 60), (BLUE, 40)):
        frames += [stage.frame(Pack(colour, MIDDLE)) for _ in range(count)]

    assert receipt(play(lane, frames)) == [("add", "red"), ("add", "blue")]
    _, now = lane.explain()
    assert ReasonCode.UNKNOWN not in {event.reason.code for event in now.story}
    assert (now.inside, now.verdict.product_id) == (True, "blue")
    assert {product for _, _, product, *_ in now.views} == {"blue"}
    seen = [frame for frame, *_ in now.views]
    assert seen == sorted(set(seen))
    assert now.first_frame == seen[0] >= 95


def test_an_item_turned_to_an_unknown_side_and_back_counts_once(stage: Stage, lane: Lane) -> None:
    frames = stage.empty(5)
    for colour in (RED, YELLOW, RED, YELLOW, RED):
        frames += [stage.frame(Pack(colour, MIDDLE)) for _ in range(35)]

    assert receipt(play(lane, frames)) == [("add", "red")]


def test_an_item_that_looks_like_another_for_two_views_counts_once(stage: Stage, lane: Lane) -> None:
    frames = stage.empty(5) + [stage.frame(Pack(RED, MIDDLE)) for _ in range(15)]
    frames += [stage.frame(Pack(BLUE, MIDDLE)) for _ in range(18)]
    frames += [stage.frame(Pack(RED, MIDDLE)) for _ in range(30)]

    assert receipt(play(lane, frames)) == [("add", "red")]


def test_frames_dropped_before_they_were_matched_do_not_stop_the_count(stage: Stage, lane: Lane) -> None:
    frames = stage.empty(5) + [stage.frame(Pack(RED, MIDDLE)) for _ in range(20)]
    events: list[CountEvent] = []
    for index, frame in enumerate(frames):
        observation = lane.observe(frame, index / 10)
        if index % 2:
            continue
        embeddings = colour_embeddings([crop for _, crop in observation.crops])
        matches = [decision_by_colour(row, REGISTERED) for row in embeddings]
        lane.vote(observation, embeddings, matches)
        events += lane.conclude().events

    assert [event.product_id for event in events] == ["red"]


def test_matches_that_do_not_belong_to_the_crops_are_refused(stage: Stage, lane: Lane) -> None:
    observation = lane.observe(stage.frame(), 0.0)

    with pytest.raises(ValueError, match="expected 0"):
        lane.vote(observation, np.zeros((1, 3), np.float32), [])


def test_the_same_frames_give_the_same_lives(stage: Stage) -> None:
    frames = stage.empty(5) + stage.shown(Pack(RED, MIDDLE), 12) + stage.shown(Pack(YELLOW, MIDDLE), 12)
    first, second = Lane(), Lane()

    assert receipt(play(first, frames)) == receipt(play(second, frames))
    assert first.explain() == second.explain()


def test_a_track_can_be_asked_for_its_life(stage: Stage, lane: Lane) -> None:
    play(lane, stage.empty(5) + stage.shown(Pack(RED, MIDDLE), 12) + stage.empty(10))

    (life,) = (life for life in lane.explain() if life.views)
    assert life.verdict.product_id == "red"
    assert 5 <= life.first_frame <= 8
    assert 18 <= life.last_frame <= 24
    assert [(state, product) for _, state, product, *_ in life.views] == [("accepted", "red")] * 3
    votes = because(ReasonCode.VIEWS_ACCEPT, accepting=3, views=3)
    assert [event.reason for event in life.story] == [
        because(ReasonCode.ACCEPTED, product_id="red", because=votes),
        because(ReasonCode.ADDED, product_id="red", because=votes),
        because(ReasonCode.GONE),
    ]


def told_by_truth(visit: VisitTruthWithEvents, frame: int) -> Decision:
    """Recognize perfectly: what the record says is in view at a frame."""
    for event in visit["events"]:
        if event["first"] - 8 <= frame <= event["last"] + 8:
            product = event["product"]
            if product is None:
                return Decision("unknown", 0.3, 0.0, ())
            return Decision("accepted", 0.9, 0.3, (Candidate(product_id=product, score=0.9, row=0),))
    return Decision("unknown", 0.1, 0.0, ())


@pytest.mark.parametrize("name", ["visit-003", "visit-004"])
def test_a_recorded_visit_is_counted_right_when_recognition_is_perfect(shared_data: Path, name: str) -> None:
    truth = json.loads((shared_data / "sequences" / "truth.json").read_text())
    visit: VisitTruthWithEvents = next(visit for visit in truth["visits"] if visit["name"] == name)
    lane, cart, accepted = Lane(), Counter[str](), 0
    for index in range(visit["frames"]):
        frame = decode_frame((shared_data / "sequences" / name / f"{index:04d}.jpg").read_bytes())
        observation = lane.observe(frame, index / truth["fps"])
        decision = told_by_truth(visit, index)
        accepted += decision.state == "accepted" and any(life.last_frame == index for life in lane.explain())
        matches = [decision] * len(observation.crops)
        lane.vote(observation, np.ones((len(matches), 4), np.float32), matches)
        outcome = lane.conclude()
        cart.update(event.product_id for event in outcome.events)

    assert cart == visit["cart"]
    # Adding in every frame an item is in view would have been far off.
    assert accepted > 10 * cart.total()
    unknown = [life for life in lane.explain() if life.verdict.state == "unknown"]
    assert len(unknown) == visit["unknown_shown"]


def unknown_in_view(stage: Stage, lane: Lane) -> int:
    outcomes = play(lane, stage.empty(5) + [stage.frame(Pack(YELLOW, MIDDLE)) for _ in range(12)])
    (unknown,) = (found for found in outcomes[-1].detections if found.state == "unknown")
    return unknown.track


def test_an_item_named_by_its_barcode_counts_once_as_that_product(stage: Stage, lane: Lane) -> None:
    track = unknown_in_view(stage, lane)

    first = lane.identify(track, "honey", BARCODE)
    assert (first.known, first.agrees) == (True, None)
    assert first.event is not None
    assert (first.event.action, first.event.product_id, first.event.track) == ("add", "honey", track)
    again = lane.identify(track, "honey", BARCODE)
    assert (again.known, again.agrees, again.event) == (True, True, None)
    assert receipt(play(lane, [stage.frame(Pack(YELLOW, MIDDLE)) for _ in range(20)], from_s=1.7)) == []
    life = lane.life(track)
    assert life is not None
    assert because(ReasonCode.ADDED, product_id="honey", because=BARCODE) in [
        each.reason for each in life.story
    ]


def test_an_item_named_before_its_pictures_decide_counts_once(stage: Stage, lane: Lane) -> None:
    play(lane, stage.empty(5) + [stage.frame(Pack(RED, MIDDLE)) for _ in range(3)])
    (life,) = lane.explain()
    assert life.verdict.state == "candidate"

    assert lane.identify(life.track, "red", BARCODE).event is not None
    assert receipt(play(lane, [stage.frame(Pack(RED, MIDDLE)) for _ in range(20)], from_s=0.8)) == []


def test_a_barcode_that_contradicts_the_picture_is_noted_and_counts_nothing(stage: Stage, lane: Lane) -> None:
    play(lane, stage.empty(5) + [stage.frame(Pack(RED, MIDDLE)) for _ in range(10)])
    (life,) = lane.explain()

    contradicted = lane.identify(life.track, "blue", BARCODE)
    assert (contradicted.known, contradicted.agrees, contradicted.event) == (True, False, None)
    assert life.verdict.product_id == "red"


def test_an_item_that_has_just_gone_can_still_be_named(stage: Stage, lane: Lane) -> None:
    track = unknown_in_view(stage, lane)
    play(lane, stage.empty(20), from_s=1.7)

    named = lane.identify(track, "honey", BARCODE)
    assert named.event is not None
    assert named.event.product_id == "honey"
    assert lane.identify(track, "honey", BARCODE).event is None


def test_of_an_item_that_is_gone_only_what_naming_it_takes_is_kept(stage: Stage, lane: Lane) -> None:
    track = unknown_in_view(stage, lane)
    play(lane, stage.empty(20), from_s=1.7)

    (gone,) = lane._counter._past
    assert (gone.track.id, len(gone.pictures), gone.votes, gone.mismatches) == (track, 1, [], [])
    named = lane.identify(track, "honey", BARCODE).event
    assert named is not None
    assert named.picture is gone.pictures[0][1]


def test_a_track_that_never_was_is_told_from_one_that_is_settled(lane: Lane) -> None:
    missing = lane.identify(7, "honey", BARCODE)

    assert (missing.known, missing.agrees, missing.event) == (False, None, None)
    assert lane.life(7) is None


def test_a_named_item_on_the_tray_counts_once_it_lies_still(stage: Stage) -> None:
    lane = Lane(LaneConfig(mode="tray"))
    moving = [stage.frame(Pack(YELLOW, (60.0 + 20 * step, 115))) for step in range(6)]
    play(lane, stage.empty(5) + moving)
    (life,) = lane.explain()

    assert lane.identify(life.track, "honey", BARCODE).event is None
    still = [stage.frame(Pack(YELLOW, MIDDLE)) for _ in range(10)]
    assert receipt(play(lane, still, from_s=1.1)) == [("add", "honey")]


def test_an_observation_tells_where_items_may_be_and_that_the_scene_changed(stage: Stage, lane: Lane) -> None:
    play(lane, stage.empty(5))

    shown = lane.observe(stage.frame(Pack(RED, MIDDLE)), 0.5)
    (box,) = shown.proposals
    assert box.iou(Box(120 / 320, 65 / 240, 80 / 320, 100 / 240)) > 0.9
    assert not shown.unsettled
    tiles = np.random.default_rng(3).uniform(0, 255, (12, 16, 3))
    stage.counter = np.kron(tiles, np.ones((20, 20, 1))).astype(np.float32)
    assert lane.observe(stage.frame(), 0.6).unsettled
