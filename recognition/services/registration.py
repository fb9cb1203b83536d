"""Registering products and photos: the database, which is the truth, changes here first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from accounts.models import User
from catalog.models import Product, ProductImage
from catalog.text import text_clean
from ebrcs.storage import storage_failures_named
from recognition.index.hints import index_changed
from recognition.index.writer_lock import IndexWriter, writer_lock
from recognition.models import IndexEvent, PhotoCheck
from recognition.photos.intake import PreparedPhotos, Upload, duplicates_refuse, photos_prepared
from recognition.services.checks import product_check, product_require, unique_values_check


@dataclass(frozen=True)
class Registration:
    """What a registration made.

    Attributes
    ----------
    index_seq : replicas that have applied this recognize the photos
    total_embeddings : rows of the index so far, withdrawn ones included
    timing_ms : milliseconds of ``decode``, ``examine``, ``embed`` and ``commit`` (files and transaction)
    """

    product: Product
    images: list[ProductImage]
    total_products: int
    total_embeddings: int
    index_seq: int
    timing_ms: dict[str, float] = field(default_factory=dict)


@storage_failures_named()
def product_register(
    *,
    name: str,
    uploads: Sequence[Upload],
    description: str = "",
    price: Decimal | None = None,
    barcode: str | None = None,
    created_by: User | None = None,
) -> Registration:
    """Add a product with its photos, so that every checkout recognizes it: all of it or nothing.

    Photos are checked, embedded and written to the disk outside any transaction; one short transaction under
    the writer lock then makes product, photos, rows and log entries visible together. A crash leaves at most
    files that no row names, a full disk nothing at all.
    """
    product = Product(
        name=text_clean(name),
        description=description,
        price=price,
        barcode=barcode or None,
        created_by=created_by,
    )
    product_check(product)
    with (
        photos_prepared(product=product, uploads=uploads) as prepared,
        unique_values_check(),
        transaction.atomic(),
    ):
        with writer_lock() as writer:
            _photos_claim(writer, prepared)
            product.save(force_insert=True)
            _rows_add(writer, product=product, prepared=prepared)
        index_changed(seq=writer.state.last_seq)
    return _registration(product, prepared, writer)


@storage_failures_named()
def product_images_add(*, product_id: UUID, uploads: Sequence[Upload]) -> Registration:
    """Add photos to a product: all of them or none; photos of a product not on sale wait withdrawn."""
    product = product_require(product_id)
    with photos_prepared(product=product, uploads=uploads) as prepared, transaction.atomic():
        with writer_lock() as writer:
            product = product_require(product_id, for_update=True)
            _photos_claim(writer, prepared)
            _rows_add(writer, product=product, prepared=prepared)
        index_changed(seq=writer.state.last_seq)
    return _registration(product, prepared, writer)


def _photos_claim(writer: IndexWriter, prepared: PreparedPhotos) -> None:
    """Check again under the lock what another registration may have changed meanwhile."""
    duplicates_refuse(prepared.photos)
    writer.encoder_claim(encoder=prepared.embedded.encoder, fingerprint=prepared.embedded.fingerprint)


def _rows_add(writer: IndexWriter, *, product: Product, prepared: PreparedPhotos) -> None:
    rows = writer.rows_add(images=prepared.images, vectors=prepared.embedded.vectors, label=product.name)
    PhotoCheck.objects.bulk_create(prepared.checks)
    if not product.is_active:
        writer.events_append(IndexEvent.Kind.WITHDRAW, rows)


def _registration(product: Product, prepared: PreparedPhotos, writer: IndexWriter) -> Registration:
    return Registration(
        product=product,
        images=prepared.images,
        total_products=Product.objects.count(),
        total_embeddings=writer.state.row_count,
        index_seq=writer.state.last_seq,
        timing_ms=prepared.timing_ms,
    )
