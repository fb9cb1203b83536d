"""Products, orders and visits for the tests of pages, made without recognition."""

from __future__ import annotations

import io
import uuid
from decimal import Decimal

from django.core.files.base import ContentFile
from PIL import Image

from accounts.models import User
from catalog.models import Product, ProductImage
from checkout.models import CheckoutSession
from checkout.services import item_set, session_confirm, session_start
from orders.models import Order


def product_make(name: str, price: str | None = "2.50") -> Product:
    """Store a product with one small photo."""
    product = Product.objects.create(name=name, price=None if price is None else Decimal(price))
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), (200, 120, 40)).save(stream, "JPEG")
    image = ProductImage(product=product, sha256=uuid.uuid4().hex * 2)
    image.image.save("photo.jpg", ContentFile(stream.getvalue()), save=True)
    return product


def order_make(user: User, *products: Product, quantity: int = 1) -> Order:
    """Buy products."""
    session = visit_make(user, *products, quantity=quantity)
    return session_confirm(session_id=session.pk).order


def visit_make(user: User, *products: Product, quantity: int = 1) -> CheckoutSession:
    """Begin a visit with products in the cart."""
    session = session_start(user=user)
    for product in products:
        item_set(session_id=session.pk, product_id=product.pk, quantity=quantity)
    return session
