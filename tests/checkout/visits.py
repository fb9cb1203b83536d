"""Visits of another day for the shop keeper's pages: scan events, carts and orders at a given time."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import User
from catalog.models import Product
from checkout.models import BillingItem, CheckoutSession, ScanEvent, Source
from orders.models import Order, OrderItem


def visit_make(user: User, at: datetime, status: str = "completed") -> CheckoutSession:
    """Store a visit that began then."""
    session = CheckoutSession.objects.create(user=user, status=status, last_active=at)
    CheckoutSession.objects.filter(pk=session.pk).update(created_at=at)
    session.created_at = at
    return session


def event_make(session: CheckoutSession, at: datetime, action: str, **fields: Any) -> ScanEvent:
    """Store a scan event of that time."""
    event = ScanEvent.objects.create(session=session, action=action, **{"source": Source.VISION, **fields})
    ScanEvent.objects.filter(pk=event.pk).update(created_at=at)
    return event


def sale_make(
    user: User,
    product: Product,
    at: datetime,
    *,
    quantity: int = 1,
    amount: str | None = "2.50",
    currency: str = "EUR",
    lasting: timedelta = timedelta(seconds=30),
) -> Order:
    """Store a visit in which pieces of a product were seen and, a while later, paid."""
    session = visit_make(user, at - lasting)
    event_make(session, at - lasting, "add", product=product, quantity=quantity, score=0.8)
    price = None if amount is None else Decimal(amount)
    BillingItem.objects.create(session=session, product=product, quantity=quantity, source=Source.MANUAL)
    order = Order.objects.create(
        number=f"T-{Order.objects.count()}",
        user=user,
        session=session,
        total_items=quantity,
        total_amount=None if price is None else price * quantity,
        currency=currency,
    )
    Order.objects.filter(pk=order.pk).update(confirmed_at=at)
    OrderItem.objects.create(
        order=order, product=product, product_name=product.name, quantity=quantity, unit_price=price
    )
    return order
