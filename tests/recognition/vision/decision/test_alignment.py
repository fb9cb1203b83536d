"""Aligning a photo with an item: made-up keypoints and grey pictures whose right answer is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from recognition.vision.decision.decide import Candidate
from recognition.vision.decision.local_features import (
    DESCRIPTOR_SCALE,
    GREY_SIDE_PX,
    INLIERS_MIN,
    SIDE_PX,
    Alignment,
    Features,
    agreeing_share,
    align,
    features_of,
)
from recognition.vision.decision.verification import PATCHED_MAX, with_artwork
from recognition.vision.types import FloatArray
from tests.recognition.vision.packs import pack, seen

SIZE = (192, 192)
BLANK = np.zeros((96, 96), np.uint8)


def descriptors(count: int, seed: int = 1) -> np.ndarray:
    """Return different unit vectors as RootSIFT keeps them."""
    rows = np.random.default_rng(seed).random((count, 128)) ** 8
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def kept(vectors: np.ndarray) -> np.ndarray:
    return np.rint(vectors * DESCRIPTOR_SCALE).clip(0, 255).astype(np.uint8)


def photo_of(count: int, seed: int = 2) -> Features:
    """Return a photo with some keypoints of size 6 that point to the right."""
    at = np.random.default_rng(seed).uniform(30, 162, (count, 2))
    points = np.column_stack([at, np.full(count, 6.0), np.zeros(count)]).astype(np.float32)
    return Features(points, kept(descriptors(count)), BLANK, SIZE)


def shown(photo: Features, *, scale: float = 1.0, turn: float = 0.0, shift: float = 0.0) -> Features:
    """Return the item that the photo is of, larger, turned (radians) and moved (pixels)."""
    axes = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    at = (photo.points[:, :2] - 96) @ axes.T + 96 + shift
    points = np.column_stack([at, photo.points[:, 2] * scale, photo.points[:, 3] + turn])
    return Features(points.astype(np.float32), photo.descriptors, BLANK, SIZE)


@pytest.mark.parametrize(
    ("scale", "turn", "shift"), [(1, 0, 0), (0.5, 0.4, 10), (0.25, 3.1, 0), (2, -1.5, -20), (4, 0.1, 0)]
)
def test_a_photo_is_found_where_it_lies(scale: float, turn: float, shift: float) -> None:
    photo = photo_of(20)
    item = shown(photo, scale=scale, turn=turn, shift=shift)
    found = align(item, photo)
    assert found is not None
    assert found.inliers == 20
    moved_points = cv2.perspectiveTransform(photo.points[:, None, :2], found.homography)[:, 0]
    assert np.abs(moved_points - item.points[:, :2]).max() < 0.5
    corners = np.array([found.hull.min(axis=0), found.hull.max(axis=0)])
    expected = np.array([item.points[:, :2].min(axis=0), item.points[:, :2].max(axis=0)])
    assert corners == pytest.approx(expected)


@pytest.mark.parametrize("scale", [0.15, 6.5])
def test_a_photo_too_small_or_too_large_to_be_the_item_is_not_found(scale: float) -> None:
    photo = photo_of(20)
    assert align(shown(photo, scale=scale), photo) is None


def test_six_keypoints_are_enough_and_five_are_chance() -> None:
    assert INLIERS_MIN == 6
    six, five = photo_of(6), photo_of(5)
    found = align(shown(six, turn=0.3), six)
    assert found is not None
    assert found.inliers == 6
    assert align(shown(five, turn=0.3), five) is None


def test_a_mirrored_photo_is_not_found() -> None:
    photo = photo_of(20)
    points = photo.points.copy()
    points[:, 0] = 192 - points[:, 0]
    assert align(Features(points, photo.descriptors, BLANK, SIZE), photo) is None


def with_one(photo: Features, *, size: float = 1.0, turn: float = 0.0, away: float = 0.0) -> int:
    """Return the inliers where one keypoint of twelve is of another size, direction or position."""
    item = shown(photo)
    item.points[0, 0] += away
    item.points[0, 2] *= size
    item.points[0, 3] += turn
    found = align(item, photo)
    assert found is not None
    return found.inliers


def test_keypoints_that_disagree_on_size_direction_or_position_are_left_out() -> None:
    photo = photo_of(12)
    assert with_one(photo) == 12
    # e to the power of 0.6 is 1.82
    assert (with_one(photo, size=1.75), with_one(photo, size=1.9)) == (12, 11)
    assert (with_one(photo, size=1 / 1.75), with_one(photo, size=1 / 1.9)) == (12, 11)
    # the cosine of 0.64 is 0.8
    assert (with_one(photo, turn=0.55), with_one(photo, turn=0.72)) == (12, 11)
    assert (with_one(photo, turn=-0.55 + 2 * np.pi), with_one(photo, turn=-0.72)) == (12, 11)
    assert (with_one(photo, away=3.0), with_one(photo, away=9.0)) == (12, 11)


@pytest.mark.parametrize(("second", "matches"), [(0.80, True), (0.87, False)])
def test_a_match_is_nearer_by_a_fifth_than_the_second(second: float, matches: bool) -> None:
    photo = photo_of(6)
    vectors = descriptors(7)
    # The sixth keypoint is seen with a cosine of 0.9 to its own and of `second` to another one on the photo:
    # squared distances of 0.2 against 0.4 or 0.26, whose roots differ by the ratio.
    own, aside = vectors[5], vectors[6] - (vectors[6] @ vectors[5]) * vectors[5]
    aside /= np.linalg.norm(aside)
    looks = 0.9 * own + np.sqrt(1 - 0.9**2) * aside
    third = np.eye(128)[np.abs(looks).argmin()]
    third = third - (third @ looks) * looks
    other = second * looks + np.sqrt(1 - second**2) * third / np.linalg.norm(third)
    item = shown(photo)
    item = Features(item.points, kept(np.vstack([vectors[:5], looks])), BLANK, SIZE)
    points = np.vstack([photo.points, [[10, 10, 6, 0]]]).astype(np.float32)
    crowded = Features(points, kept(np.vstack([vectors[:6], other])), BLANK, SIZE)
    assert (align(item, crowded) is not None) == matches


def test_nothing_is_aligned_with_a_picture_without_keypoints() -> None:
    photo, plain = photo_of(12), features_of(np.full((60, 60, 3), 90, np.uint8))
    assert align(plain, photo) is None
    assert align(photo, plain) is None
    assert align(photo, photo_of(1)) is None


def textured(deviation: float, seed: int = 3) -> FloatArray:
    return np.random.default_rng(seed).normal(128, deviation, (96, 96)).astype(np.float32)


def grey(values: FloatArray) -> Features:
    nothing = np.empty((0, 4), np.float32), np.empty((0, 128), np.uint8)
    return Features(*nothing, np.rint(values).clip(0, 255).astype(np.uint8), (96, 96))


def share_of(
    item: FloatArray, photo: FloatArray, *, half: float = 20.0, shift: tuple[float, float] = (0, 0)
) -> float:
    """Return the share that agrees, the photo moved by a shift, with keypoints in a square in the middle."""
    corners = 48 + half * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], np.float32)
    homography = np.array([[1, 0, shift[0]], [0, 1, shift[1]], [0, 0, 1]], np.float64)
    return agreeing_share(grey(item), grey(photo), Alignment(homography, corners, 9))


def square(half: float) -> float:
    """Return the share of the picture that a square around its middle covers."""
    return (2 * half + 1) ** 2 / 96**2


def test_artwork_is_compared_in_eight_fifths_of_what_the_keypoints_span() -> None:
    same = textured(40)
    assert share_of(same, same) == pytest.approx(square(32))
    assert share_of(same, same, half=10) == pytest.approx(square(16))
    assert share_of(same, same, half=48) == 1.0


def test_light_and_contrast_do_not_matter_and_a_negative_does() -> None:
    same = textured(20)
    assert share_of(0.6 * same + 70, same) == pytest.approx(square(32), rel=0.02)
    assert share_of(255 - same, same) == 0.0


def test_artwork_that_differs_agrees_by_chance_only() -> None:
    assert share_of(textured(40), textured(40, seed=4)) < 0.01


@pytest.mark.parametrize(("likeness", "low", "high"), [(0.45, 0.0, 0.2), (0.6, 0.2, 0.75), (0.8, 0.95, 1.0)])
def test_a_patch_agrees_from_a_correlation_of_three_fifths(likeness: float, low: float, high: float) -> None:
    one, other = textured(40) - 128, textured(40, seed=4) - 128
    mixed = (likeness * one + np.sqrt(1 - likeness**2) * other).astype(np.float32)
    assert low <= share_of(mixed + 128, one + 128) / square(32) <= high


@pytest.mark.parametrize(("deviation", "low", "high"), [(5.5, 0.0, 0.02), (9.5, 0.95, 1.0)])
def test_what_is_nearly_plain_holds_no_artwork(deviation: float, low: float, high: float) -> None:
    same = textured(deviation)
    assert low <= share_of(same, same) / square(32) <= high


def test_artwork_counts_only_where_the_photo_covers_the_item() -> None:
    same = textured(40)
    moved = np.roll(same, (40, 0), axis=(1, 0))
    # the photo lies 40 px to the right: of the square from 16 to 80 the columns from 40 on are covered,
    # less about half a patch at the edge
    found = share_of(moved, same, shift=(40, 0))
    assert 65 * 37 / 96**2 <= found <= 65 * 41 / 96**2


def test_features_are_root_sift_of_the_picture_scaled_to_its_longer_side() -> None:
    picture = seen(pack(1, 1))[:, :150]
    found = features_of(picture)
    height, width = picture.shape[:2]
    assert max(found.size) == SIDE_PX == 192
    assert found.size == (round(width * 192 / max(height, width)), round(height * 192 / max(height, width)))
    assert max(found.grey.shape) == GREY_SIDE_PX == 96
    assert found.grey.shape[1] / found.grey.shape[0] == pytest.approx(width / height, abs=0.02)
    norms = np.linalg.norm(found.descriptors.astype(np.float64), axis=1)
    assert np.median(norms) == pytest.approx(512, abs=4)
    assert (found.points[:, 0] < found.size[0]).all()
    assert (found.points[:, 1] < found.size[1]).all()
    assert found.points[:, 3].max() < 2 * np.pi + 1e-4
    assert found.points[:, 3].max() > np.pi


@pytest.mark.parametrize(("side", "holds"), [(7, False), (8, True)])
def test_a_picture_of_eight_pixels_is_the_smallest_with_features(side: int, holds: bool) -> None:
    sliver = np.ascontiguousarray(seen(pack(1, 1))[:side])
    found = features_of(sliver)
    assert (max(found.size) == 192) == holds
    assert found.grey.shape == ((8, 96) if holds else (8, 8))


def test_of_a_product_the_three_photos_with_most_keypoints_are_compared_and_the_best_counts() -> None:
    assert PATCHED_MAX == 3
    artwork, other = textured(40), textured(40, seed=4)

    def photo(count: int, picture: FloatArray) -> Features:
        of = photo_of(12)
        return Features(of.points[:count], of.descriptors[:count], grey(picture).grey, SIZE)

    whole = photo(12, artwork)
    photos = {0: photo(9, other), 1: photo(12, other), 2: photo(10, other), 3: photo(8, artwork)}
    (of_three,) = with_artwork(whole, (Candidate("milk", 0.8, 0, rows=(0, 1, 3)),), photos)
    assert (of_three.inliers, of_three.agreeing > 0.2) == (8, True)
    (of_four,) = with_artwork(whole, (Candidate("milk", 0.8, 0, rows=(3, 0, 1, 2)),), photos)
    assert of_four.agreeing < 0.02
