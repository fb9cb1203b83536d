"""Places orders; nothing changes them afterwards, but whose a lane's receipt is (`receipt_links`)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from orders.models import Order, OrderItem

# Without I, L, O and U, which are easily mistaken for other characters.
NUMBER_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
NUMBER_TRIES = 20


@dataclass(frozen=True)
class OrderLine:
    """A line as it is sold; name and price are copied, so later changes do not reach the receipt."""

    product_id: UUID
    product_name: str
    quantity: int
    unit_price: Decimal | None
    avg_score: Decimal | None


def order_number_make() -> str:
    """Return a number such as 261121-7K3FQ: the date, and five characters that are easy to read out."""
    letters = "".join(secrets.choice(NUMBER_ALPHABET) for _ in range(5))
    return f"{timezone.localdate():%y%m%d}-{letters}"


def lines_total(lines: Sequence[OrderLine]) -> Decimal | None:
    """Return the total of the lines, or None if any of them has no price."""
    prices = [(line.unit_price, line.quantity) for line in lines]
    if any(price is None for price, _ in prices):
        return None
    return sum((price * quantity for price, quantity in prices if price is not None), Decimal("0.00"))


@transaction.atomic
def order_place(
    *, user_id: UUID, session_id: UUID, store_id: UUID, lines: Sequence[OrderLine], currency: str
) -> Order:
    """Store the order of a session, sold by a store.

    The caller holds the lock on the session; without it, the unique session of an order would still let only
    one of several callers through. A number that is taken is drawn again.
    """
    order = _order_insert(
        Order(
            user_id=user_id,
            session_id=session_id,
            store_id=store_id,
            total_items=sum(line.quantity for line in lines),
            total_amount=lines_total(lines),
            currency=currency,
        )
    )
    OrderItem.objects.bulk_create(
        OrderItem(
            order=order,
            product_id=line.product_id,
            product_name=line.product_name,
            quantity=line.quantity,
            unit_price=line.unit_price,
            avg_score=line.avg_score,
        )
        for line in lines
    )
    return order


def _order_insert(order: Order) -> Order:
    for _ in range(NUMBER_TRIES):
        order.number = order_number_make()
        try:
            with transaction.atomic():
                order.save(force_insert=True)
        except IntegrityError:
            if not Order.objects.filter(number=order.number).exists():
                raise
        else:
            return order
    raise IntegrityError(f"no free order number found in {NUMBER_TRIES} tries")
