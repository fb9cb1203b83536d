"""Photos of products off sale: for staff, and for whoever has the product in a cart or on a receipt."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from django.test import Client
from pytest_django.asserts import assertNumQueries
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services import tokens_issue
from catalog.models import Product, ProductImage
from checkout.cart import services
from checkout.cart.items import item_add
from checkout.cart.scan_events import Cause
from checkout.models import Source
from tests.pictures import jpeg

pytestmark = pytest.mark.django_db


@pytest.fixture
def product(tmp_path: Path, settings: Settings) -> Product:
    """Return a product on sale with a photo."""
    settings.MEDIA_ROOT = tmp_path / "media"
    product = Product.objects.create(name="Oat milk")
    image = ProductImage(product=product, sha256="a" * 64)
    image.image = f"products/{product.pk}/{image.pk}.jpg"
    image.save()
    path = tmp_path / "media" / image.image.name
    path.parent.mkdir(parents=True)
    path.write_bytes(jpeg())
    return product


def address(product: Product) -> str:
    return str(product.images.get().image.url)


def withdraw(product: Product) -> None:
    Product.objects.filter(pk=product.pk).update(is_active=False)


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def put_into_cart(user: User, product: Product) -> UUID:
    session = services.session_start(user=user)
    item_add(session_id=session.pk, product_id=product.pk, cause=Cause(source=Source.MANUAL))
    return session.pk


def test_a_photo_off_sale_is_served_to_staff_only(
    product: Product, client: Client, shopper: User, keeper: User
) -> None:
    assert client.get(address(product)).status_code == 200, "control: on sale, anyone sees it"
    withdraw(product)
    assert client.get(address(product)).status_code == 404
    assert logged_in(shopper).get(address(product)).status_code == 404
    answer = logged_in(keeper).get(address(product))
    assert (answer.status_code, answer.content) == (200, jpeg())
    assert answer["Cache-Control"] == "private, no-cache"
    Product.objects.filter(pk=product.pk).update(is_active=True)
    assert client.get(address(product)).status_code == 200


def test_who_has_it_in_a_cart_or_on_a_receipt_goes_on_seeing_it(
    product: Product, shopper: User, stranger: User
) -> None:
    session_id = put_into_cart(shopper, product)
    withdraw(product)
    assert logged_in(shopper).get(address(product)).status_code == 200
    assert logged_in(stranger).get(address(product)).status_code == 404
    Product.objects.filter(pk=product.pk).update(is_active=True)
    order = services.session_confirm(session_id=session_id).order
    order.session.billing_items.all().delete()
    withdraw(product)
    assert logged_in(shopper).get(address(product)).status_code == 200
    receipt = logged_in(shopper).get(f"/orders/{order.pk}/").content.decode()
    assert address(product) in receipt
    assert logged_in(stranger).get(address(product)).status_code == 404


def test_a_program_shows_its_token(product: Product, client: Client, shopper: User, keeper: User) -> None:
    withdraw(product)
    for user, status in ((keeper, 200), (shopper, 404)):
        token = {"authorization": f"Bearer {tokens_issue(user).access}"}
        assert client.get(address(product), headers=token).status_code == status
    assert client.get(address(product), headers={"authorization": "Bearer x"}).status_code == 404


def test_a_photo_on_sale_takes_one_query(product: Product, client: Client) -> None:
    url = address(product)
    with assertNumQueries(1):
        client.get(url)
