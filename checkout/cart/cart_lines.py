"""The lines of a cart: how many pieces of a product, and the mean of the scores they were seen with."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from catalog.models import Product
from checkout.errors import ItemsNotForSale, ProductNotFound, QuantityOutOfRange
from checkout.models import BillingItem, CheckoutSession, Source

QUANTITY_MAX = 999


def product_get(product_id: UUID) -> Product:
    """Return a product, on sale or not."""
    try:
        return Product.objects.get(pk=product_id)
    except Product.DoesNotExist:
        raise ProductNotFound(f"There is no product {product_id}.", product_id=str(product_id)) from None


def named(product: Product) -> dict[str, str]:
    """Return a product as errors name it."""
    return {"product_id": str(product.pk), "name": product.name}


def line_get(session: CheckoutSession, product_id: UUID) -> BillingItem | None:
    """Return the line of a product, if the cart has one."""
    return BillingItem.objects.filter(session=session, product_id=product_id).first()


def line_put(
    session: CheckoutSession, product: Product, quantity: int, source: Source, score: float | None = None
) -> BillingItem:
    """Put pieces of a product on sale into the cart and return its line; a score enters the line's mean."""
    if not product.is_active:
        raise ItemsNotForSale([named(product)])
    item = line_get(session, product.pk) or BillingItem(
        session=session, product=product, quantity=0, source=source
    )
    quantity_check(item.quantity + quantity, product)
    if score is not None:
        score_count(item, score)
    quantity_write(item, item.quantity + quantity)
    return item


def line_take(item: BillingItem, quantity: int, score: float | None = None) -> int:
    """Take pieces out of a line, as many as are there, and return how many; a score leaves the mean."""
    taken = min(quantity, item.quantity)
    if score is not None and item.score_count:
        _score_discount(item, score)
    quantity_write(item, item.quantity - taken)
    return taken


def quantity_check(quantity: int, product: Product) -> None:
    """Refuse a quantity beyond what a line holds."""
    if not 0 <= quantity <= QUANTITY_MAX:
        raise QuantityOutOfRange(maximum=QUANTITY_MAX, product_id=str(product.pk))


def quantity_write(item: BillingItem, quantity: int) -> None:
    """Store a line, or remove it when nothing is left of it."""
    if quantity == 0:
        item.delete()
    else:
        item.quantity = quantity
        item.save()


def _clipped(score: float) -> Decimal:
    return Decimal(str(round(min(1.0, max(-1.0, score)), 6)))


def score_count(item: BillingItem, score: float) -> None:
    """Let one more accepted similarity into the mean; a line added by hand and then seen counts as seen."""
    total = (item.avg_score or Decimal(0)) * item.score_count + _clipped(score)
    item.score_count += 1
    item.avg_score = round(total / item.score_count, 6)
    item.source = Source.VISION


def _score_discount(item: BillingItem, score: float) -> None:
    """Take a similarity out of the mean again."""
    total = (item.avg_score or Decimal(0)) * item.score_count - _clipped(score)
    item.score_count -= 1
    if item.score_count == 0:
        item.avg_score = None
    else:
        item.avg_score = _clipped(float(total / item.score_count))
