"""Examines a photo before it is embedded: finds its item, and what is wrong with it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import IntegrityError, transaction

from catalog.models import ProductImage
from recognition.models import PhotoCheck
from recognition.photos.files import PHOTO_UNREADABLE, photo_file_read

if TYPE_CHECKING:
    from recognition.vision.photos.quality import PhotoQuality
    from recognition.vision.types import Image

logger = logging.getLogger(__name__)

_SIGN_BIT = 1 << 63
_ALL_BITS = (1 << 64) - 1


@dataclass(frozen=True)
class ExaminedPhoto:
    """The part of a photo that is embedded, uint8 (h, w, 3) RGB, and what was measured on the whole."""

    item: Image
    quality: PhotoQuality

    def check(self, image_id: UUID) -> PhotoCheck:
        """Return the unsaved row that keeps what was found."""
        from recognition.vision.photos.quality import PHOTO_QUALITY_VERSION

        return PhotoCheck(
            product_image_id=image_id,
            faults=" ".join(self.quality.faults),
            # The database has signed numbers only: the highest bit becomes the sign.
            picture_hash=(self.quality.picture_hash ^ _SIGN_BIT) - _SIGN_BIT,
            version=PHOTO_QUALITY_VERSION,
        )


def photo_examine(pixels: Image) -> ExaminedPhoto:
    """Find the item of a photo, uint8 (h, w, 3) RGB of any size, and measure the photo."""
    from recognition.vision.photos.item import item_box, item_cut  # bring OpenCV, which pages do without
    from recognition.vision.photos.quality import photo_quality

    box = item_box(pixels)
    return ExaminedPhoto(item=item_cut(pixels, box), quality=photo_quality(pixels, item=box))


def picture_hash_of(check: PhotoCheck) -> int:
    """Return the picture hash, 0..2**64 - 1."""
    return check.picture_hash & _ALL_BITS


def photo_checks_save(checks: Iterable[PhotoCheck]) -> None:
    """Store what was found, replacing what was found before; photos deleted meanwhile are left out."""
    for check in checks:
        try:
            with transaction.atomic():
                check.save()
        except IntegrityError:
            logger.debug("photo %s was deleted while it was being judged", check.product_image_id)


def photo_checks_complete(images: Sequence[ProductImage]) -> None:
    """Judge the photos that the current version has not judged; reads their files, some 40 ms each.

    A photo whose file is missing or cannot be read is left out: `index verify` names it.
    """
    from recognition.vision.photos.quality import PHOTO_QUALITY_VERSION

    current = set(
        PhotoCheck.objects.filter(product_image__in=images, version=PHOTO_QUALITY_VERSION).values_list(
            "pk", flat=True
        )
    )
    found = []
    for image in images:
        if image.pk in current:
            continue
        try:
            pixels = photo_file_read(str(image.image.name))
        except PHOTO_UNREADABLE:
            logger.warning("the photo %s cannot be read and is not judged", image.image.name)
            continue
        found.append(photo_examine(pixels).check(image.pk))
    photo_checks_save(found)
