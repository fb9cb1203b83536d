"""Looking products up."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from catalog.gtin import gtin_variants
from catalog.models import Product


def product_list(*, q: str = "", barcode: str = "", active: bool | None = None) -> QuerySet[Product]:
    """Return products with their photos, by name.

    `q` asks for all of its words in the name, or for a barcode; `barcode` for that product number however
    many zeros lead it; `active` for products on sale, or for those that are not.
    """
    products = Product.objects.prefetch_related("images")
    words = Q()
    for word in q.split():
        words &= Q(name__icontains=word)
    if q:
        products = products.filter(words | Q(barcode__in=gtin_variants(q.strip())))
    if barcode:
        products = products.filter(barcode__in=gtin_variants(barcode.strip()))
    if active is not None:
        products = products.filter(is_active=active)
    return products


def product_get(*, product_id: UUID) -> Product | None:
    """Return a product with its photos."""
    return Product.objects.prefetch_related("images").filter(pk=product_id).first()
