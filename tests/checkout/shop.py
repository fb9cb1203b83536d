"""Products, carts and orders for tests, made without recognition."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.core.files.base import ContentFile
from PIL import Image

from accounts.models import User
from catalog.models import Product, ProductImage
from checkout.cart import items, selectors, services
from checkout.cart.scan_events import Cause
from checkout.models import CheckoutSession, Source
from orders.models import Order
from recognition.vision.lane.reasons import ReasonCode, because
from tests.checkout.colours import BLUE_ID, GREEN_ID, RED_ID
from tests.pictures import encoded


def product_make(
    name: str, price: str | None = "2.50", *, barcode: str | None = None, is_active: bool = True
) -> Product:
    """Store a product without a photo."""
    return Product.objects.create(
        name=name, price=None if price is None else Decimal(price), barcode=barcode, is_active=is_active
    )


def product_with_photo(name: str, price: str | None = "2.50") -> Product:
    """Store a product with one small photo."""
    product = product_make(name, price)
    content = ContentFile(encoded(Image.new("RGB", (8, 8), (200, 120, 40))))
    image = ProductImage(product=product, sha256=uuid.uuid4().hex * 2)
    image.image.save("photo.jpg", content, save=True)
    return product


def coloured_tea_make() -> None:
    """Sell a red, a blue and a green pack, which are recognized by their colour."""
    for product_id, name in ((RED_ID, "Red tea"), (BLUE_ID, "Blue tea"), (GREEN_ID, "Green tea")):
        Product.objects.create(pk=product_id, name=name, price="2.50")


def session_with(user: User, *products: Product, quantity: int = 1) -> CheckoutSession:
    """Start a session whose cart holds these products."""
    session = services.session_start(user=user)
    for product in products:
        items.item_set(session_id=session.pk, product_id=product.pk, quantity=quantity)
    return session


def cart_lines(session: CheckoutSession) -> dict[str, int]:
    """Return the quantities in a cart, by name."""
    return {item.product.name: item.quantity for item in selectors.billing_items(session_id=session.pk)}


def order_make(user: User, *products: Product, quantity: int = 1) -> Order:
    """Buy products."""
    session = session_with(user, *products, quantity=quantity)
    return services.session_confirm(session_id=session.pk).order


def seen(score: float, margin: float = 0.2) -> Cause:
    """Return the cause of an addition by the camera."""
    return Cause(source=Source.VISION, score=score, margin=margin, reason=because(ReasonCode.STILL_UNKNOWN))
