"""Cameras that send three frames a second, evenly, with jitter or with gaps: the carts stay right."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from recognition.tools.evaluation_encoder import encoder_for_evaluation
from recognition.tools.labelled_photos import gallery_make, photos_read
from recognition.vision.evaluation.progress import no_progress
from recognition.vision.evaluation.recognizer import Recognizer
from recognition.vision.evaluation.recorded_visits import RecordedVisit, visits_read
from recognition.vision.evaluation.visit_player import RecognizerIdentities
from recognition.vision.lane import lane as lane_module
from recognition.vision.lane.lane import Lane
from recognition.vision.photos.folders import photos_by_class
from recognition.vision.scene.decode import decode_frame

STRIDE = 3
"""Every third of ten recorded frames a second."""


@pytest.fixture(scope="module")
def visits(shared_data: Path) -> list[RecordedVisit]:
    return visits_read(shared_data / "sequences")


@pytest.fixture(scope="module")
def identities(shared_data: Path) -> RecognizerIdentities:
    photos = photos_read(
        photos_by_class(shared_data / "sequences" / "gallery"), progress=no_progress, step=""
    )
    encoder = encoder_for_evaluation("compact")
    gallery = gallery_make(encoder, photos, registered=True, progress=no_progress, step="")
    return RecognizerIdentities(Recognizer(encoder, gallery))


def even(count: int, dice: random.Random) -> list[int]:
    return list(range(dice.randrange(STRIDE), count, STRIDE))


def jittered(count: int, dice: random.Random) -> list[int]:
    """Return every third frame, each up to a frame early or late."""
    return sorted(
        {min(count - 1, max(0, each + dice.choice((-1, 0, 1)))) for each in range(1, count, STRIDE)}
    )


def gappy(count: int, dice: random.Random) -> list[int]:
    """Return as many frames, but with gaps of up to seven tenths of a second, as when frames are refused."""
    kept, frame = [], 0
    while frame < count:
        kept.append(frame)
        frame += dice.choice((1, 1, 2, 3, 4, 5, 7))
    return kept


def cart_of(visit: RecordedVisit, frames: Sequence[int], identities: RecognizerIdentities) -> dict[str, int]:
    """Return the cart after the lane has seen only these frames, each at its time."""
    lane, cart = Lane(), Counter[str]()
    for number in frames:
        picture = decode_frame(visit.frames[number].read_bytes())
        observation = lane.observe(picture, number / visit.fps)
        requests = lane.vote(observation, *identities.recognize(lane, observation))
        outcome = lane.conclude(
            {each.track: identities.verify(each.pictures, each.contenders) for each in requests}
        )
        for event in outcome.events:
            cart[event.product_id] += 1 if event.action == "add" else -1
    return dict(+cart)


@pytest.mark.parametrize(("frames_of", "seed"), [(even, 0), (jittered, 0), (gappy, 1)])
@pytest.mark.usefixtures("one_torch_thread")
def test_every_cart_is_right_at_three_frames_a_second(
    frames_of: object, seed: int, visits: list[RecordedVisit], identities: RecognizerIdentities
) -> None:
    for visit in visits:
        frames = frames_of(len(visit.frames), random.Random(seed))  # type: ignore[operator]
        assert len(frames) <= 0.36 * len(visit.frames)
        assert cart_of(visit, frames, identities) == visit.cart, visit.name


@pytest.mark.usefixtures("one_torch_thread")
def test_judged_from_frame_to_frame_a_moving_item_would_be_missed_at_three_a_second(
    visits: list[RecordedVisit], identities: RecognizerIdentities, monkeypatch: pytest.MonkeyPatch
) -> None:
    (visit,) = (visit for visit in visits if visit.name == "visit-001")
    frames = jittered(len(visit.frames), random.Random(0))
    assert cart_of(visit, frames, identities) == visit.cart
    monkeypatch.setattr(lane_module, "STEADY_S", float("inf"))
    assert cart_of(visit, frames, identities) != visit.cart


def test_blur_is_judged_by_the_way_in_an_eighth_of_a_second() -> None:
    assert lane_module.STEADY_S == 0.125
