"""The lines of a cart: how many pieces of a product, and the mean of the scores they were seen with.

All of this runs while the session is held; a change of several lines is undone by its transaction.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet

from catalog.models import Product
from checkout.cart.locks import product_keep
from checkout.errors import ItemsNotForSale, QuantityOutOfRange
from checkout.models import BillingItem, CheckoutSession, ScanEvent, Source

QUANTITY_MAX = 999


def line_add(
    session: CheckoutSession, product: Product, quantity: int, source: Source, scores: Collection[float] = ()
) -> None:
    """Put pieces of a product into the cart; each score enters the mean of the line.

    Raises `ItemsNotForSale` for a product withdrawn from sale and `QuantityOutOfRange` for a line too long.
    """
    if not product.is_active:
        raise ItemsNotForSale([product])
    line = _line_get(session, product.pk) or BillingItem(
        session=session, product=product, quantity=0, source=source
    )
    _quantity_check(line.quantity + quantity, product)
    for score in scores:
        _score_add(line, score)
    _line_save(line, line.quantity + quantity)


def line_remove(
    session: CheckoutSession, product_id: UUID, quantity: int, score: float | None = None
) -> tuple[Product, int] | None:
    """Take pieces out of the cart, as many as are there; a score leaves the mean of the line.

    Returns the product and the number of pieces taken, or None where the cart has no such line.
    """
    line = _line_get(session, product_id)
    if line is None:
        return None
    removed = min(quantity, line.quantity)
    if score is not None and line.score_count:
        _score_remove(line, score)
    _line_save(line, line.quantity - removed)
    return line.product, removed


def line_set(session: CheckoutSession, product_id: UUID, quantity: int) -> tuple[Product, int]:
    """Set how many pieces of a product are in the cart; return the product and how many more they are now.

    A product withdrawn from sale can be lowered and taken out, but no more of it put in.
    """
    line = _line_get(session, product_id)
    product = product_keep(product_id=product_id) if line is None else line.product
    _quantity_check(quantity, product)
    difference = quantity - (0 if line is None else line.quantity)
    if difference > 0 and not product.is_active:
        raise ItemsNotForSale([product])
    if difference != 0:
        _line_save(line or BillingItem(session=session, product=product, source=Source.MANUAL), quantity)
    return product, difference


def line_restore(
    session: CheckoutSession, product: Product, quantity: int, additions: QuerySet[ScanEvent]
) -> None:
    """Put pieces back; a line that was gone gets the source and the scores of its latest additions again.

    `additions` are those of the product that still stand, the newest first.
    """
    if _line_get(session, product.pk) is not None:
        line_add(session, product, quantity, Source.MANUAL)
        return
    latest = list(additions[:quantity])
    source = Source(latest[0].source) if latest else Source.MANUAL
    line_add(session, product, quantity, source, [one.score for one in latest if one.score is not None])


def _line_get(session: CheckoutSession, product_id: UUID) -> BillingItem | None:
    return BillingItem.objects.filter(session=session, product_id=product_id).first()


def _line_save(line: BillingItem, quantity: int) -> None:
    """Store a line, or delete it when nothing is left of it."""
    if quantity == 0:
        line.delete()
    else:
        line.quantity = quantity
        line.save()


def _quantity_check(quantity: int, product: Product) -> None:
    if not 0 <= quantity <= QUANTITY_MAX:
        raise QuantityOutOfRange(maximum=QUANTITY_MAX, product_id=str(product.pk))


def _clipped(score: float) -> Decimal:
    """Return a similarity with six places; rounding errors of the engine may lead just beyond -1..1."""
    return Decimal(str(round(min(1.0, max(-1.0, score)), 6)))


def _score_add(line: BillingItem, score: float) -> None:
    """Let one more accepted similarity into the mean; a line added by hand and then seen counts as seen."""
    total = (line.avg_score or Decimal(0)) * line.score_count + _clipped(score)
    line.score_count += 1
    line.avg_score = round(total / line.score_count, 6)
    line.source = Source.VISION


def _score_remove(line: BillingItem, score: float) -> None:
    """Take a similarity out of the mean again."""
    total = (line.avg_score or Decimal(0)) * line.score_count - _clipped(score)
    line.score_count -= 1
    line.avg_score = _clipped(float(total / line.score_count)) if line.score_count else None
