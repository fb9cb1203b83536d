"""The recognizer: the checkout's answer, over photos in memory, with photos left out and brought back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from recognition.vision.decision.calibration import Calibration
from recognition.vision.decision.decide import Decision
from recognition.vision.encoders.layout import fuse
from recognition.vision.evaluation import recognizer as recognizer_module
from recognition.vision.evaluation.recognizer import PhotoGallery, Recognizer
from recognition.vision.types import FloatArray
from tests.fakes import ThumbnailEncoder
from tests.recognition.vision.packs import Image, pack, seen

FLAVOURS = [(1, 1), (1, 2), (2, 1), (3, 1)]
TILTS = (0.02, 0.08, 0.14)


class CountingEncoder(ThumbnailEncoder):
    """Counts the pictures it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures = 0

    def encode(self, images: Sequence[Image]) -> FloatArray:
        self.pictures += len(images)
        return super().encode(images)


def photos() -> tuple[list[Image], list[str]]:
    images = [seen(pack(*flavour), tilt=tilt) for flavour in FLAVOURS for tilt in TILTS]
    return images, [f"{brand}-{flavour}" for brand, flavour in FLAVOURS for _ in TILTS]


def gallery(encoder: ThumbnailEncoder | None = None) -> PhotoGallery:
    return PhotoGallery.embed(encoder or ThumbnailEncoder(), *photos())


def named(decisions: list[Decision]) -> list[tuple[str, str]]:
    return [(decision.state, decision.candidates[0].product_id) for decision in decisions]


def test_a_look_alike_that_the_embedding_leaves_open_is_settled_by_the_closer_look() -> None:
    shown = [seen(pack(1, 1), tilt=0.3), seen(pack(2, 1), tilt=0.3)]
    recognizer = Recognizer(ThumbnailEncoder(), gallery())
    with_look, without = recognizer.recognize(shown), recognizer.match(recognizer.embed(shown))

    assert named(with_look) == [("accepted", "1-1"), ("accepted", "2-1")]
    assert {c.product_id for c in with_look[0].candidates} == {"1-1", "1-2", "2-1", "3-1"}
    assert named(without) == [("ambiguous", "1-1"), ("ambiguous", "2-1")]


def test_a_picture_of_nothing_registered_stays_unknown() -> None:
    decisions = Recognizer(ThumbnailEncoder(), gallery()).recognize(
        [seen(pack(9, 9)), np.zeros((9, 9, 3), np.uint8)]
    )

    assert [decision.state for decision in decisions] == ["unknown", "unknown"]


def test_without_photos_everything_is_unknown() -> None:
    empty = Recognizer(ThumbnailEncoder(), PhotoGallery.embed(ThumbnailEncoder(), [], []))

    assert empty.products == ()
    assert [d.candidates for d in empty.recognize([seen(pack(1, 1))])] == [()]


def test_only_the_chosen_photos_are_known_and_nothing_is_embedded_again() -> None:
    encoder = CountingEncoder()
    shared = gallery(encoder)
    assert encoder.pictures == len(shared) == 12

    few = Recognizer(encoder, shared, chosen=[0, 3, 4])

    assert few.products == ("1-1", "1-2")
    assert {few.position_of(c.row) for c in few.match(shared.embeddings[:1])[0].candidates} == {0, 3}
    assert encoder.pictures == 12


def test_thresholds_are_those_of_the_photos_that_were_chosen() -> None:
    shared, chosen = gallery(), [0, 1, 3, 4, 6]
    vectors = fuse(shared.embeddings)
    expected = Calibration(lambda rows: vectors[rows])
    expected.add(chosen, [shared.products[position] for position in chosen])

    assert Recognizer(ThumbnailEncoder(), shared, chosen=chosen).thresholds == expected.thresholds()


