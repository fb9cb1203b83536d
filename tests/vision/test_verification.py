"""The closer look: packs that embeddings cannot tell apart, and things that hold no print."""

from __future__ import annotations

import numpy as np
import pytest

from recognition.vision.matching import Candidate, Decision, Thresholds, decide
from recognition.vision.verification import (
    KEYPOINTS_MAX,
    NO_EVIDENCE,
    NOTHING,
    Features,
    Verification,
    compare,
    features_of,
    reachable,
    settle,
    verify,
)
from tests.vision.packs import Image, pack, plain, seen

APPLE, ORANGE, OTHER_BRAND = pack(1, 1), pack(1, 2), pack(2, 1)
THRESHOLDS = Thresholds(default=0.8, margin=0.05)
LOOK_ALIKE = (Candidate("orange", 0.82, 5), Candidate("apple", 0.81, 0))


def gallery() -> dict[str, list[Features]]:
    return {
        "apple": [features_of(APPLE), features_of(seen(APPLE, tilt=0.05))],
        "orange": [features_of(ORANGE), features_of(seen(ORANGE, tilt=0.05))],
    }


def looked_at(image: Image) -> Decision | None:
    return settle(LOOK_ALIKE, verify(features_of(image), gallery()), THRESHOLDS)


def test_another_flavour_in_the_same_layout_is_told_apart() -> None:
    decision = looked_at(seen(APPLE))
    other = looked_at(seen(ORANGE))

    assert decision is not None
    assert (decision.state, decision.candidates[0].product_id) == ("accepted", "apple")
    assert decision.score == 0.81
    assert decision.margin == pytest.approx(-0.01)
    assert other is not None
    assert other.candidates[0].product_id == "orange"


def test_without_the_closer_look_the_look_alikes_stay_a_question() -> None:
    assert decide(LOOK_ALIKE, THRESHOLDS).state == "ambiguous"


@pytest.mark.parametrize("tilt", [0.0, 0.1, 0.25])
@pytest.mark.parametrize("blur", [0.6, 1.2])
def test_the_same_pack_is_confirmed_in_perspective_and_blurred(tilt: float, blur: float) -> None:
    agreement = compare(features_of(seen(APPLE, tilt=tilt, blur=blur)), features_of(APPLE))

    assert agreement.inliers >= 20
    assert agreement.spread > 0.2
    assert 0 < agreement.share <= 1


def test_a_pack_of_another_brand_gives_no_evidence() -> None:
    assert compare(features_of(seen(OTHER_BRAND)), features_of(APPLE)) == NOTHING


def test_a_mirrored_pack_gives_no_evidence() -> None:
    assert compare(features_of(np.ascontiguousarray(APPLE[:, ::-1])), features_of(APPLE)) == NOTHING


def test_colours_speak_where_the_print_is_the_same() -> None:
    bluish = APPLE.copy()
    bluish[100:, :, 0] //= 3

    same = compare(features_of(seen(APPLE)), features_of(APPLE))
    tinted = compare(features_of(seen(APPLE)), features_of(bluish))

    assert tinted.inliers > 20
    assert tinted.colour > same.colour + 5


@pytest.mark.parametrize(
    "image",
    [
        plain((200, 60, 40)),
        plain((230, 200, 60)),
        np.full((240, 240, 3), 128, np.uint8),
        np.zeros((3, 200, 3), np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((0, 0, 3), np.uint8),
    ],
    ids=["red fruit", "yellow fruit", "blank", "sliver", "dot", "empty"],
)
def test_a_thing_without_print_leaves_the_question(image: Image) -> None:
    verification = verify(features_of(image), gallery())

    assert verification.evidence == {"apple": NO_EVIDENCE, "orange": NO_EVIDENCE}
    assert settle(LOOK_ALIKE, verification, THRESHOLDS) is None


def test_a_thing_without_print_leaves_the_question_however_high_its_score() -> None:
    sure = (Candidate("apple", 0.99, 0), Candidate("orange", 0.5, 5))

    assert settle(sure, verify(features_of(plain((200, 60, 40))), gallery()), THRESHOLDS) is None


def test_a_grey_picture_is_compared_like_a_coloured_one() -> None:
    grey = np.ascontiguousarray(seen(APPLE)[..., 1])

    assert compare(features_of(grey), features_of(APPLE)).inliers >= 20


def test_a_product_without_photos_has_no_evidence() -> None:
    verification = verify(features_of(APPLE), {"apple": [], "orange": [features_of(ORANGE)]})

    assert verification.evidence["apple"] == NO_EVIDENCE


def test_the_same_pictures_always_give_the_same_numbers() -> None:
    first = verify(features_of(seen(APPLE)), gallery())
    second = verify(features_of(seen(APPLE)), gallery())

    assert first == second


def test_work_and_memory_are_bounded_however_busy_and_large_the_picture() -> None:
    tiles = np.random.default_rng(3).integers(0, 256, (75, 60, 3), np.uint8)
    features = features_of(np.kron(tiles, np.ones((20, 20, 1), np.uint8)))

    assert len(features.points) == len(features.descriptors) == KEYPOINTS_MAX
    assert max(features.size) == 192
    assert features.nbytes < 45_000


def verification_of(**evidence: float) -> Verification:
    return Verification(evidence, dict.fromkeys(evidence, NOTHING))


@pytest.mark.parametrize(
    ("evidence", "accepted"),
    [
        ({"apple": 2.0, "orange": -4.0}, "apple"),
        ({"apple": 2.0, "orange": 1.5}, None),
        ({"apple": -0.5, "orange": -4.0}, None),
        ({"orange": 1.0}, "orange"),
        ({}, None),
    ],
)
def test_one_product_has_to_be_clearly_ahead(evidence: dict[str, float], accepted: str | None) -> None:
    decision = settle(LOOK_ALIKE, verification_of(**evidence), THRESHOLDS)

    assert (decision.candidates[0].product_id if decision else None) == accepted


def test_the_lower_the_score_the_more_evidence_it_takes() -> None:
    near, far = (Candidate("apple", 0.75, 0),), (Candidate("apple", 0.65, 0),)
    some, much = verification_of(apple=0.5), verification_of(apple=2.5)

    assert settle(near, some, THRESHOLDS) is not None
    assert settle(far, some, THRESHOLDS) is None
    assert settle(far, much, THRESHOLDS) is not None


def test_products_with_hopeless_scores_are_not_looked_at() -> None:
    suspects = (Candidate("apple", 0.61, 0), Candidate("orange", 0.59, 5))

    assert reachable(suspects, THRESHOLDS) == suspects[:1]
    assert settle((), verification_of(), THRESHOLDS) is None
