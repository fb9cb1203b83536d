"""Products and recognition over REST."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services import tokens_issue
from catalog.models import Product, ProductImage
from orders.models import Order, OrderItem
from recognition.engine import shared
from recognition.engine.engine import Engine
from recognition.models import Embedding, IndexEvent
from tests.pictures import png_bomb
from tests.recognition.pictures import photo_bytes

BARCODE = "4006381333931"


class Caller(Client):
    """A client that sends somebody's token."""

    def __init__(self, user: User) -> None:
        super().__init__(headers={"authorization": f"Bearer {tokens_issue(user).access}"})

    def patch_json(self, address: str, body: dict[str, Any]) -> Any:
        return self.patch(address, body, content_type="application/json")


@pytest.fixture
def admin(engine: Engine, keeper: User) -> Caller:
    return Caller(keeper)


@pytest.fixture
def clerk(db: None, shop_folder: Path, keeper: User) -> Caller:
    """Return an admin whose calls are refused before an engine is asked."""
    return Caller(keeper)


@pytest.fixture
def visitor(engine: Engine, shopper: User) -> Caller:
    return Caller(shopper)


def photo(number: int, name: str = "") -> SimpleUploadedFile:
    return SimpleUploadedFile(name or f"{number}.png", photo_bytes(number), "text/plain")


def register(caller: Caller, *numbers: int, **fields: Any) -> Any:
    body = {"name": "Oat milk", **fields, "images": [photo(number) for number in numbers]}
    return caller.post("/api/products", body)


def stored(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "media").rglob("*") if path.is_file())


def assert_nothing_stored(folder: Path) -> None:
    assert not Product.objects.exists()
    assert not ProductImage.objects.exists()
    assert not Embedding.objects.exists()
    assert not IndexEvent.objects.exists()
    assert stored(folder) == []


def test_a_registered_product_is_recognized_by_the_next_call(
    admin: Caller, visitor: Caller, shop_folder: Path, keeper: User
) -> None:
    answer = register(admin, 1, 2, description="1 l", price="2.50", barcode=BARCODE)
    product = Product.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "status": "added",
        "product_id": str(product.pk),
        "product_name": "Oat milk",
        "images_count": 2,
        "total_products": 1,
        "total_embeddings": 2,
        "index_seq": 2,
        "warnings": answer.json()["warnings"],
    }
    said = [(each["code"], each["image_id"]) for each in answer.json()["warnings"]]
    small = [("too_small", str(image.pk)) for image in product.images.order_by("created_at", "id")]
    assert said == [("few_photos", None), *small]
    assert product.created_by == keeper
    assert stored(shop_folder) == sorted(f"{image.pk}.jpg" for image in ProductImage.objects.all())
    seen = visitor.post("/api/recognize", {"image": photo(1)})
    assert (seen.status_code, seen.json()["state"]) == (200, "accepted")
    assert seen.json()["matches"][0]["product_id"] == str(product.pk)
    assert seen.json()["matches"][0]["name"] == "Oat milk"
    assert 1.0 >= seen.json()["score"] == seen.json()["matches"][0]["score"] > 0.9
    assert seen.json()["confidence"] >= 0
    assert seen.json()["sureness"] >= seen.json()["sureness_needed"] > 0.5
    assert seen.json()["looked_closely"] is True
    assert {"agreeing", "inliers"} <= set(seen.json()["matches"][0])


def test_an_unregistered_picture_is_unknown_and_an_empty_shop_knows_nothing(visitor: Caller) -> None:
    answer = visitor.post("/api/recognize", {"image": photo(9)})
    assert answer.json() == {
        "state": "unknown",
        "score": 0.0,
        "margin": 0.0,
        "confidence": -20.0,
        "sureness": 0.0,
        "sureness_needed": 0.6417,
        "looked_closely": False,
        "matches": [],
    }


def test_while_the_encoder_is_missing_recognizing_says_so(visitor: Caller) -> None:
    shared.engine().close()
    answer = visitor.post("/api/recognize", {"image": photo(1)})
    assert (answer.status_code, answer.json()["code"]) == (503, "engine_not_ready")
    assert answer.json()["reasons"] == ["Recognition is shutting down."]


@pytest.mark.parametrize(
    ("name", "content", "refusal"),
    [
        ("holiday.png", b"GIF89a", (400, "bad_image")),
        ("empty.jpg", b"", (400, "bad_image")),
        ("bomb.png", png_bomb(), (413, "image_too_large")),
        ("half.png", photo_bytes(3)[:200], (400, "bad_image")),
    ],
)
def test_one_bad_photo_refuses_all_by_name(
    clerk: Caller, shop_folder: Path, name: str, content: bytes, refusal: tuple[int, str]
) -> None:
    images = [photo(1), photo(2), SimpleUploadedFile(name, content, "image/png")]
    answer = clerk.post("/api/products", {"name": "Oat milk", "images": images})
    assert (answer.status_code, answer.json()["code"]) == refusal
    assert answer.json()["filename"] == name
    assert answer.json()["detail"].startswith(f"{name}: ")
    assert answer["Content-Type"] == "application/problem+json"
    assert_nothing_stored(shop_folder)


