"""Registering, changing and withdrawing products and photos: the truth changes here first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from accounts.models import User
from catalog.models import Product, ProductImage
from catalog.text import text_clean
from recognition.errors import PhotoUnknown, ProductInvalid, ProductSold, ProductUnknown
from recognition.index.hints import index_changed
from recognition.index.writer_lock import IndexWriter, writer_lock
from recognition.models import Embedding, IndexEvent, PhotoCheck
from recognition.photos.files import photo_files_remove
from recognition.photos.intake import PreparedPhotos, Upload, duplicates_refuse, photos_prepared

__all__ = [
    "Registration",
    "Upload",
    "product_delete",
    "product_image_delete",
    "product_images_add",
    "product_register",
    "product_set_active",
    "product_update",
]

CHANGEABLE_FIELDS = frozenset({"name", "description", "price", "barcode"})


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


def product_register(
    *,
    name: str,
    uploads: Sequence[Upload],
    description: str = "",
    price: Decimal | None = None,
    barcode: str | None = None,
    created_by: User | None = None,
) -> Registration:
    """Add a product with its photos so that every till recognises it: all of it or nothing.

    Photos are checked, embedded and written to the disk outside any transaction; one short transaction under
    the writer lock then makes product, photos, rows and log entries visible together. A crash leaves at most
    files that no row names.
    """
    product = Product(
        name=text_clean(name),
        description=description,
        price=price,
        barcode=barcode or None,
        created_by=created_by,
    )
    _product_check(product)
    with photos_prepared(product=product, uploads=uploads) as prepared, _field_errors(), transaction.atomic():
        with writer_lock() as writer:
            _photos_claim(writer, prepared)
            product.save(force_insert=True)
            _rows_add(writer, product=product, prepared=prepared)
        index_changed(seq=writer.state.last_seq)
    return _registration(product, prepared, writer)


def product_images_add(*, product_id: UUID, uploads: Sequence[Upload]) -> Registration:
    """Add photos to a product: all of them or none; photos of a product not on sale wait withdrawn."""
    product = _product_get(product_id)
    with photos_prepared(product=product, uploads=uploads) as prepared, transaction.atomic():
        with writer_lock() as writer:
            product = _product_get(product_id, for_update=True)
            _photos_claim(writer, prepared)
            _rows_add(writer, product=product, prepared=prepared)
        index_changed(seq=writer.state.last_seq)
    return _registration(product, prepared, writer)


@transaction.atomic
def product_image_delete(*, image_id: UUID) -> int:
    """Delete a photo; it matches nothing from the returned sequence number on, its row keeps its number."""
    with writer_lock() as writer:
        image = ProductImage.objects.select_for_update().filter(pk=image_id).first()
        if image is None:
            raise PhotoUnknown(f"There is no photo {image_id}.", image_id=str(image_id))
        _photos_delete(writer, [image])
        image.delete()
    index_changed(seq=writer.state.last_seq)
    return writer.state.last_seq


@transaction.atomic
def product_set_active(*, product_id: UUID, is_active: bool) -> int:
    """Take a product off sale or put it back, and its photos out of the index or back into it.

    Of two callers at once the later commit wins, for the product and for all of its photos.
    """
    with writer_lock() as writer:
        product = _product_get(product_id, for_update=True)
        if product.is_active != is_active:
            product.is_active = is_active
            product.save(update_fields=["is_active", "updated_at"])
            kind = IndexEvent.Kind.RESTORE if is_active else IndexEvent.Kind.WITHDRAW
            writer.events_append(kind, _rows_of(product))
    index_changed(seq=writer.state.last_seq)
    return writer.state.last_seq


def product_update(*, product_id: UUID, **changes: Any) -> Product:
    """Change name, description, price, barcode or is_active; what is not named stays as it is.

    Changes that arrive together are applied one after the other; a new name is seen at once everywhere.
    """
    unknown = sorted(set(changes) - CHANGEABLE_FIELDS - {"is_active"})
    if unknown:
        raise ProductInvalid(
            f"Unknown fields: {', '.join(unknown)}. Allowed are {', '.join(sorted(CHANGEABLE_FIELDS))} "
            "and is_active.",
            errors={name: ["This field cannot be changed."] for name in unknown},
        )
    is_active = changes.pop("is_active", None)
    with _field_errors(), transaction.atomic():
        with writer_lock():
            product = _product_get(product_id, for_update=True)
            for name, value in changes.items():
                setattr(product, name, value)
            product.name = text_clean(product.name)
            product.barcode = product.barcode or None
            _product_check(product)
            product.save(update_fields=[*changes, "updated_at"])
            if "name" in changes:
                Embedding.objects.filter(product_image__product=product).update(label=product.name)
        if is_active is not None:
            product_set_active(product_id=product_id, is_active=bool(is_active))
            product.is_active = bool(is_active)
    return product


def product_delete(*, product_id: UUID) -> int:
    """Delete a product that no receipt, cart or visit names, with its photos; refuse any other.

    Its rows are withdrawn and stay in the log. A sale that commits while this runs wins: the database refuses
    the deletion.
    """
    try:
        with transaction.atomic():
            with writer_lock() as writer:
                product = _product_get(product_id, for_update=True)
                _photos_delete(writer, list(product.images.all()))
                product.delete()
            index_changed(seq=writer.state.last_seq)
    except (ProtectedError, IntegrityError) as error:
        raise ProductSold(
            "This product is on a receipt or in a cart. Take it off sale instead of deleting it.",
            product_id=str(product_id),
        ) from error
    return writer.state.last_seq


def _product_get(product_id: UUID, *, for_update: bool = False) -> Product:
    products = Product.objects.select_for_update() if for_update else Product.objects.all()
    product = products.filter(pk=product_id).first()
    if product is None:
        raise ProductUnknown(f"There is no product {product_id}.", product_id=str(product_id))
    return product


def _product_check(product: Product) -> None:
    try:
        product.full_clean(exclude=["created_by"])
    except ValidationError as error:
        raise _invalid(error.message_dict) from error


def _invalid(fields: dict[str, list[str]]) -> ProductInvalid:
    words = "; ".join(f"{name}: {' '.join(messages)}" for name, messages in fields.items())
    return ProductInvalid(words, errors=fields)


@contextmanager
def _field_errors() -> Iterator[None]:
    """Name the field when another registration took its unique value between check and commit."""
    try:
        yield
    except IntegrityError as error:
        if "barcode" not in str(error):
            raise
        raise _invalid({"barcode": ["A product with this barcode exists already."]}) from error


def _photos_claim(writer: IndexWriter, prepared: PreparedPhotos) -> None:
    """Check again under the lock what another registration may have changed meanwhile."""
    duplicates_refuse(prepared.photos)
    writer.encoder_claim(encoder=prepared.embedded.encoder, fingerprint=prepared.embedded.fingerprint)


def _rows_add(writer: IndexWriter, *, product: Product, prepared: PreparedPhotos) -> None:
    labels = [product.name] * len(prepared.images)
    writer.rows_add(images=prepared.images, vectors=prepared.embedded.vectors, labels=labels)
    PhotoCheck.objects.bulk_create(prepared.checks)
    if not product.is_active:
        rows = [image.embedding_id for image in prepared.images if image.embedding_id is not None]
        writer.events_append(IndexEvent.Kind.WITHDRAW, rows)


def _rows_of(product: Product) -> list[int]:
    rows = Embedding.objects.filter(product_image__product=product).order_by("id")
    return list(rows.values_list("id", flat=True))


def _photos_delete(writer: IndexWriter, images: Sequence[ProductImage]) -> None:
    """Withdraw the rows of photos about to be deleted, and remove their files once that is committed."""
    rows = sorted(image.embedding_id for image in images if image.embedding_id is not None)
    writer.events_append(IndexEvent.Kind.WITHDRAW, rows)
    names = [str(image.image.name) for image in images]
    transaction.on_commit(partial(photo_files_remove, names), robust=True)


def _registration(product: Product, prepared: PreparedPhotos, writer: IndexWriter) -> Registration:
    return Registration(
        product=product,
        images=prepared.images,
        total_products=Product.objects.count(),
        total_embeddings=writer.state.row_count,
        index_seq=writer.state.last_seq,
        timing_ms=prepared.timing_ms,
    )
