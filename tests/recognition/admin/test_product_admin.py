"""What the shop keeper does with products in Django admin."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.forms import ModelForm
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from catalog.models import Product, ProductImage
from recognition.admin.forms import ProductForm
from recognition.engine.engine import Engine
from recognition.models import Embedding, IndexEvent
from recognition.services import product_register
from tests.recognition.pictures import photo_bytes, picture, upload

pytestmark = pytest.mark.django_db(transaction=True)

NO_DELETIONS = {
    "images-TOTAL_FORMS": "0",
    "images-INITIAL_FORMS": "0",
    "images-MIN_NUM_FORMS": "0",
    "images-MAX_NUM_FORMS": "0",
}


@pytest.fixture
def keeper_client(keeper: User, client: Client) -> Client:
    client.force_login(keeper)
    return client


def photo_file(number: int) -> SimpleUploadedFile:
    return SimpleUploadedFile(f"{number}.png", photo_bytes(number), "image/png")


def recognized(engine: Engine, number: int) -> tuple[str, str | None]:
    decision = engine.recognize([picture(number)]).decisions[0]
    return decision.state, decision.candidates[0].product_id if decision.candidates else None


def test_a_product_added_with_many_photos_in_one_upload_is_recognized_at_once(
    engine: Engine, keeper_client: Client, keeper: User
) -> None:
    response = keeper_client.post(
        reverse("admin:catalog_product_add"),
        {
            "name": "Rye bread",
            "price": "3.20",
            "is_active": "on",
            "photos": [photo_file(n) for n in range(3)],
            **NO_DELETIONS,
        },
    )
    assert response.status_code == 302
    product = Product.objects.get()
    assert (product.name, str(product.price), product.barcode, product.created_by) == (
        "Rye bread",
        "3.20",
        None,
        keeper,
    )
    assert set(product.images.values_list("embedding_id", flat=True)) == {0, 1, 2}
    decision = engine.recognize([picture(1)]).decisions[0]
    assert decision.candidates[0].product_id == str(product.pk)
    assert decision.score == pytest.approx(1.0, abs=0.02)


def test_one_bad_photo_refuses_all_and_keeps_what_was_typed(engine: Engine, keeper_client: Client) -> None:
    bad = SimpleUploadedFile("notes.jpg", b"these are notes", "image/jpeg")
    response = keeper_client.post(
        reverse("admin:catalog_product_add"),
        {"name": "Rye bread", "is_active": "on", "photos": [photo_file(1), bad], **NO_DELETIONS},
    )
    page = response.content.decode()
    assert response.status_code == 200
    assert "notes.jpg" in page
    assert 'value="Rye bread"' in page
    assert (Product.objects.count(), ProductImage.objects.count(), Embedding.objects.count()) == (0, 0, 0)


def test_a_product_without_photos_is_not_added(engine: Engine, keeper_client: Client) -> None:
    response = keeper_client.post(
        reverse("admin:catalog_product_add"), {"name": "Air", "is_active": "on", **NO_DELETIONS}
    )
    assert "Add at least one photo" in response.content.decode()
    assert Product.objects.count() == 0


@pytest.mark.parametrize(
    ("barcode", "price", "words"),
    [
        ("4006381333932", "1", "is not a valid barcode"),
        ("", "-1", "greater than or equal to 0"),
        ("", "1e999", "no more than 12 digits"),
    ],
)
def test_a_wrong_field_is_named(
    engine: Engine, keeper_client: Client, barcode: str, price: str, words: str
) -> None:
    response = keeper_client.post(
        reverse("admin:catalog_product_add"),
        {"name": "X", "barcode": barcode, "price": price, "photos": [photo_file(1)], **NO_DELETIONS},
    )
    assert response.status_code == 200
    assert words in response.content.decode()
    assert Product.objects.count() == 0


def test_deleting_a_photo_and_renaming_act_at_once(engine: Engine, keeper_client: Client) -> None:
    product = product_register(name="Rye bread", uploads=[upload(1), upload(2)]).product
    first, second = product.images.order_by("embedding_id")
    response = keeper_client.post(
        reverse("admin:catalog_product_change", args=[product.pk]),
        {
            "name": "Dark rye bread",
            "is_active": "on",
            "images-TOTAL_FORMS": "2",
            "images-INITIAL_FORMS": "2",
            "images-MIN_NUM_FORMS": "0",
            "images-MAX_NUM_FORMS": "1000",
            "images-0-id": str(first.pk),
            "images-0-product": str(product.pk),
            "images-0-DELETE": "on",
            "images-1-id": str(second.pk),
            "images-1-product": str(product.pk),
        },
    )
    assert response.status_code == 302
    product.refresh_from_db()
    assert product.name == "Dark rye bread"
    assert list(product.images.values_list("pk", flat=True)) == [second.pk]
    assert list(IndexEvent.objects.values_list("kind", "embedding_id")) == [
        ("add", 0),
        ("add", 1),
        ("withdraw", 0),
    ]
    assert engine.recognize([picture(1)]).decisions[0].score < 0.9
    assert recognized(engine, 2)[1] == str(product.pk)


def fields_shown(client: Client, product: Product) -> dict[str, str]:
    """Return what a browser would send of the product's page if nobody typed anything."""
    form = client.get(reverse("admin:catalog_product_change", args=[product.pk])).context["adminform"].form
    fields: dict[str, str] = {}
    for name in ("name", "description", "price", "barcode", "is_active"):
        assert f'name="initial-{name}"' in str(form[name])
        initial = form[name].initial
        text = "" if initial is None else str(initial)
        fields |= {name: text, f"initial-{name}": text}
    return fields | NO_DELETIONS


