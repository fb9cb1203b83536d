"""Alternatives for a line of the cart that the shopper says is wrong."""

from __future__ import annotations

from uuid import UUID

from catalog.models import ProductImage
from checkout.cart import selectors
from checkout.models import ScanEvent
from checkout.payloads import Choice
from recognition.errors import EngineNotReady

LIKELY_MAX = 6


def products_likely(*, session_id: UUID, product_id: UUID) -> list[Choice]:
    """Return the products most like the item that was taken for a product, likeliest first, without itself.

    Compared is the newest picture of the item by the camera, or the product's first photo for a line that was
    added by hand. Empty without a picture, and while recognition is not ready.
    """
    picture = picture_of_item(session_id=session_id, product_id=product_id) or first_photo(product_id)
    if picture is None:
        return []
    from recognition.services.recognizing import pictures_recognize  # heavy, and pages do without

    try:
        answer = pictures_recognize([("item.jpg", picture)], top=LIKELY_MAX + 1)[0]
    except EngineNotReady:
        return []
    ranked = [match.product_id for match in answer.matches if match.product_id != str(product_id)]
    choices = selectors.choices_get(product_ids=ranked)
    return [choices[key] for key in ranked[:LIKELY_MAX] if key in choices]


def picture_of_item(*, session_id: UUID, product_id: UUID) -> bytes | None:
    """Return the newest small picture of an item that was counted as a product in this visit."""
    added = ScanEvent.objects.filter(
        session_id=session_id,
        product_id=product_id,
        action=ScanEvent.Action.ADD,
        thumbnail__isnull=False,
    )
    thumbnail = added.order_by("-created_at", "-id").values_list("thumbnail", flat=True).first()
    return None if thumbnail is None else bytes(thumbnail)


def first_photo(product_id: UUID) -> bytes | None:
    """Return the file of a product's first photo."""
    image = ProductImage.objects.filter(product_id=product_id).order_by("created_at", "id").first()
    if image is None:
        return None
    try:
        with image.image.open("rb") as file:
            return bytes(file.read())
    except FileNotFoundError:
        return None
