"""What a line of the cart may be in truth, for the shopper who says that it is wrong."""

from __future__ import annotations

from uuid import UUID

from catalog.models import ProductImage
from checkout.cart import selectors
from checkout.models import ScanEvent
from checkout.payloads import Choice
from recognition.errors import EngineNotReady

LIKELY_MAX = 6


def products_likely(*, session_id: UUID, product_id: UUID) -> list[Choice]:
    """Return the products that look most like what was taken for a product, likeliest first, without itself.

    The picture of the item as the camera saw it decides; a line that was added by hand has none, and its
    product's first photo stands in. Empty while there is nothing to compare or recognition is not ready.
    """
    picture = picture_seen(session_id=session_id, product_id=product_id) or photo_stored(product_id)
    if picture is None:
        return []
    from recognition.services.recognizing import pictures_recognize  # heavy, and pages do without

    try:
        answer = pictures_recognize([("item.jpg", picture)], top=LIKELY_MAX + 1)[0]
    except EngineNotReady:
        return []
    ranked = [match.product_id for match in answer.matches if match.product_id != str(product_id)]
    known = selectors.choices_get(product_ids=ranked)
    return [known[key] for key in ranked[:LIKELY_MAX] if key in known]


def picture_seen(*, session_id: UUID, product_id: UUID) -> bytes | None:
    """Return the newest small picture of what the camera took for a product in this visit."""
    added = ScanEvent.objects.filter(
        session_id=session_id,
        product_id=product_id,
        action=ScanEvent.Action.ADD,
        thumbnail__isnull=False,
    )
    thumbnail = added.order_by("-created_at", "-id").values_list("thumbnail", flat=True).first()
    return None if thumbnail is None else bytes(thumbnail)


def photo_stored(product_id: UUID) -> bytes | None:
    """Return a product's first photo."""
    image = ProductImage.objects.filter(product_id=product_id).order_by("created_at", "id").first()
    if image is None:
        return None
    try:
        with image.image.open("rb") as file:
            return bytes(file.read())
    except FileNotFoundError:
        return None
