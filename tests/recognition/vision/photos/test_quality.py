"""What is said of a photo by itself and beside others: each fault with a good photo as its control."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from recognition.training.photos import read_rgb
from recognition.vision.photos.quality import (
    SAME_PICTURE_BITS,
    PhotoFault,
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
