"""Warns the shop keeper of photos by which a product would be recognized badly, and says what to do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from catalog.models import Product, ProductImage
from recognition.engine import shared
from recognition.photos.checks import picture_hash_of
from recognition.vision.batches import batches

if TYPE_CHECKING:
    from recognition.vision.decision.look_alikes import Neighbour

UPLOAD_MEASURING_WAIT_S = 2.0
"""How long an upload waits until its photos have been compared with all others."""

PRODUCTS_AT_ONCE = 200
"""Products whose photos are fetched at a time: bounds the length of a query."""

# By image: the nearest photo of another product.
NearestPhotos: TypeAlias = "dict[UUID, tuple[Neighbour, ProductImage]]"

FAULT_ADVICE: dict[str, Promise | str] = {
    "blurred": _("The photo is blurred. Hold the camera still, let it focus and retake the photo."),
    "too_dark": _("The photo is too dark. Retake it with more light."),
    "too_bright": _("The photo is overexposed. Retake it without direct light or flash."),
    "washed_out": _("The photo is washed out. Wipe the lens and avoid light from behind."),
    "too_small": _("The photo's resolution is too low. Upload the original from the camera."),
    "item_small": _("The product is too small in the photo. Move closer."),
}


@dataclass(frozen=True)
class PhotoWarning:
    """One reason why a product would be recognized badly.

    Attributes
    ----------
    code : for machines
    detail : for the shop keeper, with what to do
    image : the photo it is about, None where it is about all of them
    other : a photo of the product that it may be confused with
    score : how alike the two are, in [-1, 1]
    """

    code: str
    detail: str
    image: ProductImage | None = None
    other: ProductImage | None = field(default=None, repr=False)
    score: float | None = None

    def payload(self) -> dict[str, object]:
        """Return it as clients receive it."""
        body: dict[str, object] = {
            "code": self.code,
            "image_id": str(self.image.pk) if self.image else None,
            "detail": self.detail,
        }
        if self.other is not None:
            body |= {"product_id": str(self.other.product_id), "product_name": self.other.product.name}
        if self.score is not None:
            body["score"] = round(self.score, 4)
        return body


def measured_wait(*, timeout_s: float = UPLOAD_MEASURING_WAIT_S) -> None:
    """Wait until new photos are compared with all others; return at once where no engine runs here."""
    engine = shared.engine_running()
    if engine is not None:
        engine.wait_ready(timeout_s=timeout_s)


def product_warnings(products: Sequence[Product]) -> dict[UUID, list[PhotoWarning]]:
    """Return the warnings about the photos of products, with two queries for every 200 of them.

    Nothing is measured here: photos were judged when they came, and look-alikes are known from the thresholds
    of the index. Without a running engine the warnings about look-alikes are missing.
    """
    found: dict[UUID, list[PhotoWarning]] = {}
    for some in batches(products, PRODUCTS_AT_ONCE):
        found |= _warnings_of(some)
    return found


def _warnings_of(products: Sequence[Product]) -> dict[UUID, list[PhotoWarning]]:
    images: dict[UUID, list[ProductImage]] = defaultdict(list)
    stored = ProductImage.objects.filter(product__in=[product.pk for product in products])
    for image in stored.select_related("photo_check", "product").order_by("created_at", "id"):
        images[image.product_id].append(image)
    nearest = _nearest([image for of_one in images.values() for image in of_one])
    return {product.pk: list(_of_product(images[product.pk], nearest)) for product in products}


def registration_warnings(product: Product, images: Collection[ProductImage]) -> list[PhotoWarning]:
    """Return the warnings about photos just registered, and about their product as a whole."""
    measured_wait()
    new = {image.pk for image in images}
    found = product_warnings([product])[product.pk]
    return [warning for warning in found if warning.image is None or warning.image.pk in new]


def products_needing_photos() -> set[UUID]:
    """Return the products with a warning."""
    found = product_warnings(list(Product.objects.only("pk")))
    return {product_id for product_id, warnings in found.items() if warnings}


def _of_product(images: Sequence[ProductImage], nearest: NearestPhotos) -> Iterator[PhotoWarning]:
    from recognition.vision.photos.quality import PHOTOS_WANTED, all_alike  # brings OpenCV

    if len(images) < PHOTOS_WANTED:
        text = ngettext(
            "Only %(count)d photo so far. Three to five from different sides work far better.",
            "Only %(count)d photos so far. Three to five from different sides work far better.",
            len(images),
        )
        yield PhotoWarning("few_photos", text % {"count": len(images)})
    hashes = [picture_hash_of(image.photo_check) for image in images if hasattr(image, "photo_check")]
    if len(hashes) >= PHOTOS_WANTED and all_alike(hashes):
        yield PhotoWarning(
            "few_views", gettext("All photos show the same side. Add some of the other sides.")
        )
    yield from _look_alikes(images, nearest)
    for position, image in enumerate(images):
        yield from _of_image(image, images[:position], nearest)


def _look_alikes(images: Sequence[ProductImage], nearest: NearestPhotos) -> Iterator[PhotoWarning]:
    """Warn of each product that some photo may be taken for, by the photo nearest to it."""
    worst: dict[UUID, tuple[float, ProductImage, ProductImage]] = {}
    for image in images:
        if image.pk not in nearest:
            continue
        neighbour, other = nearest[image.pk]
        if not neighbour.confusable or _same_picture(image, other):
            continue
        if other.product_id not in worst or neighbour.score > worst[other.product_id][0]:
            worst[other.product_id] = neighbour.score, image, other
    for score, image, other in sorted(worst.values(), key=lambda found: -found[0]):
        text = gettext(
            "Looks like %(name)s (%(score).2f). The checkout may ask which one it is or "
            "confuse the two. Add photos of the sides that differ."
        )
        detail = text % {"name": other.product.name, "score": score}
        yield PhotoWarning("confusable", detail, image=image, other=other, score=score)


def _of_image(
    image: ProductImage, earlier: Sequence[ProductImage], nearest: NearestPhotos
) -> Iterator[PhotoWarning]:
    if not hasattr(image, "photo_check"):
        return
    for fault in image.photo_check.faults.split():
        if fault in FAULT_ADVICE:
            yield PhotoWarning(fault, str(FAULT_ADVICE[fault]), image=image)
    if any(_same_picture(image, other) for other in earlier):
        text = gettext(
            "This photo is nearly identical to another of this product. Show another side instead."
        )
        yield PhotoWarning("same_picture", text, image=image)
    if image.pk in nearest and _same_picture(image, nearest[image.pk][1]):
        foreign = nearest[image.pk][1]
        text = gettext("This photo is nearly identical to one of %(name)s. Does it belong to this product?")
        detail = text % {"name": foreign.product.name}
        yield PhotoWarning("same_picture_elsewhere", detail, image=image, other=foreign)


def _same_picture(image: ProductImage, other: ProductImage) -> bool:
    from recognition.vision.photos.quality import SAME_PICTURE_BITS, pictures_differ_bits

    if not hasattr(image, "photo_check") or not hasattr(other, "photo_check"):
        return False
    one, two = (picture_hash_of(each.photo_check) for each in (image, other))
    return pictures_differ_bits(one, two) <= SAME_PICTURE_BITS


def _nearest(images: Sequence[ProductImage]) -> NearestPhotos:
    """Return for each image that was compared the nearest photo of another product."""
    from recognition.vision.decision.look_alikes import neighbours

    engine = shared.engine_running()
    scores = engine.gallery.calibrator.scores if engine is not None else None
    if engine is None or scores is None:
        return {}
    image_of = {image.embedding_id: image.pk for image in images if image.embedding_id is not None}
    near = neighbours(scores, engine.gallery.calibrator.thresholds, image_of)
    foreign = ProductImage.objects.filter(embedding_id__in={each.row for each in near.values()})
    others = {image.embedding_id: image for image in foreign.select_related("photo_check", "product")}
    return {image_of[row]: (each, others[each.row]) for row, each in near.items() if each.row in others}