def test_photos_left_out_match_nothing_and_come_back_with_the_same_thresholds() -> None:
    shared = gallery()
    recognizer = Recognizer(ThumbnailEncoder(), shared)
    whole = recognizer.thresholds
    first = recognizer.match(shared.embeddings[:1])[0]
    with recognizer.without([0, 1, 2]) as less:
        left = less.match(shared.embeddings[:1])[0]
        assert less.products == ("1-2", "2-1", "3-1")
        assert less.thresholds == Recognizer(ThumbnailEncoder(), shared, chosen=range(3, 12)).thresholds

    assert first.candidates[0].product_id == "1-1"
    assert "1-1" not in {candidate.product_id for candidate in left.candidates}
    assert recognizer.thresholds == whole == recognizer._calibration.thresholds()
    assert recognizer.match(shared.embeddings[:1])[0] == first


def test_a_photo_left_out_lends_no_keypoints_either() -> None:
    images, products = photos()
    images[1:3] = [np.full((240, 240, 3), 200, np.uint8)] * 2  # so that only the first photo shows the pack
    recognizer = Recognizer(ThumbnailEncoder(), PhotoGallery.embed(ThumbnailEncoder(), images, products))
    shown = seen(pack(1, 1), tilt=0.11)
    contenders = recognizer.match(ThumbnailEncoder().encode([shown]))[0].candidates[:3]

    assert named(list(recognizer.verify([shown], contenders))) == [("accepted", "1-1")]
    with recognizer.without([0]):
        found = recognizer.verify([shown], contenders)
        assert "1-1" not in {decision.candidates[0].product_id for decision in found}


def test_photos_are_read_once_and_only_by_a_closer_look() -> None:
    images, products = photos()
    read: list[int] = []

    def noted(position: int) -> Image:
        read.append(position)
        return images[position]

    shared = PhotoGallery(ThumbnailEncoder().encode(images), products, noted)
    recognizer = Recognizer(ThumbnailEncoder(), shared)
    recognizer.match(shared.embeddings)
    assert read == []
    recognizer.recognize([seen(pack(1, 1), tilt=0.3)] * 2)
    assert len(read) == len(set(read)) > 0


@pytest.mark.parametrize("positions", [[12], [0, 99], [-1]])
def test_photos_that_are_not_registered_cannot_be_left_out(positions: list[int]) -> None:
    recognizer = Recognizer(ThumbnailEncoder(), gallery())
    with pytest.raises(ValueError, match="registered"), recognizer.without(positions):
        pass
    assert len(recognizer.products) == 4


def test_shapes_and_choices_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(ValueError, match="one for each"):
        PhotoGallery(np.empty((2, 1280), np.float32), ["a"], lambda position: seen(pack(1, 1)))
    with pytest.raises(ValueError, match="once"):
        Recognizer(ThumbnailEncoder(), gallery(), chosen=[0, 0])


def test_of_a_registered_photo_the_item_is_compared_and_of_a_shown_picture_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recognizer_module, "photo_item", lambda image: image[:120])
    images, products = photos()
    embeddings = ThumbnailEncoder().encode(images)
    registered = PhotoGallery(embeddings, products, images.__getitem__)
    shown = PhotoGallery(embeddings, products, images.__getitem__, items=False)

    assert registered.features(0).size == (192, 96)
    assert shown.features(0).size == (192, 192)


def test_no_more_features_are_kept_than_is_said() -> None:
    images, products = photos()
    read: list[int] = []

    def noted(position: int) -> Image:
        read.append(position)
        return images[position]

    kept = PhotoGallery(ThumbnailEncoder().encode(images), products, noted, features_max=2)
    for position in (0, 1, 0, 2, 0, 1):
        kept.features(position)
    assert read == [0, 1, 2, 1]


def test_without_an_encoder_only_known_embeddings_are_answered() -> None:
    recognizer = Recognizer(None, gallery())
    assert recognizer.match(recognizer.gallery.embeddings[:1])[0].candidates[0].product_id == "1-1"
    with pytest.raises(ValueError, match="no encoder"):
        recognizer.recognize([seen(pack(1, 1))])


def test_the_photo_of_a_product_nearest_to_a_picture_is_found() -> None:
    recognizer = Recognizer(None, gallery())
    found = recognizer.best_photo("1-2", recognizer.gallery.embeddings[4])
    assert found is not None
    assert (found[0], round(found[1], 4)) == (4, 1.0)
    assert recognizer.best_photo("no such product", recognizer.gallery.embeddings[4]) is None
