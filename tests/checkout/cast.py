"""Products, orders and visits for the tests of pages, made without recognition."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.core.files.base import ContentFile
from PIL import Image

from accounts.models import User
from catalog.models import Product, ProductImage
from checkout.cart.services import session_confirm
from orders.models import Order
from tests.checkout.shop import session_with
from tests.pictures import encoded


def product_make(name: str, price: str | None = "2.50") -> Product:
    """Store a product with one small photo."""
    product = Product.objects.create(name=name, price=None if price is None else Decimal(price))
    content = ContentFile(encoded(Image.new("RGB", (8, 8), (200, 120, 40))))
    image = ProductImage(product=product, sha256=uuid.uuid4().hex * 2)
    image.image.save("photo.jpg", content, save=True)
    return product


def order_make(user: User, *products: Product, quantity: int = 1) -> Order:
    """Buy products."""
    session = session_with(user, *products, quantity=quantity)
    return session_confirm(session_id=session.pk).order