def test_a_photo_sent_twice_refuses_all_by_name(clerk: Caller, shop_folder: Path) -> None:
    answer = clerk.post("/api/products", {"name": "Oat milk", "images": [photo(1), photo(1, "copy.png")]})
    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate_photo")
    assert answer.json()["items"] == [{"filename": "copy.png", "same_as": "1.png"}]
    assert_nothing_stored(shop_folder)


def test_a_photo_over_the_byte_limit_is_not_even_read(
    clerk: Caller, settings: Settings, shop_folder: Path
) -> None:
    settings.IMAGE_MAX_BYTES = 100
    answer = register(clerk, 1)
    assert (answer.status_code, answer.json()["code"]) == (413, "image_too_large")
    assert (answer.json()["filename"], answer.json()["limit"]) == ("1.png", 100)
    assert_nothing_stored(shop_folder)


def test_twenty_photos_are_taken_and_none_or_twenty_one_refused(admin: Caller, shop_folder: Path) -> None:
    assert register(admin).json()["errors"] == {"images": ["This field is required."]}
    many = register(admin, *range(21))
    assert (many.status_code, many.json()["code"], many.json()["limit"]) == (400, "photo_count", 20)
    assert_nothing_stored(shop_folder)
    assert register(admin, *range(20)).json()["total_embeddings"] == 20


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "\u202e\u2066"}, "name"),
        ({"name": "\u200b\u200b"}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"description": "a\0b"}, "description"),
        ({"description": "x" * 10_001}, "description"),
        ({"price": "-0.01"}, "price"),
        ({"price": "0.001"}, "price"),
        ({"price": "NaN"}, "price"),
        ({"price": "Infinity"}, "price"),
        ({"price": "1e400"}, "price"),
        ({"price": "9" * 500}, "price"),
        ({"price": "9" * 5000}, "price"),
        ({"price": "10000000000"}, "price"),
        ({"barcode": "4006381333932"}, "barcode"),
        ({"barcode": "９"}, "barcode"),
        ({"barcode": "x" * 15}, "barcode"),
    ],
)
def test_a_bad_value_is_named_by_its_field_and_nothing_stored(
    clerk: Caller, shop_folder: Path, fields: dict[str, str], field: str
) -> None:
    answer = register(clerk, 1, **fields)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert list(answer.json()["errors"]) == [field]
    assert_nothing_stored(shop_folder)


def test_a_taken_barcode_is_refused(admin: Caller) -> None:
    register(admin, 1, barcode=BARCODE)
    answer = register(admin, 2, barcode=BARCODE)
    assert answer.status_code == 400
    assert "barcode" in answer.json()["detail"]
    assert Product.objects.count() == 1


def test_a_name_is_tidied_up(admin: Caller) -> None:
    assert register(admin, 1, name="  Oat \t milk\r\n").json()["product_name"] == "Oat milk"


def test_shoppers_find_what_is_on_sale(admin: Caller, visitor: Caller) -> None:
    register(admin, 1, name="Oat milk", barcode="036000291452", price="2.50")
    register(admin, 2, name="Rice milk")
    register(admin, 3, name="Old milk")
    gone = Product.objects.get(name="Old milk")
    admin.patch_json(f"/api/products/{gone.pk}", {"is_active": False})

    def names(caller: Caller, **asked: str) -> list[str]:
        return [product["name"] for product in caller.get("/api/products", asked).json()["results"]]

    assert names(visitor) == ["Oat milk", "Rice milk"]
    assert names(visitor, q="MILK oat") == ["Oat milk"]
    assert names(visitor, q="0036000291452") == ["Oat milk"]
    assert names(visitor, barcode="00036000291452") == ["Oat milk"]
    assert names(visitor, barcode="40170725") == []
    assert names(visitor, active="false") == ["Oat milk", "Rice milk"]
    assert names(admin) == ["Oat milk", "Old milk", "Rice milk"]
    assert names(admin, active="false") == ["Old milk"]
    assert names(admin, page_size="1", page="2") == ["Old milk"]
    first = visitor.get("/api/products").json()["results"][0]
    assert (first["price"], first["barcode"], len(first["images"])) == ("2.50", "036000291452", 1)
    assert visitor.get(first["images"][0]["url"]).headers["Content-Type"] == "image/jpeg"


