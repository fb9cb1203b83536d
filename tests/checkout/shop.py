"""Products and sessions for the tests of the till."""

from __future__ import annotations

from decimal import Decimal

from accounts.models import User
from catalog.models import Product
from checkout.cart import items, services
from checkout.cart.scan_events import Cause
from checkout.models import CheckoutSession, Source


def product_make(
    name: str, price: str | None = "2.50", *, barcode: str | None = None, is_active: bool = True
) -> Product:
    """Put a product on the shelf."""
    return Product.objects.create(
        name=name, price=None if price is None else Decimal(price), barcode=barcode, is_active=is_active
    )


def session_with(user: User, *products: Product, quantity: int = 1) -> CheckoutSession:
    """Begin a session whose cart holds these products."""
    session = services.session_start(user=user)
    for product in products:
        items.item_set(session_id=session.pk, product_id=product.pk, quantity=quantity)
    return session


def seen(score: float, margin: float = 0.2) -> Cause:
    """Return the cause of an addition by the camera."""
    return Cause(source=Source.VISION, score=score, margin=margin, reason="test")
