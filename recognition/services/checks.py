"""What the services check of a product: that it exists, and that its fields hold what they may."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError

from catalog.models import Product
from recognition.errors import ProductInvalid, ProductUnknown


def product_require(product_id: UUID, *, for_update: bool = False) -> Product:
    """Return a product, locked until the transaction ends where it is to be changed; refuse an unknown id."""
    products = Product.objects.select_for_update() if for_update else Product.objects.all()
    product = products.filter(pk=product_id).first()
    if product is None:
        raise ProductUnknown(f"There is no product {product_id}.", product_id=str(product_id))
    return product


def product_check(product: Product) -> None:
    """Refuse a product with a field that is not valid, naming each such field."""
    try:
        product.full_clean(exclude=["created_by"])
    except ValidationError as error:
        raise _product_invalid(error.message_dict) from error


@contextmanager
def unique_values_check() -> Iterator[None]:
    """Name the field when another registration takes its unique value between check and commit."""
    try:
        yield
    except IntegrityError as error:
        if "barcode" not in str(error):
            raise
        raise _product_invalid({"barcode": ["A product with this barcode already exists."]}) from error


def _product_invalid(fields: dict[str, list[str]]) -> ProductInvalid:
    detail = "; ".join(f"{name}: {' '.join(messages)}" for name, messages in fields.items())
    return ProductInvalid(detail, errors=fields)
