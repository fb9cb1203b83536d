"""Changing, withdrawing and deleting products and photos: the database, the truth, changes here first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from catalog.models import Product, ProductImage
from catalog.text import text_clean
from recognition.errors import PhotoUnknown, ProductInvalid, ProductSold
from recognition.index.hints import index_changed
from recognition.index.writer_lock import IndexWriter, writer_lock
from recognition.models import Embedding, IndexEvent
from recognition.photos.files import photo_files_remove
from recognition.services.checks import product_check, product_require, unique_values_check

CHANGEABLE_FIELDS = frozenset({"name", "description", "price", "barcode"})


@transaction.atomic
def product_set_active(*, product_id: UUID, is_active: bool) -> int:
    """Take a product off sale or put it back, and its photos out of the index or back into it.

    Of two callers at once the later commit wins, for the product and for all of its photos.
    """
    with writer_lock() as writer:
        product = product_require(product_id, for_update=True)
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
    with unique_values_check(), transaction.atomic():
        with writer_lock():
            product = product_require(product_id, for_update=True)
            for name, value in changes.items():
                setattr(product, name, value)
            product.name = text_clean(product.name)
            product.barcode = product.barcode or None
            product_check(product)
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
                product = product_require(product_id, for_update=True)
                _photos_delete(writer, list(product.images.all()))
                product.delete()
            index_changed(seq=writer.state.last_seq)
    except (ProtectedError, IntegrityError) as error:
        raise ProductSold(
            "This product is on a receipt or in a cart. Take it off sale instead of deleting it.",
            product_id=str(product_id),
        ) from error
    return writer.state.last_seq


@transaction.atomic
def product_image_delete(*, image_id: UUID) -> int:
    """Delete a photo; from the returned sequence number on it matches nothing. Its row keeps its number."""
    with writer_lock() as writer:
        image = ProductImage.objects.select_for_update().filter(pk=image_id).first()
        if image is None:
            raise PhotoUnknown(f"There is no photo {image_id}.", image_id=str(image_id))
        _photos_delete(writer, [image])
        image.delete()
    index_changed(seq=writer.state.last_seq)
    return writer.state.last_seq


def _rows_of(product: Product) -> list[int]:
    rows = Embedding.objects.filter(product_image__product=product).order_by("id")
    return list(rows.values_list("id", flat=True))


def _photos_delete(writer: IndexWriter, images: Sequence[ProductImage]) -> None:
    """Withdraw the rows of photos about to be deleted, and remove their files once that is committed."""
    rows = sorted(image.embedding_id for image in images if image.embedding_id is not None)
    writer.events_append(IndexEvent.Kind.WITHDRAW, rows)
    names = [str(image.image.name) for image in images]
    transaction.on_commit(lambda: photo_files_remove(names), robust=True)
