"""Prepares new photos: reads, checks, embeds and writes them before any row names them."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from catalog.images import Photo, photo_pixels, photo_read
from catalog.models import Product, ProductImage, product_image_path
from ebrcs.storage import storage_refusal
from recognition.engine import shared
from recognition.engine.results import Embedded
from recognition.errors import DuplicatePhoto, PhotoCountWrong
from recognition.index.state import encoder_require, state_current
from recognition.models import PhotoCheck
from recognition.photos.checks import photo_examine
from recognition.photos.files import photo_file_write, photo_files_remove

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Upload:
    """A file as the client sent it."""

    filename: str
    data: bytes


@dataclass
class PreparedPhotos:
    """Photos that are decoded, checked, embedded and written to the disk, but have no row yet.

    Attributes
    ----------
    images, checks : not yet saved, in the order of the photos
    timing_ms : milliseconds of ``decode``, ``examine`` and ``embed``, and once the caller is done of
        ``commit`` (files and transaction)
    """

    photos: list[Photo]
    images: list[ProductImage]
    embedded: Embedded
    checks: list[PhotoCheck]
    timing_ms: dict[str, float]


@contextmanager
def photos_prepared(*, product: Product, uploads: Sequence[Upload]) -> Iterator[PreparedPhotos]:
    """Decode, embed and write photos; remove the files again where the block fails."""
    start = time.perf_counter()
    photos = _photos_read(uploads)
    duplicates_refuse(photos)
    engine = shared.engine()
    identity = engine.encoder_identity()
    encoder_require(state_current(), encoder=identity.name, fingerprint=identity.fingerprint)
    pixels = [np.asarray(photo_pixels(photo.content)) for photo in photos]
    decoded = time.perf_counter()
    examined = [photo_examine(picture) for picture in pixels]
    looked_at = time.perf_counter()
    embedded = engine.embed([each.item for each in examined])
    done = time.perf_counter()
    images = [_image_make(product, photo) for photo in photos]
    checks = [each.check(image.pk) for each, image in zip(examined, images, strict=True)]
    timing_ms = {
        "decode": 1e3 * (decoded - start),
        "examine": 1e3 * (looked_at - decoded),
        "embed": 1e3 * (done - looked_at),
    }
    try:
        for image, photo in zip(images, photos, strict=True):
            photo_file_write(name=str(image.image.name), content=photo.content)
        yield PreparedPhotos(photos, images, embedded, checks, timing_ms)
    except BaseException as error:
        _files_take_back(images, error)
        raise
    timing_ms["commit"] = 1e3 * (time.perf_counter() - done)
    logger.debug("registered %d photos: %s", len(photos), timing_ms)


def duplicates_refuse(photos: Sequence[Photo]) -> None:
    """Refuse photos that came twice or that a product has already, and name them."""
    first_by_digest: dict[str, str] = {}
    items: list[dict[str, str]] = []
    for photo in photos:
        if photo.sha256 in first_by_digest:
            items.append({"filename": photo.filename, "same_as": first_by_digest[photo.sha256]})
        else:
            first_by_digest[photo.sha256] = photo.filename
    stored = ProductImage.objects.filter(sha256__in=first_by_digest).select_related("product")
    items += [
        {
            "filename": first_by_digest[image.sha256],
            "image_id": str(image.pk),
            "product_id": str(image.product_id),
            "product_name": image.product.name,
        }
        for image in stored
    ]
    if items:
        same = "; ".join(
            f"{item['filename']} is the same photo as "
            + (item["same_as"] if "same_as" in item else f"one of {item['product_name']}")
            for item in items
        )
        raise DuplicatePhoto(f"{same}. Leave it out or take another picture.", items=items)


def _photos_read(uploads: Sequence[Upload]) -> list[Photo]:
    if not 1 <= len(uploads) <= settings.IMAGE_MAX_COUNT:
        raise PhotoCountWrong(
            f"{len(uploads)} photos were sent; 1 to {settings.IMAGE_MAX_COUNT} are allowed at a time.",
            limit=settings.IMAGE_MAX_COUNT,
        )
    return [photo_read(upload.data, filename=upload.filename) for upload in uploads]


def _image_make(product: Product, photo: Photo) -> ProductImage:
    image = ProductImage(product=product, sha256=photo.sha256)
    image.image = product_image_path(image, "photo.jpg")
    return image


def _files_take_back(images: Sequence[ProductImage], error: BaseException) -> None:
    """Remove the files of a failed registration, unless it may have been committed after all.

    A connection lost during COMMIT leaves its outcome open. A file too many is an orphan that `index verify`
    names; a file too few would be a lost photo. A database that says that its disk is full has answered.
    """
    is_lost = isinstance(error, OperationalError | InterfaceError) and storage_refusal(error) is None
    if is_lost and connection.vendor != "sqlite":
        logger.warning("database lost while registering; the files of %d photos stay", len(images))
        return
    photo_files_remove(str(image.image.name) for image in images)