def test_a_list_costs_the_same_queries_however_long_it_is(
    visitor: Caller, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for count in (2, 48):
        for number in range(count):
            product = Product.objects.create(name=f"{count}-{number}")
            ProductImage.objects.create(product=product, image="a.jpg", sha256="a" * 64)
        with django_assert_num_queries(4):  # user, count, products, photos
            assert visitor.get("/api/products?page_size=100").status_code == 200


def test_changing_a_product(admin: Caller, visitor: Caller) -> None:
    address = f"/api/products/{register(admin, 1, price='2.50', barcode=BARCODE).json()['product_id']}"
    changed = admin.patch_json(address, {"name": "Oat drink", "price": None, "barcode": ""})
    assert changed.status_code == 200
    assert (changed.json()["name"], changed.json()["price"], changed.json()["barcode"]) == (
        "Oat drink",
        None,
        None,
    )
    assert admin.get(address).json() == changed.json()
    assert visitor.post("/api/recognize", {"image": photo(1)}).json()["matches"][0]["name"] == "Oat drink"
    admin.patch_json(address, {"is_active": False})
    assert visitor.post("/api/recognize", {"image": photo(1)}).json()["matches"] == []
    admin.patch_json(address, {"is_active": True})
    assert visitor.post("/api/recognize", {"image": photo(1)}).json()["state"] == "accepted"


def test_photos_come_and_go(admin: Caller, visitor: Caller, shop_folder: Path) -> None:
    product_id = register(admin, 1).json()["product_id"]
    added = admin.post(f"/api/products/{product_id}/images", {"images": [photo(2), photo(3)]})
    assert (added.status_code, added.json()["images_count"], added.json()["index_seq"]) == (201, 2, 3)
    images = admin.get(f"/api/products/{product_id}").json()["images"]
    assert [image["embedding_id"] for image in images] == [0, 1, 2]
    deleted = admin.delete(f"/api/products/{product_id}/images/{images[0]['image_id']}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert len(stored(shop_folder)) == 2
    assert visitor.get(images[0]["url"]).status_code == 404
    assert visitor.post("/api/recognize", {"image": photo(1)}).json()["state"] == "unknown"


def test_a_photo_is_deleted_only_under_its_own_product(admin: Caller) -> None:
    register(admin, 1)
    image = ProductImage.objects.get()
    other = register(admin, 2, name="Rice milk").json()["product_id"]
    answer = admin.delete(f"/api/products/{other}/images/{image.pk}")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_photo")
    assert ProductImage.objects.filter(pk=image.pk).exists()


def test_a_product_is_deleted_unless_it_was_sold(admin: Caller, shopper: User, shop_folder: Path) -> None:
    first, second = (register(admin, number, name=str(number)).json()["product_id"] for number in (1, 2))
    session = shopper.sessions.create()
    order = Order.objects.create(number="1", user=shopper, session=session, total_items=1, currency="EUR")
    OrderItem.objects.create(order=order, product_id=first, product_name="1", quantity=1)
    refused = admin.delete(f"/api/products/{first}")
    assert (refused.status_code, refused.json()["code"]) == (409, "product_sold")
    assert admin.delete(f"/api/products/{second}").status_code == 204
    assert [str(pk) for pk in Product.objects.values_list("pk", flat=True)] == [first]
    assert len(stored(shop_folder)) == 1


def test_shoppers_change_nothing(admin: Caller, visitor: Caller, shop_folder: Path) -> None:
    product_id = register(admin, 1).json()["product_id"]
    image = ProductImage.objects.get()
    answers = [
        register(visitor, 2),
        visitor.get(f"/api/products/{product_id}"),
        visitor.patch_json(f"/api/products/{product_id}", {"name": "x"}),
        visitor.delete(f"/api/products/{product_id}"),
        visitor.post(f"/api/products/{product_id}/images", {"images": [photo(2)]}),
        visitor.delete(f"/api/products/{product_id}/images/{image.pk}"),
    ]
    assert [answer.status_code for answer in answers] == [403] * 6
    assert {answer.json()["code"] for answer in answers} == {"permission_denied"}
    assert Product.objects.get().name == "Oat milk"
    assert len(stored(shop_folder)) == 1


def test_visitors_without_a_token_see_nothing(client: Client, engine: Engine) -> None:
    assert client.get("/api/products").status_code == 401
    assert client.post("/api/recognize", {"image": photo(1)}).status_code == 401


def test_what_does_not_exist_is_a_problem(clerk: Caller) -> None:
    missing = f"/api/products/{uuid4()}"
    answers = [
        clerk.get(missing),
        clerk.patch_json(missing, {"name": "x"}),
        clerk.delete(missing),
        clerk.post(f"{missing}/images", {"images": [photo(2)]}),
        clerk.delete(f"{missing}/images/{uuid4()}"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 5
    assert {answer["Content-Type"] for answer in answers} == {"application/problem+json"}


@pytest.mark.usefixtures("one_rate_window")
@pytest.mark.parametrize("scope", ["upload", "recognize"])
def test_uploading_and_recognizing_are_limited(
    admin: Caller, settings: Settings, scope: str, shop_folder: Path
) -> None:
    rates = {**settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], scope: "2/day"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}

    def call() -> Any:
        if scope == "recognize":
            return admin.post("/api/recognize", {"image": photo(1)})
        return admin.post("/api/products", {"name": ""})

    assert [call().status_code for _ in range(2)] == ([200, 200] if scope == "recognize" else [400, 400])
    refused = call()
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert 1 <= int(refused["Retry-After"]) <= 86_401
    assert admin.get("/api/products").status_code == 200
