"""The item of a photo is found where it stands out, and the photo left alone where it does not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from recognition.training.photos import read_rgb
from recognition.vision.encoders.compact import CompactEncoder
from recognition.vision.encoders.layout import fuse
from recognition.vision.photos.item import _colours_shared, _middle_piece, item_box, item_cut, photo_item
from recognition.vision.types import Box, Image, Mask
from tests.recognition.vision.packs import pack


def on_shelf(seed: int, *, side_px: int = 400, height: int = 150) -> tuple[Image, Box]:
    """Stand a saturated pack on a grey shelf full of things: the photo and where the pack is."""
    rng = np.random.default_rng(seed)
    shelf = cv2.resize(rng.integers(40, 140, (12, 12), np.uint8), (side_px, side_px))
    shelf = cv2.GaussianBlur(shelf, (0, 0), 2)
    image = np.repeat(shelf[..., None], 3, axis=2)
    item = np.zeros((height, height * 2 // 3, 3), np.uint8)
    item[:] = (200, 40, 30)
    item[height // 4 : height // 2, 10:-10] = (250, 220, 60)
    item[height * 2 // 3 : height * 3 // 4, 10:-10] = (240, 240, 235)
    top, left = (side_px - height) // 2 + 10, (side_px - item.shape[1]) // 2 - 8
    image[top : top + height, left : left + item.shape[1]] = item
    return image, Box(left / side_px, top / side_px, item.shape[1] / side_px, height / side_px)


def test_an_item_that_stands_out_is_found_where_it_is() -> None:
    image, truth = on_shelf(1)
    found = item_box(image)
    assert found is not None
    assert found.iou(truth) > 0.8
    cropped = photo_item(image)
    assert cropped.shape[0] < 0.55 * image.shape[0]
    assert np.shares_memory(cropped, image)


def test_the_same_photo_gives_the_same_item() -> None:
    image, _ = on_shelf(2)
    cv2.setRNGSeed(99)
    first = item_box(image)
    cv2.setRNGSeed(5)
    assert item_box(image.copy()) == first


@pytest.mark.parametrize(
    "image",
    [
        np.full((300, 300, 3), 128, np.uint8),
        np.random.default_rng(1).integers(0, 256, (300, 300, 3)).astype(np.uint8),
        cv2.resize(pack(3, 1), (300, 400)),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((2000, 130, 3), np.uint8),
    ],
    ids=["plain", "noise", "filled by a pack", "one pixel", "a strip"],
)
def test_a_photo_without_an_item_that_stands_out_stays_as_it_is(image: Image) -> None:
    assert item_box(image) is None
    assert photo_item(image) is image


def test_a_small_photo_has_no_pixels_to_spare() -> None:
    image, _ = on_shelf(1, side_px=120, height=45)
    assert photo_item(image) is image


def test_one_of_a_heap_is_no_item() -> None:
    heap = np.full((300, 300, 3), 40, np.uint8)
    for row in range(5):
        for column in range(5):
            cv2.circle(heap, (30 + 60 * column, 30 + 60 * row), 27, (210, 60, 40), -1, cv2.LINE_AA)
    assert item_box(heap) is None


def test_a_cut_stays_within_the_photo() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    assert item_cut(image, Box(0.0, 0.5, 0.5, 0.5)).shape == (52, 104, 3)
    assert item_cut(image, None) is image


def test_the_crop_brings_items_on_shelves_nearer_to_themselves(shared_data: Path) -> None:
    """Embedded with the shelf, an item is known by the shelf: the control is the photo as it came."""
    shelves = [
        read_rgb(p) for p in sorted((shared_data / "grocery" / "train" / "Fruit").rglob("*.jpg"))[::150]
    ]
    iconic = sorted((shared_data / "grocery").glob("iconic*/Packages/**/*.jpg"))[::3]
    items = [read_rgb(path)[10:-10, 45:-45] for path in iconic]
    rng = np.random.default_rng(4)
    photos = []
    for item in items:
        photo = cv2.resize(shelves[rng.integers(len(shelves))], (420, 420))
        height, width = item.shape[:2]
        photo[110 : 110 + height, 160 : 160 + width] = item
        photos.append(photo)
    encoder = CompactEncoder.load()
    shown = fuse(encoder.encode(items))
    whole, cropped = (fuse(encoder.encode(some)) for some in (photos, [photo_item(each) for each in photos]))
    right_whole, right_cropped = (
        np.mean((shown @ gallery.T).argmax(axis=1) == np.arange(len(items))) for gallery in (whole, cropped)
    )
    nearer = np.mean((shown * cropped).sum(axis=1) - (shown * whole).sum(axis=1))
    assert nearer > 0.05
    assert right_cropped >= right_whole


def test_most_photos_of_a_shop_are_left_alone(shared_data: Path) -> None:
    paths = sorted((shared_data / "grocery" / "train").rglob("*.jpg"))[::30]
    cropped = np.mean([item_box(read_rgb(path)) is not None for path in paths])
    assert cropped < 0.1


def box_mask(width: int, height: int) -> np.ndarray:
    mask = np.zeros((64, 64), np.bool_)
    mask[2 : 2 + height, 2 : 2 + width] = True
    return mask


@pytest.mark.parametrize(
    ("side_px", "colours", "sizes", "found"),
    [
        (200, 0.15, [(20, 20), (20, 20)], True),
        (200, 0.1501, [(20, 20), (20, 20)], False),
        (128, 0.0, [(20, 20), (20, 20)], True),
        (127, 0.0, [(20, 20), (20, 20)], False),
        (200, 0.0, [(42, 43), (42, 43)], True),  # 0.441 of the photo
        (200, 0.0, [(43, 43), (43, 43)], False),  # 0.451
        (200, 0.0, [(6, 7), (6, 7)], True),  # 0.0103
        (200, 0.0, [(6, 6), (6, 6)], False),  # 0.0088
        (200, 0.0, [(20, 20), (20, 14)], True),  # an overlap of 0.7
        (200, 0.0, [(20, 20), (20, 13)], False),
    ],
)
def test_an_item_is_believed_up_to_each_limit(
    side_px: int, colours: float, sizes: list[tuple[int, int]], found: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    segments = iter([box_mask(*size) for size in sizes])
    monkeypatch.setattr("recognition.vision.photos.item._segment", lambda *_: next(segments))
    monkeypatch.setattr("recognition.vision.photos.item._colours_shared", lambda *_: colours)
    assert (item_box(np.zeros((side_px, side_px, 3), np.uint8)) is not None) == found


@pytest.mark.parametrize(("beside", "is_middle"), [(22, False), (21, True)])
def test_a_piece_at_the_side_has_to_be_much_larger_than_one_in_the_middle(
    beside: int, is_middle: bool
) -> None:
    # So far from the middle a piece weighs exp(-0.5 (0.455 / 0.25)²) = 0.19 of its size.
    found = np.zeros((101, 100), np.uint8)
    found[50 - 5 : 50 + 6, 47:53] = 1  # 66 pixels
    found[50 - beside : 50 + beside + 1, 92:100] = 1
    found[50 - beside : 50 + beside + 1, 0:7] = 1
    middle = _middle_piece(found)
    assert middle is not None
    assert bool(middle[50, 50]) == is_middle


def test_pieces_far_up_count_as_far_as_pieces_far_to_the_side() -> None:
    found = np.zeros((100, 101), np.uint8)
    found[47:53, 45:56] = 1
    found[90:100, 35:65] = 1
    middle = _middle_piece(found)
    assert middle is not None
    assert middle[50, 50]


@pytest.mark.parametrize(
    ("lab", "shares"),
    [
        ((100, 128, 128), False),
        ((100, 135, 128), True),  # 96 + 32 to 96 + 39 are one step of eight levels
        ((100, 136, 128), False),
        ((100, 128, 127), False),
        ((127, 128, 128), True),
        ((128, 128, 128), False),
        ((100, 159, 128), False),
    ],
)
def test_colours_are_shared_in_coarse_steps(lab: tuple[int, int, int], shares: bool) -> None:
    item = np.zeros((8, 8), np.bool_)
    item[:, :4] = True
    own = (100, 128, 128) if shares else (100, 128, 136)
    picture = np.where(item[..., None], np.array(own), np.array(lab)).astype(np.uint8)
    assert _shares_of(picture, item) == float(shares)


def _shares_of(lab: Image, item: Mask) -> float:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cv2, "cvtColor", lambda image, code: image)
        return _colours_shared(lab, item)
