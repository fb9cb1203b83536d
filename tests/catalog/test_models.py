"""The constraints of the catalog, checked in the database itself."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from catalog.models import Product, ProductImage

pytestmark = pytest.mark.django_db


def assert_refused(constraint: str, sql: str, *parameters: str) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)


@pytest.fixture
def product() -> Product:
    return Product.objects.create(name="Oat milk", price=Decimal("2.50"), barcode="4006381333931")


@pytest.mark.parametrize(
    ("column", "value", "constraint"),
    [
        ("name", "   ", "catalog_product_name_not_blank"),
        ("price", "-0.01", "catalog_product_price_not_negative"),
        ("barcode", "400638133393A", "catalog_product_barcode_digits"),
        ("barcode", "", "catalog_product_barcode_digits"),
        ("barcode", "40063813", "catalog_product_barcode_sum_right"),
        ("barcode", "4006381333932", "catalog_product_barcode_sum_right"),
        ("barcode", "123456789", "catalog_product_barcode_length"),
    ],
)
def test_the_database_refuses_a_product_that_breaks_a_rule(
    product: Product, column: str, value: str, constraint: str
) -> None:
    assert_refused(constraint, f"UPDATE products SET {column} = %s", value)
    product.refresh_from_db()
    assert (product.name, product.price, product.barcode) == ("Oat milk", Decimal("2.50"), "4006381333931")


@pytest.mark.parametrize("barcode", ["40170725", "036000291452", "4006381333931", "10614141000415"])
def test_every_length_of_gtin_is_stored(barcode: str) -> None:
    Product.objects.create(name="Anything", barcode=barcode).full_clean()
    assert Product.objects.get().barcode == barcode


def test_a_barcode_belongs_to_one_product_and_many_products_have_none(product: Product) -> None:
    Product.objects.create(name="Loose apples")
    Product.objects.create(name="Loose pears")
    with pytest.raises(IntegrityError), transaction.atomic():
        Product.objects.create(name="Copy", barcode=product.barcode)
    assert Product.objects.count() == 3


@pytest.mark.parametrize("barcode", ["36000291452".zfill(length) for length in (12, 13, 14)])
def test_a_barcode_with_other_zeros_in_front_is_the_same_number(product: Product, barcode: str) -> None:
    first = Product.objects.create(name="Chips", barcode="0036000291452")
    first.full_clean()
    with pytest.raises(ValidationError) as refusal:
        Product(name="Copy", barcode=barcode).full_clean()
    assert refusal.value.message_dict == {"barcode": ["A product with this barcode already exists."]}
    with pytest.raises(IntegrityError, match="barcode"), transaction.atomic():
        Product.objects.create(name="Copy", barcode=barcode)
    assert Product.objects.count() == 2


def test_a_photo_stands_once_in_a_product_and_a_row_belongs_to_one_photo(product: Product) -> None:
    ProductImage.objects.create(product=product, image="a.jpg", sha256="a" * 64, embedding_id=0)
    with pytest.raises(IntegrityError), transaction.atomic():
        ProductImage.objects.create(product=product, image="b.jpg", sha256="a" * 64)
    with pytest.raises(IntegrityError), transaction.atomic():
        ProductImage.objects.create(product=product, image="b.jpg", sha256="b" * 64, embedding_id=0)
    assert_refused("catalog_productimage_sha256_length", "UPDATE product_images SET sha256 = %s", "abc")
    assert ProductImage.objects.get().sha256 == "a" * 64
