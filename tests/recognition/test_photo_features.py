"""The features of stored photos: made once, bounded, and gone with the photo."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from catalog.models import ProductImage
from recognition import photo_features, services
from recognition.photo_features import PhotoFeatures
from recognition.photo_files import photo_path
from recognition.runtime import Engine
from recognition.services import Upload
from recognition.vision.matching import Candidate
from recognition.vision.verification import Features
from tests.pictures import encoded
from tests.vision.packs import Image, pack, seen
from tests.waiting import until

APPLE, ORANGE = pack(1, 1), pack(1, 2)
PATIENCE_S = 20.0


def upload(image: Image) -> Upload:
    return Upload(filename="pack.png", data=encoded(image, "PNG"))


def register(engine: Engine, name: str, image: Image) -> str:
    views = [upload(image), upload(seen(image, tilt=0.05))]
    made = services.product_register(name=name, uploads=views)
    assert engine.replica.wait_for(made.index_seq, timeout_s=PATIENCE_S)
    return str(made.product.pk)


def counts(engine: Engine, *product_ids: str) -> list[int]:
    view = engine.replica.view
    assert view is not None
    found = engine.gallery.features.get(view, product_ids, timeout_s=PATIENCE_S)
    return [len(found[product_id]) for product_id in product_ids]


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note which products' photos are read."""
    read: list[str] = []
    original: Callable[[str], dict[int, Features]] = photo_features.product_features

    def noted(product_id: str) -> dict[int, Features]:
        read.append(product_id)
        return original(product_id)

    monkeypatch.setattr(photo_features, "product_features", noted)
    return read


def test_a_look_alike_is_settled_by_its_print(engine: Engine) -> None:
    apple, orange = register(engine, "Apple", APPLE), register(engine, "Orange", ORANGE)
    assert engine.gallery.calibrator.wait(timeout_s=PATIENCE_S)
    assert counts(engine, apple, orange) == [2, 2]
    needed = engine.gallery.calibrator.thresholds.of(apple)
    suspects = (Candidate(orange, needed, 2), Candidate(apple, needed - 0.01, 0))

    decision = engine.verify(seen(APPLE), suspects)

    assert decision is not None
    assert (decision.state, decision.candidates[0].product_id) == ("accepted", apple)
    assert engine.verify(seen(pack(7, 7)), suspects) is None


def test_photos_are_read_once_however_often_they_are_asked_for(engine: Engine, loads: list[str]) -> None:
    apple = register(engine, "Apple", APPLE)

    assert [counts(engine, apple) for _ in range(3)] == [[2]] * 3
    assert loads == [apple]


def test_an_undecided_picture_has_the_photos_in_question_made_ready(engine: Engine, loads: list[str]) -> None:
    apple, orange = register(engine, "Apple", APPLE), register(engine, "Orange", APPLE[:, :-1])

    assert engine.recognize([APPLE]).decisions[0].state == "ambiguous"
    until(lambda: set(loads) == {apple, orange})

    assert sorted(loads) == sorted([apple, orange])


def test_a_withdrawn_photo_helps_no_more(engine: Engine) -> None:
    apple = register(engine, "Apple", APPLE)
    assert counts(engine, apple) == [2]

    image = ProductImage.objects.filter(product_id=apple).earliest("embedding_id")
    seq = services.product_image_delete(image_id=image.pk)
    assert engine.replica.wait_for(seq, timeout_s=PATIENCE_S)
    assert counts(engine, apple) == [1]

    seq = services.product_set_active(product_id=UUID(apple), is_active=False)
    assert engine.replica.wait_for(seq, timeout_s=PATIENCE_S)
    assert counts(engine, apple) == [0]


def test_features_of_a_withdrawn_photo_that_are_still_kept_are_not_handed_out(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    apple = register(engine, "Apple", APPLE)
    assert counts(engine, apple) == [2]
    monkeypatch.setattr(engine.gallery.features, "rows_changed", lambda view, rows: None)

    seq = services.product_set_active(product_id=UUID(apple), is_active=False)
    assert engine.replica.wait_for(seq, timeout_s=PATIENCE_S)

    assert engine.gallery.features.nbytes > 0
    assert counts(engine, apple) == [0]


def test_a_photo_that_is_added_helps_from_then_on(engine: Engine) -> None:
    apple = register(engine, "Apple", APPLE)
    assert counts(engine, apple) == [2]

    made = services.product_images_add(product_id=UUID(apple), uploads=[upload(seen(APPLE, tilt=0.2))])
    assert engine.replica.wait_for(made.index_seq, timeout_s=PATIENCE_S)

    assert counts(engine, apple) == [3]


def test_a_missing_file_leaves_out_its_photo_alone(engine: Engine) -> None:
    apple = register(engine, "Apple", APPLE)
    image = ProductImage.objects.filter(product_id=apple).earliest("embedding_id")
    photo_path(str(image.image.name)).unlink()

    assert counts(engine, apple) == [1]


def test_memory_is_bounded_and_the_product_asked_for_last_stays(engine: Engine, loads: list[str]) -> None:
    products = [register(engine, f"Pack {number}", pack(number, 1)) for number in range(3)]
    view = engine.replica.view
    assert view is not None
    features = PhotoFeatures(memory_max_bytes=200_000)  # two products of two photos
    features.start()
    try:
        for product_id in products:
            assert len(features.get(view, [product_id], timeout_s=PATIENCE_S)[product_id]) == 2
            assert features.nbytes <= 200_000
        assert features.nbytes > 100_000
        loads.clear()
        features.get(view, products[1:], timeout_s=PATIENCE_S)
        assert loads == []
        features.get(view, products[:1], timeout_s=PATIENCE_S)
        assert loads == products[:1]
    finally:
        features.stop()


def test_a_look_before_the_photos_are_there_finds_nothing_and_does_not_fail(engine: Engine) -> None:
    apple = register(engine, "Apple", APPLE)
    view = engine.replica.view
    assert view is not None

    assert PhotoFeatures().get(view, [apple], timeout_s=0.0) == {}
