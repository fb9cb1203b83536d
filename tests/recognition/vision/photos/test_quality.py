"""What is said of a photo by itself and beside others: each fault with a good photo as its control."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from recognition.training.photos import read_rgb
from recognition.vision.photos.quality import (
    SAME_PICTURE_BITS,
    PhotoFault,
    PhotoQuality,
    all_alike,
    photo_quality,
    picture_hash,
    pictures_differ_bits,
)
from recognition.vision.types import Image
from tests.recognition.vision.packs import pack


def photo(seed: int = 1) -> Image:
    """Draw a sharp pack on a counter, well lit: uint8 (360, 360, 3)."""
    counter = np.full((360, 360, 3), (150, 140, 125), np.uint8)
    item = cv2.resize(pack(seed, 1), (180, 240), interpolation=cv2.INTER_AREA)
    counter[60:300, 90:270] = item
    return counter


def exposed(image: Image, stops: float) -> Image:
    """Change the light by stops, as a camera would record it: gamma 2.2."""
    linear = (image / 255.0) ** 2.2 * 2.0**stops
    return np.round(np.clip(linear, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)


def faults(image: Image) -> tuple[PhotoFault, ...]:
    return photo_quality(image, item=None).faults


def test_a_good_photo_has_no_fault() -> None:
    assert faults(photo()) == ()


@pytest.mark.parametrize("side", [360, 1440])
def test_blur_is_named_at_any_size(side: int) -> None:
    large = cv2.resize(photo(), (side, side), interpolation=cv2.INTER_CUBIC)
    blurred = cv2.GaussianBlur(large, (0, 0), 3 * side / 320)
    assert faults(blurred) == (PhotoFault.BLURRED,)
    assert faults(photo()) == ()


@pytest.mark.parametrize("degrees", [0, 45, 90])
def test_motion_in_any_direction_is_named(degrees: int) -> None:
    trace = np.zeros((15, 15), np.float32)
    trace[7] = 1
    turned = cv2.warpAffine(trace, cv2.getRotationMatrix2D((7, 7), degrees, 1), (15, 15))
    assert faults(cv2.filter2D(photo(), -1, turned / turned.sum())) == (PhotoFault.BLURRED,)


def test_noise_does_not_pass_for_sharpness() -> None:
    blurred = cv2.GaussianBlur(photo(), (0, 0), 4).astype(np.float32)
    noise = np.random.default_rng(1).normal(0, 3, blurred.shape)
    assert PhotoFault.BLURRED in faults(np.clip(blurred + noise, 0, 255).astype(np.uint8))


def test_wrong_light_is_named_by_its_cause_alone() -> None:
    assert faults(exposed(photo(), -3)) == (PhotoFault.TOO_DARK,)
    glaring = photo()
    glaring[:240] = exposed(glaring[:240], 4)
    assert PhotoFault.TOO_BRIGHT in faults(glaring)
    pale = np.round(photo() * 0.2 + 150).astype(np.uint8)
    assert faults(pale) == (PhotoFault.WASHED_OUT,)


def test_a_white_ground_is_no_overexposure() -> None:
    page = np.full((360, 360, 3), 255, np.uint8)
    page[60:300, 90:270] = photo()[60:300, 90:270]
    assert faults(page) == ()


def test_few_pixels_are_named() -> None:
    assert PhotoFault.TOO_SMALL in faults(cv2.resize(photo(), (100, 100), interpolation=cv2.INTER_AREA))
    assert faults(cv2.resize(photo(), (160, 160), interpolation=cv2.INTER_AREA)) == ()


@pytest.mark.parametrize(
    "image", [np.zeros((0, 5, 3), np.uint8), np.zeros((5, 5), np.uint8), np.zeros((5, 5, 3), np.float32)]
)
def test_what_is_no_picture_is_refused(image: Image) -> None:
    with pytest.raises(ValueError, match="RGB uint8"):
        photo_quality(image, item=None)


def test_a_plain_picture_can_be_judged() -> None:
    assert PhotoFault.WASHED_OUT in faults(np.full((200, 200, 3), 160, np.uint8))


def test_a_picture_saved_again_smaller_is_the_same_and_another_is_not() -> None:
    first, again, other = photo(1), cv2.resize(photo(1), (240, 240), interpolation=cv2.INTER_AREA), photo(2)
    coded = cv2.imencode(".jpg", again, [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
    again = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    hashes = [picture_hash(image) for image in (first, again, other)]
    assert pictures_differ_bits(hashes[0], hashes[0]) == 0
    assert pictures_differ_bits(hashes[0], hashes[1]) <= SAME_PICTURE_BITS
    assert pictures_differ_bits(hashes[0], hashes[2]) > SAME_PICTURE_BITS


def test_photos_from_one_place_are_alike_and_a_turned_one_is_not() -> None:
    moved = [picture_hash(np.roll(photo(), step, axis=1)) for step in (0, 2, 4)]
    assert all_alike(moved)
    turned = cv2.rotate(photo(), cv2.ROTATE_90_CLOCKWISE)
    assert not all_alike([*moved, picture_hash(turned)])
    assert not all_alike(moved[:1])


def test_few_real_photos_are_warned_of_and_most_blurred_ones_are(shared_data: Path) -> None:
    paths = sorted((shared_data / "grocery" / "train").rglob("*.jpg"))[::13]
    photos = [read_rgb(path) for path in paths]
    warned = np.mean([bool(faults(image)) for image in photos])
    blurred = [cv2.GaussianBlur(image, (0, 0), 2.2 * max(image.shape) / 320) for image in photos[::4]]
    found = np.mean([PhotoFault.BLURRED in faults(image) for image in blurred])
    assert warned < 0.03
    assert found > 0.9


GOOD = PhotoQuality(
    sharpness=0.5,
    brightest=200,
    darkest=50,
    blown=0.0,
    shortest_side_px=500,
    item_share=1.0,
    picture_hash=0,
)


@pytest.mark.parametrize(
    ("least", "beyond", "fault"),
    [
        ({"sharpness": 0.279}, {"sharpness": 0.2789}, PhotoFault.BLURRED),
        ({"brightest": 130}, {"brightest": 129.9}, PhotoFault.TOO_DARK),
        ({"brightest": 200, "darkest": 125}, {"brightest": 200, "darkest": 125.1}, PhotoFault.WASHED_OUT),
        ({"blown": 0.1}, {"blown": 0.1001}, PhotoFault.TOO_BRIGHT),
        ({"shortest_side_px": 128}, {"shortest_side_px": 127}, PhotoFault.TOO_SMALL),
        ({"item_share": 0.06}, {"item_share": 0.0599}, PhotoFault.ITEM_SMALL),
    ],
)
def test_each_fault_begins_at_its_limit(
    least: dict[str, Any], beyond: dict[str, Any], fault: PhotoFault
) -> None:
    assert replace(GOOD, **least).faults == ()
    assert replace(GOOD, **beyond).faults == (fault,)


@pytest.mark.parametrize(("bits", "alike"), [(18, True), (19, False)])
def test_photos_that_differ_in_no_more_than_18_bits_show_one_side(bits: int, alike: bool) -> None:
    assert all_alike([0, (1 << bits) - 1]) == alike


@pytest.mark.parametrize(("level", "blown"), [(249, 0.0), (250, 0.25)])
def test_white_begins_at_250(level: int, blown: float) -> None:
    image = np.full((100, 100, 3), 90, np.uint8)
    image[25:75, 25:75] = level
    assert photo_quality(image, item=None).blown == blown


@pytest.mark.parametrize(("rows", "ground"), [(76, True), (75, False)])
def test_a_ground_is_white_from_0_7_of_the_border_on(rows: int, ground: bool) -> None:
    image = np.full((100, 100, 3), 90, np.uint8)
    image[0] = image[-1] = image[1 : 1 + rows, 0] = 255  # with the corners 204 + rows of 400
    assert (photo_quality(image, item=None).blown == 0.0) == ground


@pytest.mark.parametrize(("side_px", "levels"), [(320, 255), (640, 0)])
def test_photos_are_measured_at_320_pixels(side_px: int, levels: int) -> None:
    stripes = np.zeros((side_px, side_px, 3), np.uint8)
    stripes[:, ::2] = 255  # of one pixel: in a photo of twice the size they become one grey
    found = photo_quality(stripes, item=None)
    assert found.brightest - found.darkest == levels


@pytest.mark.parametrize(("side_px", "sharp"), [(280, True), (240, False)])
def test_the_strongest_half_percent_of_edges_tells_the_sharpness(side_px: int, sharp: bool) -> None:
    image = np.full((320, 320, 3), 90, np.uint8)
    image[10 : 10 + side_px, 10 : 10 + side_px] = 200  # two sides are 0.55% of the photo, or 0.47%
    assert (photo_quality(image, item=None).sharpness > 0.5) == sharp


def test_white_within_a_line_that_is_open_below_is_ground() -> None:
    image = np.full((100, 100, 3), 255, np.uint8)
    image[40:, 30:34] = image[40:, 66:70] = image[40:44, 30:70] = 90
    assert photo_quality(image, item=None).blown == 0.0
