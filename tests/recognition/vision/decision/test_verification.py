"""Verification: packs that embeddings cannot tell apart, and items without artwork."""

from __future__ import annotations

import numpy as np
import pytest

from recognition.vision.decision.decide import ROWS_KEPT, Candidate, Decision, Thresholds, decide
from recognition.vision.decision.local_features import KEYPOINTS_MAX, Features, features_of
from recognition.vision.decision.verification import PRODUCTS_MAX, with_artwork
from tests.recognition.vision.packs import Image, pack, plain, seen

APPLE, ORANGE, OTHER_BRAND = pack(1, 1), pack(1, 2), pack(2, 1)
THRESHOLDS = Thresholds(centre=0.6, spread=0.1, needed=0.5, needed_verified=1.0, needed_without_artwork=1.5)
LOOK_ALIKE = (
    Candidate("orange", 0.82, 2, rows=(2, 3)),
    Candidate("apple", 0.81, 0, rows=(0, 1)),
)


def gallery() -> dict[int, Features]:
    pictures = [APPLE, seen(APPLE, tilt=0.05), ORANGE, seen(ORANGE, tilt=0.05)]
    return {row: features_of(picture) for row, picture in enumerate(pictures)}


def look(image: Image, contenders: tuple[Candidate, ...] = LOOK_ALIKE) -> tuple[Candidate, ...]:
    return with_artwork(features_of(image), contenders, gallery())


def compared(image: Image, photo: Image) -> Candidate:
    """Compare a picture with one photo."""
    only = Candidate("only", 0.8, 0, rows=(0,))
    (found,) = with_artwork(features_of(image), (only,), {0: features_of(photo)})
    return found


def decided(image: Image) -> Decision:
    return decide(look(image), THRESHOLDS, verified=True)


def test_another_flavour_in_the_same_layout_is_told_apart() -> None:
    decision, other = decided(seen(APPLE)), decided(seen(ORANGE))

    assert (decision.state, decision.candidates[0].product_id) == ("accepted", "apple")
    assert decision.score == 0.81
    assert decision.margin == pytest.approx(-0.01)
    assert (other.state, other.candidates[0].product_id) == ("accepted", "orange")


def test_without_verification_the_look_alikes_stay_a_question() -> None:
    assert decide(LOOK_ALIKE, THRESHOLDS).state == "ambiguous"


@pytest.mark.parametrize("tilt", [0.0, 0.1, 0.25])
@pytest.mark.parametrize("blur", [0.6, 1.2])
def test_the_same_pack_is_confirmed_in_perspective_and_blurred(tilt: float, blur: float) -> None:
    found = compared(seen(APPLE, tilt=tilt, blur=blur), APPLE)

    assert found.inliers >= 20
    assert 0.2 < found.agreeing <= 1


def test_a_pack_of_another_brand_gives_no_evidence() -> None:
    found = compared(seen(OTHER_BRAND), APPLE)

    assert (found.agreeing, found.inliers) == (0.0, 0)


def test_a_mirrored_pack_gives_no_evidence() -> None:
    found = compared(np.ascontiguousarray(APPLE[:, ::-1]), APPLE)

    assert (found.agreeing, found.inliers) == (0.0, 0)


def test_patches_speak_where_keypoints_of_a_look_alike_agree() -> None:
    same, other = (compared(seen(APPLE), photo) for photo in (APPLE, ORANGE))

    assert other.inliers >= 6  # the brand's part is the same
    assert same.agreeing > 0.2
    assert other.agreeing < same.agreeing / 2


def test_a_darker_picture_with_less_contrast_agrees_all_the_same() -> None:
    dark = (seen(APPLE) * 0.4 + 20).astype(np.uint8)

    assert compared(dark, APPLE).agreeing > 0.2


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
def test_an_item_without_artwork_agrees_with_nothing(image: Image) -> None:
    assert [(each.agreeing, each.inliers) for each in look(image)] == [(0.0, 0)] * 2


def test_a_grey_picture_is_compared_like_a_coloured_one() -> None:
    grey = np.ascontiguousarray(seen(APPLE)[..., 1])

    assert compared(grey, APPLE).inliers >= 20


def test_a_product_whose_photos_are_not_there_has_nothing_to_agree_with() -> None:
    apple = (Candidate("apple", 0.8, 7, rows=(7, 8)), Candidate("orange", 0.7, 2, rows=(2,)))

    assert [each.inliers > 0 for each in look(seen(ORANGE), apple)] == [False, True]


def test_the_same_pictures_always_give_the_same_numbers() -> None:
    assert look(seen(APPLE)) == look(seen(APPLE))


def test_a_verification_compares_no_more_than_a_few_photos_of_a_few_products(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[Features] = []
    monkeypatch.setattr(
        "recognition.vision.decision.verification.align", lambda item, photo: compared.append(photo)
    )
    photo = features_of(APPLE)
    contenders = tuple(
        Candidate(f"p{number}", 0.8, number, rows=tuple(range(number * 10, number * 10 + 9)))
        for number in range(9)
    )

    found = with_artwork(photo, contenders, dict.fromkeys(range(100), photo))

    assert len(compared) == PRODUCTS_MAX * ROWS_KEPT == 24
    assert found == contenders


def test_work_and_memory_are_bounded_however_busy_and_large_the_picture() -> None:
    tiles = np.random.default_rng(3).integers(0, 256, (75, 60, 3), np.uint8)
    features = features_of(np.kron(tiles, np.ones((20, 20, 1), np.uint8)))

    assert len(features.points) == len(features.descriptors) == KEYPOINTS_MAX
    assert max(features.size) == 192
    assert features.nbytes < 45_000
