"""Reads sessions, carts, and the products a shopper names; changes nothing."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from accounts.models import User
from catalog.gtin import gtin_variants
from catalog.models import Product
from catalog.selectors import first_photo_name, photo_address
from checkout.cart.sessions import idle_since
from checkout.errors import BarcodeInvalid, ProductNotFound, SessionNotFound
from checkout.models import BillingItem, CheckoutSession
from checkout.payloads import Cart, CartLine, Choice, SessionInfo
from orders.models import OrderItem
from orders.services import OrderLine, lines_total


def session_get(*, user: User, session_id: UUID) -> CheckoutSession:
    """Return a shopper's own session; someone else's raises `SessionNotFound` like one that never was."""
    try:
        return CheckoutSession.objects.get(pk=session_id, user=user)
    except CheckoutSession.DoesNotExist:
        raise SessionNotFound(f"You have no checkout session {session_id}.") from None


def session_to_continue(*, user: User, leave_out: Collection[UUID] = ()) -> CheckoutSession | None:
    """Return the session a shopper was last active in and can continue, if any, but for some."""
    active = CheckoutSession.objects.filter(
        user=user, status=CheckoutSession.Status.ACTIVE, last_active__gte=idle_since()
    )
    return active.exclude(pk__in=leave_out).order_by("-last_active", "-id").first()


def session_info(*, session: CheckoutSession) -> SessionInfo:
    """Return what a client is told of a session."""
    completed = session.status == CheckoutSession.Status.COMPLETED
    return {
        "session_id": str(session.pk),
        "status": session.status,
        "created_at": session.created_at.isoformat(),
        "last_active": session.last_active.isoformat(),
        "order_id": str(session.order.pk) if completed else None,
    }


def billing_items(*, session_id: UUID) -> QuerySet[BillingItem]:
    """Return the lines of a cart with their products, in the order they were added."""
    return BillingItem.objects.filter(session_id=session_id).select_related("product")


def cart_is_empty(*, session_id: UUID) -> bool:
    """Whether a cart holds nothing."""
    return not BillingItem.objects.filter(session_id=session_id).exists()


def order_lines(items: Collection[BillingItem]) -> list[OrderLine]:
    """Return the lines as they would be sold now."""
    return [
        OrderLine(
            product_id=item.product_id,
            product_name=item.product.name,
            quantity=item.quantity,
            unit_price=item.product.price,
            avg_score=item.avg_score,
        )
        for item in items
    ]


def cart_get(*, session_id: UUID) -> Cart:
    """Return the cart of a session as every client sees it, in one query."""
    items = list(billing_items(session_id=session_id).annotate(photo=first_photo_name("product_id")))
    total = lines_total(order_lines(items))
    return {
        "items": [_cart_line(item, item.photo) for item in items],
        "total_items": sum(item.quantity for item in items),
        "total_amount": amount_text(total),
        "currency": settings.CURRENCY,
    }


def _cart_line(item: BillingItem, photo: str | None) -> CartLine:
    return {
        "product_id": str(item.product_id),
        "name": item.product.name,
        "quantity": item.quantity,
        "unit_price": amount_text(item.product.price),
        "avg_score": None if item.avg_score is None else float(item.avg_score),
        "source": item.source,
        "image": photo_address(photo),
    }


def amount_text(amount: Decimal | None) -> str | None:
    """Return an amount as JSON holds it: text with two places, which no client rounds."""
    return None if amount is None else f"{amount:.2f}"


def choices_get(*, product_ids: Collection[str]) -> dict[str, Choice]:
    """Return names and pictures of the products on sale among these, by id, in one query."""
    products = Product.objects.filter(pk__in=product_ids, is_active=True)
    rows = products.values_list("pk", "name", first_photo_name("pk"))
    return {
        str(pk): {"product_id": str(pk), "name": name, "image": photo_address(photo)}
        for pk, name, photo in rows
    }


def shopper_has_product(user: User, product_id: UUID) -> bool:
    """Whether a shopper has a product in a cart of theirs, or on a receipt."""
    in_cart = BillingItem.objects.filter(product=product_id, session__user=user)
    return in_cart.exists() or OrderItem.objects.filter(product=product_id, order__user=user).exists()


def product_by_barcode(*, code: str) -> Product:
    """Return the product on sale with a barcode, however many zeros lead it.

    Raises `BarcodeInvalid` for a code that is no GTIN, `ProductNotFound` where nothing on sale has it.
    """
    code = code.strip()
    variants = gtin_variants(code)
    if not variants:
        raise BarcodeInvalid("A barcode has 8, 12, 13 or 14 digits, the last of which is a check digit.")
    product = Product.objects.filter(barcode__in=variants, is_active=True).first()
    if product is None:
        raise ProductNotFound(f"No product on sale has the barcode {code}.", barcode=code)
    return product
