"""Finds products and their photos."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.core.files.storage import default_storage
from django.db.models import OuterRef, Q, QuerySet, Subquery

from catalog.models import Product, ProductImage
from catalog.scanned_codes import barcode_spellings


def product_list(*, q: str = "", barcode: str = "", active: bool | None = None) -> QuerySet[Product]:
    """Return products with their photos, by name.

    `q` matches names that contain all of its words, or a barcode; `barcode` matches that product number, as
    scanners and people write it; `active` keeps the products that are on sale, or those that are not.
    """
    products = Product.objects.prefetch_related("images")
    words = Q()
    for word in q.split():
        words &= Q(name__icontains=word)
    if q:
        products = products.filter(words | Q(barcode__in=barcode_spellings(q)))
    if barcode:
        products = products.filter(barcode__in=barcode_spellings(barcode))
    if active is not None:
        products = products.filter(is_active=active)
    return products


def first_photo_name(product_reference: str) -> Subquery:
    """Return the expression for the stored name of a product's first photo."""
    photos = ProductImage.objects.filter(product=OuterRef(product_reference)).order_by("created_at", "id")
    return Subquery(photos.values("image")[:1])


def photo_address(name: str | None) -> str | None:
    """Return the address of a stored photo."""
    return default_storage.url(name) if name else None


def pictures_by_product(product_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the address of each product's first photo, in one query."""
    products = Product.objects.filter(pk__in=set(product_ids)).order_by()
    names = products.values_list("pk", first_photo_name("pk"))
    return {product_id: default_storage.url(name) for product_id, name in names if name}
