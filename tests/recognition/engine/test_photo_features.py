"""The features of stored photos: made once, bounded, and gone with the photo."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import pytest

from catalog.models import ProductImage
from recognition import services
from recognition.engine import photo_features
from recognition.engine.engine import Engine
from recognition.engine.photo_features import PhotoFeatures, RowFeatures
from recognition.index.maintenance import index_compact
from recognition.photos.files import photo_path
from recognition.services import Upload
from recognition.vision.decision.decide import Candidate
from tests.pictures import encoded
from tests.recognition.vision.packs import Image, pack, seen
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


def rows_of(product_id: str) -> list[int]:
    photos = ProductImage.objects.filter(product_id=product_id, embedding_id__isnull=False)
    return [row or 0 for row in photos.order_by("embedding_id").values_list("embedding_id", flat=True)]


def found(engine: Engine, rows: list[int]) -> list[int]:
    view = engine.replica.view
    assert view is not None
    return sorted(engine.gallery.features.get(view, rows, timeout_s=PATIENCE_S))


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note which photos are read."""
    read: list[int] = []
    original = photo_features.row_features

    def noted(rows: Sequence[int]) -> dict[int, RowFeatures | None]:
        read.extend(rows)
        return original(rows)

    monkeypatch.setattr(photo_features, "row_features", noted)
    return read


def test_a_look_alike_is_settled_by_its_print(engine: Engine) -> None:
    apple, orange = register(engine, "Apple", APPLE), register(engine, "Orange", ORANGE)
    assert engine.gallery.calibrator.wait(timeout_s=PATIENCE_S)
    assert found(engine, [0, 1, 2, 3]) == [0, 1, 2, 3]
    contenders = (Candidate(orange, 0.81, 2, rows=(2, 3)), Candidate(apple, 0.8, 0, rows=(0, 1)))

    (decision,) = engine.verify([seen(APPLE)], contenders)
    (other,) = engine.verify([seen(pack(7, 7))], contenders)

    assert (decision.state, decision.candidates[0].product_id) == ("accepted", apple)
    assert decision.candidates[0].inliers > 20
    assert decision.verified
    assert [each.inliers for each in other.candidates] == [0, 0]
    assert other.state != "accepted"


def test_photos_are_read_once_however_often_they_are_asked_for(engine: Engine, loads: list[int]) -> None:
    register(engine, "Apple", APPLE)

    assert [found(engine, [0, 1]) for _ in range(3)] == [[0, 1]] * 3
    assert sorted(loads) == [0, 1]


def test_a_picture_has_the_photos_in_question_made_ready(engine: Engine, loads: list[int]) -> None:
    register(engine, "Apple", APPLE)
    register(engine, "Orange", ORANGE)

    decision = engine.recognize([APPLE]).decisions[0]
    until(lambda: len(loads) == 4)

    assert sorted(loads) == [0, 1, 2, 3] == sorted(row for each in decision.candidates for row in each.rows)


def test_a_withdrawn_photo_helps_no_more(engine: Engine) -> None:
    apple = register(engine, "Apple", APPLE)
    assert found(engine, [0, 1]) == [0, 1]

    image = ProductImage.objects.filter(product_id=apple).earliest("embedding_id")
    seq = services.product_image_delete(image_id=image.pk)
    assert engine.replica.wait_for(seq, timeout_s=PATIENCE_S)
    assert found(engine, [0, 1]) == [1]

    seq = services.product_set_active(product_id=UUID(apple), is_active=False)
    assert engine.replica.wait_for(seq, timeout_s=PATIENCE_S)
    assert found(engine, [0, 1]) == []


def test_features_of_a_withdrawn_photo_that_are_still_kept_are_not_handed_out(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    apple = register(engine, "Apple", APPLE)
    assert found(engine, [0, 1]) == [0, 1]
    monkeypatch.setattr(engine.gallery.features, "rows_changed", lambda rows: None)

    seq = services.product_set_active(product_id=UUID(apple), is_active=False)
    assert engine.replica.wait_for(seq, timeout_s=PATIENCE_S)

    assert engine.gallery.features.nbytes > 0
    assert found(engine, [0, 1]) == []


def test_a_row_that_has_become_another_products_lends_no_print_to_the_old_view(engine: Engine) -> None:
    products = [register(engine, name, pack(number, 1)) for number, name in enumerate(("Tea", "Milk", "Jam"))]
    view = engine.replica.view
    assert view is not None
    for image in ProductImage.objects.filter(product_id=products[0]):
        seq = services.product_image_delete(image_id=image.pk)
    assert engine.replica.wait_for(seq, timeout_s=PATIENCE_S)
    index_compact()
    assert (rows_of(products[1]), rows_of(products[2])) == ([0, 1], [2, 3])
    features = PhotoFeatures()
    features.start()
    try:
        assert view.product_ids[2] == products[1]
        assert features.get(view, [2, 3], timeout_s=PATIENCE_S) == {}
        assert engine.replica.view is not view
        assert found(engine, [2, 3]) == [2, 3]
    finally:
        features.stop()


def test_a_photo_that_is_added_helps_from_then_on(engine: Engine) -> None:
    apple = register(engine, "Apple", APPLE)

    made = services.product_images_add(product_id=UUID(apple), uploads=[upload(seen(APPLE, tilt=0.2))])
    assert engine.replica.wait_for(made.index_seq, timeout_s=PATIENCE_S)

    assert rows_of(apple) == [0, 1, 2]
    assert found(engine, [0, 1, 2]) == [0, 1, 2]


def test_a_missing_file_leaves_out_its_photo_alone(engine: Engine) -> None:
    apple = register(engine, "Apple", APPLE)
    image = ProductImage.objects.filter(product_id=apple).earliest("embedding_id")
    photo_path(str(image.image.name)).unlink()

    assert found(engine, [0, 1]) == [1]


def test_memory_is_bounded_and_the_photos_asked_for_last_stay(engine: Engine, loads: list[int]) -> None:
    for number in range(3):
        register(engine, f"Pack {number}", pack(number, 1))
    view = engine.replica.view
    assert view is not None
    features = PhotoFeatures(memory_max_bytes=200_000)  # four photos
    features.start()
    try:
        for rows in ([0, 1], [2, 3], [4, 5]):
            assert sorted(features.get(view, rows, timeout_s=PATIENCE_S)) == rows
            assert features.nbytes <= 200_000
        assert features.nbytes > 100_000
        loads.clear()
        features.get(view, [2, 3, 4, 5], timeout_s=PATIENCE_S)
        assert loads == []
        features.get(view, [0], timeout_s=PATIENCE_S)
        assert loads == [0]
    finally:
        features.stop()


def test_a_look_before_the_photos_are_there_finds_nothing_and_does_not_fail(engine: Engine) -> None:
    register(engine, "Apple", APPLE)
    view = engine.replica.view
    assert view is not None

    assert PhotoFeatures().get(view, [0, 1], timeout_s=0.0) == {}
