"""What is no product is never accepted, with any gallery; real photos of products are, as a control."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from recognition.vision.decision.decide import Decision
from recognition.vision.encoders.compact import CompactEncoder
from recognition.vision.evaluation.recognizer import PhotoGallery, Recognizer
from tests.recognition.vision.packs import Image, pack, plain, seen

SIDE = 240

pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.fixture(scope="module")
def encoder() -> CompactEncoder:
    return CompactEncoder.load(threads=1)


def noise(seed: int, *, grain: float, colour: tuple[int, int, int], strength: float) -> Image:
    """Draw a surface with a grain, as wood, cloth, skin or stone have; uint8 (240, 240, 3)."""
    rough = np.random.default_rng(seed).standard_normal((SIDE, SIDE))
    rough = cv2.GaussianBlur(rough, (0, 0), grain)
    return np.clip(np.array(colour) + strength * (rough / rough.std())[..., None], 0, 255).astype(np.uint8)


def gradient(first: tuple[int, int, int], last: tuple[int, int, int]) -> Image:
    """Draw a surface in falling light; uint8 (240, 240, 3)."""
    along = np.linspace(0, 1, SIDE)[None, :, None]
    row = np.array(first) * (1 - along) + np.array(last) * along
    return np.repeat(row, SIDE, axis=0).astype(np.uint8)


def hand(skin: tuple[int, int, int], seed: int) -> Image:
    """Draw fingers that reach over a counter; uint8 (240, 240, 3)."""
    image = noise(seed, grain=2.0, colour=(150, 145, 140), strength=4)
    for finger in range(4):
        start, end = (40 + 45 * finger, SIDE), (60 + 40 * finger, 70 + 12 * abs(finger - 1))
        cv2.line(image, start, end, tuple(int(part * (1 - 0.04 * finger)) for part in skin), 34, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 1.5), np.uint8)


def non_items() -> dict[str, Image]:
    """Draw what a checkout camera sees where there is no product."""
    shown = {f"blank {level}": np.full((SIDE, SIDE, 3), level, np.uint8) for level in (0, 40, 128, 200, 255)}
    for number, colour in enumerate([(150, 110, 70), (210, 205, 200), (60, 60, 65), (230, 190, 165)]):
        for grain in (0.7, 3.0, 12.0, 40.0):
            shown[f"surface {number} {grain}"] = noise(number, grain=grain, colour=colour, strength=10)
    for number, (first, last) in enumerate(
        [((20, 20, 20), (220, 220, 220)), ((180, 140, 90), (120, 80, 40)), ((250, 240, 200), (90, 120, 200))]
    ):
        shown[f"gradient {number}"] = gradient(first, last)
    for number, skin in enumerate([(235, 195, 170), (200, 150, 120), (120, 80, 60), (70, 45, 35)]):
        shown[f"hand {number}"] = hand(skin, number)
    for seed in range(3):
        shown[f"blurred noise {seed}"] = noise(seed, grain=6.0, colour=(128, 128, 128), strength=60)
    return shown


def accepted(recognizer: Recognizer, shown: dict[str, Image]) -> list[str]:
    decisions = recognizer.recognize(list(shown.values()))
    return [
        f"{name} as {decision.candidates[0].product_id}"
        for name, decision in zip(shown, decisions, strict=True)
        if decision.state == "accepted"
    ]


def matched(recognizer: Recognizer, shown: dict[str, Image]) -> list[Decision]:
    """Decide by the embedding alone, as a lane has each view decided."""
    return recognizer.match(recognizer.embed(list(shown.values())))


@pytest.mark.parametrize(("products", "photos"), [(1, 1), (1, 8), (3, 3), (12, 1), (12, 5)])
def test_nothing_is_accepted_where_there_is_no_product(
    encoder: CompactEncoder, products: int, photos: int
) -> None:
    packs = [pack(number, 1) for number in range(products)]
    images = [seen(each, tilt=0.03 * view) for each in packs for view in range(photos)]
    names = [f"pack {number}" for number in range(products) for _ in range(photos)]
    recognizer = Recognizer(encoder, PhotoGallery.embed(encoder, images, names))

    assert accepted(recognizer, non_items()) == []
    assert [d.state for d in matched(recognizer, non_items())].count("accepted") == 0
    # the control: the same recognizer does accept the packs
    shown = {f"pack {number}": seen(each, tilt=0.02) for number, each in enumerate(packs)}
    assert accepted(recognizer, shown) == [f"{name} as {name}" for name in shown]


def test_a_plain_item_is_not_accepted_where_plain_items_are_registered(encoder: CompactEncoder) -> None:
    colours = {"apple": (200, 40, 40), "lemon": (230, 210, 60), "lime": (90, 170, 60), "plum": (90, 40, 110)}
    names = [name for name in colours for _ in range(3)]
    images = [np.roll(plain(colours[name]), 4 * number, axis=1) for number, name in enumerate(names)]
    recognizer = Recognizer(encoder, PhotoGallery.embed(encoder, images, names))

    assert accepted(recognizer, non_items()) == []


@pytest.mark.parametrize(("photos", "accepted_least"), [(1, 0.1), (5, 0.2)])
def test_nothing_but_cartons_is_accepted_among_real_cartons(
    encoder: CompactEncoder, shared_data: Path, photos: int, accepted_least: float
) -> None:
    data = shared_data / "grocery"
    folders = sorted({path.parent for path in (data / "train" / "Packages").rglob("*.jpg")})
    chosen = [
        (folder.name, path) for folder in folders for path in sorted(folder.glob("*.jpg"))[::5][:photos]
    ]
    read = [cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB) for _, path in chosen]
    recognizer = Recognizer(encoder, PhotoGallery.embed(encoder, read, [name for name, _ in chosen]))

    assert accepted(recognizer, non_items()) == []

    val = sorted((data / "val" / "Packages").rglob("*.jpg"))[::5]
    decisions = recognizer.recognize([cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB) for path in val])
    right = [d.candidates[0].product_id == path.parent.name for d, path in zip(decisions, val, strict=True)]
    took = [d.state == "accepted" for d in decisions]
    assert sum(one and other for one, other in zip(took, right, strict=True)) >= accepted_least * len(val)
    assert sum(one and not other for one, other in zip(took, right, strict=True)) <= 1