def test_two_who_edit_one_product_keep_what_the_other_changed(engine: Engine, keeper_client: Client) -> None:
    product = product_register(name="Rye bread", uploads=[upload(1)], price=Decimal("3.20")).product
    address = reverse("admin:catalog_product_change", args=[product.pk])
    first, second = fields_shown(keeper_client, product), fields_shown(keeper_client, product)
    assert keeper_client.post(address, first | {"price": "5.00", "is_active": ""}).status_code == 302
    assert keeper_client.post(address, second | {"name": "Rye loaf"}).status_code == 302
    product.refresh_from_db()
    assert (product.name, product.price, product.is_active) == ("Rye loaf", Decimal("5.00"), False)


def test_without_what_was_shown_the_later_would_undo_the_earlier(
    engine: Engine, keeper_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = product_register(name="Rye bread", uploads=[upload(1)], price=Decimal("3.20")).product
    address = reverse("admin:catalog_product_change", args=[product.pk])
    first, second = fields_shown(keeper_client, product), fields_shown(keeper_client, product)
    monkeypatch.setattr(ProductForm, "__init__", ModelForm.__init__)
    keeper_client.post(address, first | {"price": "5.00"})
    keeper_client.post(address, second | {"name": "Rye loaf"})
    product.refresh_from_db()
    assert (product.name, product.price) == ("Rye loaf", Decimal("3.20"))


def test_a_name_typed_in_admin_is_tidied_and_has_to_show(engine: Engine, keeper_client: Client) -> None:
    product = product_register(name="Rye bread", uploads=[upload(1)]).product
    address = reverse("admin:catalog_product_change", args=[product.pk])
    shown = fields_shown(keeper_client, product)
    refused = keeper_client.post(address, shown | {"name": "\u200b"})
    assert "name: This field cannot be blank." in refused.content.decode()
    assert Product.objects.get().name == "Rye bread"
    assert keeper_client.post(address, shown | {"name": "\u202eRye\u200d  loaf"}).status_code == 302
    assert Product.objects.get().name == "Rye\u200d loaf"


def test_taking_off_sale_withdraws_and_putting_back_restores(engine: Engine, keeper_client: Client) -> None:
    product = product_register(name="Rye bread", uploads=[upload(1)]).product
    listing = reverse("admin:catalog_product_changelist")
    keeper_client.post(listing, {"action": "take_off_sale", "_selected_action": [str(product.pk)]})
    assert recognized(engine, 1) == ("unknown", None)
    keeper_client.post(listing, {"action": "put_on_sale", "_selected_action": [str(product.pk)]})
    assert recognized(engine, 1)[1] == str(product.pk)


def test_the_photo_list_tells_the_state_in_the_index(engine: Engine, keeper_client: Client) -> None:
    product = product_register(name="Rye bread", uploads=[upload(1)]).product
    page = keeper_client.get(reverse("admin:catalog_product_change", args=[product.pk])).content.decode()
    assert "row 0, active" in page
    assert product.images.get().image.url in page


def test_a_picture_can_be_tried_without_storing_anything(engine: Engine, keeper_client: Client) -> None:
    product_register(name="Rye bread", uploads=[upload(1)])
    page = keeper_client.post(reverse("admin:catalog_product_try"), {"pictures": [photo_file(1)]})
    assert "Rye bread" in page.content.decode()
    answer = page.context["answers"][0][0]
    assert np.isclose(float(answer.score), 1.0, atol=0.02)
    words = " ".join(page.content.decode().split())
    assert f"Confidence in the first product: {answer.sureness_percent}." in words
    assert f"Needed to add it without asking: {answer.needed_percent}." in words
    assert "Based on score, margin and artwork." in words
    assert ProductImage.objects.count() == 1
    refused = keeper_client.post(
        reverse("admin:catalog_product_try"), {"pictures": [SimpleUploadedFile("a.png", b"no")]}
    )
    assert refused.status_code == 200
    assert "a.png" in refused.content.decode()


def test_no_more_than_five_products_are_named_for_a_picture(engine: Engine, keeper_client: Client) -> None:
    for number in range(6):
        product_register(name=f"Product {number}", uploads=[upload(number)])
    page = keeper_client.post(reverse("admin:catalog_product_try"), {"pictures": [photo_file(1)]})
    assert len(page.context["answers"][0][0].matches) == 5
    answer = keeper_client.post("/api/recognize", {"image": photo_file(1)})
    assert len(answer.json()["matches"]) == 5


def test_the_index_page_tells_rows_and_health(engine: Engine, keeper_client: Client) -> None:
    product_register(name="Rye bread", uploads=[upload(1), upload(2)])
    page = keeper_client.get(reverse("admin:recognition_indexstate_changelist"))
    facts = dict(page.context["report"].facts)
    assert facts["Rows in the database"] == facts["Rows in this process"] == "2"
    assert facts["Encoder"] == "thumbnail"


@pytest.mark.parametrize("name", ["catalog_product_try", "recognition_indexstate_changelist"])
def test_shoppers_see_none_of_it(shopper: User, client: Client, name: str) -> None:
    client.force_login(shopper)
    response = client.get(reverse(f"admin:{name}"))
    assert response.status_code == 302
    assert reverse("admin:login") in response["Location"]


def test_the_product_list_asks_as_much_for_many_as_for_two(engine: Engine, keeper_client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert keeper_client.get(reverse("admin:catalog_product_changelist")).status_code == 200
        return len(captured)

    for number in range(2):
        product_register(name=f"Product {number}", uploads=[upload(number)])
    keeper_client.get(reverse("admin:catalog_product_changelist"))
    few = queries()
    Product.objects.bulk_create(Product(name=f"More {number}") for number in range(40))
    assert queries() == few
