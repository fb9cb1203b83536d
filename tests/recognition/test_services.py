"""Registering, withdrawing and renaming, and what the very next recognition makes of it."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accounts.models import User
from catalog.images import PhotoRefused
from catalog.models import Product, ProductImage
from checkout.models import BillingItem, CheckoutSession
from ebrcs.storage import StorageFull
from recognition import services
from recognition.engine.engine import Engine
from recognition.errors import (
    DuplicatePhoto,
    EncoderMismatch,
    PhotoCountWrong,
    PhotoUnknown,
    ProductInvalid,
    ProductSold,
    ProductUnknown,
)
from recognition.index.writer_lock import IndexWriter
from recognition.models import Embedding, IndexEvent, IndexState
from recognition.photos import intake
from recognition.photos.files import photo_file_write, photo_path
from recognition.services import Upload
from tests.recognition.pictures import picture, upload
from tests.waiting import until


def files_in(folder: Path) -> list[Path]:
    media = folder / "media"
    return sorted(path for path in media.rglob("*") if path.is_file())


def best_name(engine: Engine, number: int) -> str:
    decision = engine.recognize([picture(number)]).decisions[0]
    if decision.state == "unknown":
        return "unknown"
    return Product.objects.get(pk=decision.candidates[0].product_id).name


def log() -> list[tuple[int, str, int]]:
    return list(IndexEvent.objects.order_by("seq").values_list("seq", "kind", "embedding_id"))


def assert_nothing_there(folder: Path) -> None:
    assert Product.objects.count() == 0
    assert ProductImage.objects.count() == 0
    assert Embedding.objects.count() == 0
    assert IndexEvent.objects.count() == 0
    assert not IndexState.objects.exclude(row_count=0, last_seq=0).exists()
    assert files_in(folder) == []


def test_registered_product_is_recognized_by_the_next_call(engine: Engine, shop_folder: Path) -> None:
    made = services.product_register(name="Milk", uploads=[upload(1), upload(2)])

    assert (made.total_products, made.total_embeddings, made.index_seq) == (1, 2, 2)
    assert [image.embedding_id for image in made.images] == [0, 1]
    assert sorted(made.timing_ms) == ["commit", "decode", "embed", "examine"]
    assert best_name(engine, 2) == "Milk"
    assert best_name(engine, 3) == "unknown"
    assert log() == [(1, "add", 0), (2, "add", 1)]
    assert files_in(shop_folder) == sorted(photo_path(str(image.image.name)) for image in made.images)
    state = IndexState.objects.get()
    assert (state.encoder, state.encoder_fingerprint, state.epoch) == ("thumbnail", "f" * 64, 1)


def test_vector_in_the_database_is_that_of_the_stored_file(engine: Engine) -> None:
    made = services.product_register(name="Milk", uploads=[upload(1)])
    from catalog.images import photo_pixels

    stored = photo_pixels(photo_path(str(made.images[0].image.name)).read_bytes())
    expected = engine.embed([np.asarray(stored)]).vectors[0]
    row = Embedding.objects.get(pk=0)
    assert bytes(row.vector) == expected.astype("<f4").tobytes()
    assert row.label == "Milk"


def test_photos_added_later_are_recognized_too(engine: Engine) -> None:
    first = services.product_register(name="Milk", uploads=[upload(1)])
    more = services.product_images_add(product_id=first.product.pk, uploads=[upload(2)])
    assert more.index_seq == 2
    assert best_name(engine, 2) == "Milk"


def test_photos_added_to_a_product_not_on_sale_wait_withdrawn(engine: Engine) -> None:
    first = services.product_register(name="Milk", uploads=[upload(1)])
    services.product_set_active(product_id=first.product.pk, is_active=False)
    services.product_images_add(product_id=first.product.pk, uploads=[upload(2)])
    assert best_name(engine, 2) == "unknown"
    services.product_set_active(product_id=first.product.pk, is_active=True)
    assert best_name(engine, 1) == "Milk"
    assert best_name(engine, 2) == "Milk"


def test_product_taken_off_sale_matches_nothing_until_it_is_back(engine: Engine) -> None:
    milk = services.product_register(name="Milk", uploads=[upload(1)]).product
    services.product_register(name="Tea", uploads=[upload(2)])

    assert services.product_set_active(product_id=milk.pk, is_active=False) == 3
    assert best_name(engine, 1) == "unknown"
    assert best_name(engine, 2) == "Tea"
    assert services.product_set_active(product_id=milk.pk, is_active=False) == 3
    assert services.product_set_active(product_id=milk.pk, is_active=True) == 4
    assert best_name(engine, 1) == "Milk"
    assert [kind for _, kind, _ in log()] == ["add", "add", "withdraw", "restore"]


def test_deleted_photo_matches_nothing_and_its_row_keeps_its_number(
    engine: Engine, shop_folder: Path
) -> None:
    made = services.product_register(name="Milk", uploads=[upload(1), upload(2)])
    assert services.product_image_delete(image_id=made.images[0].pk) == 3
    assert best_name(engine, 1) == "unknown"
    assert best_name(engine, 2) == "Milk"
    assert list(Embedding.objects.values_list("id", "product_image_id")) == [
        (0, None),
        (1, made.images[1].pk),
    ]
    assert files_in(shop_folder) == [photo_path(str(made.images[1].image.name))]
    with pytest.raises(PhotoUnknown):
        services.product_image_delete(image_id=made.images[0].pk)
    assert services.product_register(name="Tea", uploads=[upload(3)]).images[0].embedding_id == 2


def test_renamed_product_keeps_its_rows_and_shows_its_new_name(engine: Engine) -> None:
    made = services.product_register(name="Milk", uploads=[upload(1)])
    services.product_update(product_id=made.product.pk, name="Oat milk", price="2.50")
    assert best_name(engine, 1) == "Oat milk"
    assert Product.objects.get().price == pytest.approx(2.5)
    assert Embedding.objects.get().label == "Oat milk"
    assert log() == [(1, "add", 0)]


def test_update_can_take_off_sale(engine: Engine) -> None:
    made = services.product_register(name="Milk", uploads=[upload(1)])
    changed = services.product_update(product_id=made.product.pk, is_active=False, description="Gone")
    assert (changed.is_active, changed.description) == (False, "Gone")
    assert best_name(engine, 1) == "unknown"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "  "}, "name"),
        ({"price": "-1"}, "price"),
        ({"barcode": "123"}, "barcode"),
        ({"id": 1}, "id"),
    ],
)
def test_invalid_change_names_the_field_and_changes_nothing(
    engine: Engine, changes: dict[str, Any], field: str
) -> None:
    made = services.product_register(name="Milk", uploads=[upload(1)])
    with pytest.raises(ProductInvalid) as refusal:
        services.product_update(product_id=made.product.pk, **changes)
    assert list(refusal.value.data["errors"]) == [field]
    unchanged = Product.objects.get()
    assert (unchanged.name, unchanged.price, unchanged.barcode) == ("Milk", None, None)


def test_deleted_product_is_gone_and_its_rows_stay_withdrawn(engine: Engine, shop_folder: Path) -> None:
    made = services.product_register(name="Milk", uploads=[upload(1), upload(2)])
    assert services.product_delete(product_id=made.product.pk) == 4
    assert best_name(engine, 1) == "unknown"
    assert Product.objects.count() == 0
    rows = [(row.id, row.product_image_id is None) for row in Embedding.objects.all()]
    assert rows == [(0, True), (1, True)]
    assert files_in(shop_folder) == []
    with pytest.raises(ProductUnknown):
        services.product_delete(product_id=made.product.pk)


def test_product_in_a_cart_cannot_be_deleted(engine: Engine, shopper: User, shop_folder: Path) -> None:
    made = services.product_register(name="Milk", uploads=[upload(1)])
    session = CheckoutSession.objects.create(user=shopper)
    BillingItem.objects.create(session=session, product=made.product, quantity=1, source="manual")
    with pytest.raises(ProductSold) as refusal:
        services.product_delete(product_id=made.product.pk)
    assert (refusal.value.code, refusal.value.status) == ("product_sold", 409)
    assert log() == [(1, "add", 0)]
    assert best_name(engine, 1) == "Milk"
    assert len(files_in(shop_folder)) == 1


def test_photo_sent_twice_is_named_and_nothing_is_stored(engine: Engine, shop_folder: Path) -> None:
    twice = [upload(1), Upload(filename="again.png", data=upload(1).data)]
    with pytest.raises(DuplicatePhoto) as refusal:
        services.product_register(name="Milk", uploads=twice)
    assert refusal.value.data["items"] == [{"filename": "again.png", "same_as": "1.png"}]
    assert_nothing_there(shop_folder)


def test_photo_of_another_product_is_named_and_nothing_is_stored(engine: Engine, shop_folder: Path) -> None:
    milk = services.product_register(name="Milk", uploads=[upload(1)])
    before = files_in(shop_folder)
    with pytest.raises(DuplicatePhoto) as refusal:
        services.product_register(name="Tea", uploads=[upload(2), upload(1)])
    assert refusal.value.data["items"] == [
        {
            "filename": "1.png",
            "image_id": str(milk.images[0].pk),
            "product_id": str(milk.product.pk),
            "product_name": "Milk",
        }
    ]
    assert Product.objects.count() == 1
    assert files_in(shop_folder) == before


def test_photo_registered_by_another_at_the_same_moment_is_refused_under_the_lock(
    engine: Engine, shop_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed = engine.embed

    def embed_while_another_registers(images: Any) -> Any:
        monkeypatch.setattr(engine, "embed", embed)
        services.product_register(name="Quicker", uploads=[upload(1)])
        return embed(images)

    monkeypatch.setattr(engine, "embed", embed_while_another_registers)
    with pytest.raises(DuplicatePhoto):
        services.product_register(name="Slower", uploads=[upload(1)])
    assert list(Product.objects.values_list("name", flat=True)) == ["Quicker"]
    assert len(files_in(shop_folder)) == 1


@pytest.mark.parametrize("count", [0, 21])
def test_wrong_number_of_photos_is_refused(engine: Engine, shop_folder: Path, count: int) -> None:
    with pytest.raises(PhotoCountWrong) as refusal:
        services.product_register(name="Milk", uploads=[upload(n) for n in range(count)])
    assert refusal.value.data == {"limit": 20}
    assert_nothing_there(shop_folder)


def test_one_bad_photo_refuses_them_all(engine: Engine, shop_folder: Path) -> None:
    with pytest.raises(PhotoRefused) as refusal:
        services.product_register(name="Milk", uploads=[upload(1), Upload("notes.png", b"not a picture")])
    assert "notes.png" in refusal.value.detail
    assert_nothing_there(shop_folder)


def test_barcode_taken_is_named(engine: Engine) -> None:
    services.product_register(name="Milk", uploads=[upload(1)], barcode="8801234567893")
    with pytest.raises(ProductInvalid) as refusal:
        services.product_register(name="Tea", uploads=[upload(2)], barcode="8801234567893")
    assert list(refusal.value.data["errors"]) == ["barcode"]
    assert Product.objects.count() == 1


@pytest.mark.parametrize("step", ["rows_add", "events_append"])
def test_registration_that_fails_half_way_leaves_nothing(
    engine: Engine, shop_folder: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        assert len(files_in(shop_folder)) == 2
        raise RuntimeError("power went")

    monkeypatch.setattr(IndexWriter, step, fail)
    with pytest.raises(RuntimeError, match="power went"):
        services.product_register(name="Milk", uploads=[upload(1), upload(2)])
    assert_nothing_there(shop_folder)


def test_registration_that_cannot_write_its_files_leaves_nothing(
    engine: Engine, shop_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def fail_on_the_second(*, name: str, content: bytes) -> None:
        if written:
            raise OSError(28, "No space left on device")
        photo_file_write(name=name, content=content)
        written.append(name)

    monkeypatch.setattr(intake, "photo_file_write", fail_on_the_second)
    with pytest.raises(StorageFull, match="No space"):
        services.product_register(name="Milk", uploads=[upload(1), upload(2)])
    assert len(written) == 1
    assert_nothing_there(shop_folder)


def test_another_encoder_is_refused_and_the_remedy_named(engine: Engine) -> None:
    services.product_register(name="Milk", uploads=[upload(1)])
    IndexState.objects.update(encoder="other", encoder_fingerprint="0" * 64)
    with pytest.raises(EncoderMismatch) as refusal:
        services.product_register(name="Tea", uploads=[upload(2)])
    assert (refusal.value.code, refusal.value.status) == ("encoder_mismatch", 409)
    assert "manage.py index rebuild --encoder thumbnail" in refusal.value.detail
    assert Product.objects.count() == 1


def test_unknown_product_is_refused(engine: Engine, shop_folder: Path) -> None:
    nobody = uuid.uuid4()
    with pytest.raises(ProductUnknown):
        services.product_images_add(product_id=nobody, uploads=[upload(1)])
    with pytest.raises(ProductUnknown):
        services.product_set_active(product_id=nobody, is_active=False)
    assert_nothing_there(shop_folder)


def test_redis_that_is_gone_fails_no_registration(
    engine: Engine, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    config = {"hosts": ["redis://127.0.0.1:1"]}
    layer = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": config}
    settings.CHANNEL_LAYERS = {"default": layer}
    services.product_register(name="Milk", uploads=[upload(1)])
    assert best_name(engine, 1) == "Milk"
    until(lambda: "could not tell other processes about index seq 1" in caplog.text)
