"""The features of stored photos: made once, bounded, and gone with the photo."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import numpy as np
import pytest
from django.db import OperationalError

from catalog.models import ProductImage
from recognition import services
from recognition.engine import photo_features
from recognition.engine.engine import Engine
from recognition.engine.photo_features import PhotoFeatures, RowFeatures
from recognition.index.maintenance import index_compact
from recognition.index.view import IndexView
from recognition.photos.files import photo_path
from recognition.services import Upload
from recognition.vision.decision.decide import Candidate
from recognition.vision.decision.local_features import Features
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


MEBIBYTE = 2**20


def features_taking(nbytes: int) -> RowFeatures:
    """Return features that take so much memory, which is reserved and never touched."""
    nothing = np.empty((0, 4), np.float32)
    grey = np.empty((1, nbytes), np.uint8)
    return RowFeatures(Features(nothing, np.empty((0, 128), np.uint8), grey, (1, nbytes)), "milk")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Note which photos are read together; those of each take 64 MB."""
    read: list[list[int]] = []

    def made(rows: Sequence[int]) -> dict[int, RowFeatures | None]:
        read.append(list(rows))
        return {row: features_taking(64 * MEBIBYTE) for row in rows}

    monkeypatch.setattr(photo_features, "row_features", made)
    return read


def test_256_photos_wait_and_those_wanted_longest_are_forgotten_first(reads: list[list[int]]) -> None:
    features = PhotoFeatures()
    features.want(range(300))
    while features.is_due():
        features.work()
    assert [row for rows in reads for row in rows] == list(range(44, 300))
    assert {len(rows) for rows in reads} == {8}


def test_256_mb_are_kept_and_those_asked_for_longest_ago_go_first(reads: list[list[int]]) -> None:
    features = PhotoFeatures()
    view = IndexView(epoch=1, encoder="thumbnail", fingerprint="f" * 64)
    view.store.add(np.zeros((8, 1280), np.float32))
    view.product_ids = ["milk"] * 8

    def make(*rows: int) -> None:
        features.want(rows)
        features.work()

    def kept() -> list[int]:
        return sorted(features._kept)

    make(0, 1, 2, 3)
    assert (kept(), features.nbytes) == ([0, 1, 2, 3], 256 * MEBIBYTE)
    assert sorted(features.get(view, [0], timeout_s=0.0)) == [0]
    make(4)
    assert (kept(), features.nbytes) == ([0, 2, 3, 4], 256 * MEBIBYTE)
    make(5, 6)
    assert (kept(), features.nbytes) == ([0, 4, 5, 6], 256 * MEBIBYTE)
    features.rows_changed([4])
    assert (kept(), features.nbytes) == ([0, 5, 6], 192 * MEBIBYTE)
    features.rows_changed(None)
    assert (kept(), features.nbytes) == ([], 0)


def test_features_made_while_the_index_changed_are_made_again(
    reads: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    features = PhotoFeatures()
    made = photo_features.row_features

    def changed_meanwhile(rows: Sequence[int]) -> dict[int, RowFeatures | None]:
        if not reads:
            features.rows_changed([7])
        return made(rows)

    monkeypatch.setattr(photo_features, "row_features", changed_meanwhile)
    features.want([1, 2])
    features.work()
    assert (features.nbytes, features.is_due()) == (0, True)
    features.work()
    assert (reads, features.nbytes) == ([[1, 2], [1, 2]], 128 * MEBIBYTE)


def test_a_look_waits_half_a_second_for_photos_in_the_making(monkeypatch: pytest.MonkeyPatch) -> None:
    features = PhotoFeatures()
    waits_s: list[float] = []

    def wait_for(condition: object, timeout: float) -> bool:
        waits_s.append(timeout)
        return False

    monkeypatch.setattr(features._changed, "wait_for", wait_for)
    view = IndexView(epoch=1, encoder="thumbnail", fingerprint="f" * 64)
    assert features.get(view, [0]) == {}
    assert waits_s == [0.5]


def test_photos_that_cannot_be_read_from_the_database_are_given_up_and_the_others_made(
    reads: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    features = PhotoFeatures()
    made = photo_features.row_features
    failed: list[list[int]] = []

    def fail_once(rows: Sequence[int]) -> dict[int, RowFeatures | None]:
        if not failed:
            failed.append(list(rows))
            raise OperationalError("server closed the connection")
        return made(rows)

    monkeypatch.setattr(photo_features, "row_features", fail_once)
    features.want(range(10))
    features.start()
    try:
        until(lambda: reads == [[8, 9]])
        assert failed == [list(range(8))]
    finally:
        features.stop()
