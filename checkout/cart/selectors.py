"""Reads sessions, carts, and the products a shopper names; changes nothing."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse

from accounts.models import User
from catalog.gtin import gtin_variants
from catalog.models import Product
from catalog.scanned_codes import gtins_of
from catalog.selectors import first_photo_name, photo_address
from checkout.cart.left_items import all_open_items, open_items
from checkout.cart.sessions import idle_since
from checkout.errors import BarcodeInvalid, ProductNotFound, SessionNotFound, UnresolvedNotFound
from checkout.models import BillingItem, CheckoutSession, UnresolvedItem
from checkout.payloads import Cart, CartLine, Choice, SessionInfo, UnresolvedLine
from orders.models import OrderItem
from orders.selectors import orders_shown
from orders.services import OrderLine, lines_total


def sessions_shown(user: User) -> QuerySet[CheckoutSession]:
    """Return the sessions that an account may see: a shopper's are all their own.

    At a device one shopper follows another, so its account sees the active session of its lane, and the one
    just paid while its receipt is shown.
    """
    own = CheckoutSession.objects.filter(user=user)
    if not user.is_device:
        return own
    active = Q(status=CheckoutSession.Status.ACTIVE, lane__account=user)
    return own.filter(active | Q(order__in=orders_shown(user)))


def session_get(*, user: User, session_id: UUID) -> CheckoutSession:
    """Return a session that the user may see; any other raises `SessionNotFound` like one that never was."""
    try:
        return sessions_shown(user).get(pk=session_id)
    except CheckoutSession.DoesNotExist:
        raise SessionNotFound(f"You have no checkout session {session_id}.") from None


def session_find(*, session_id: UUID) -> CheckoutSession:
    """Return a session, whosever it is, or raise `SessionNotFound`."""
    try:
        return CheckoutSession.objects.get(pk=session_id)
    except CheckoutSession.DoesNotExist:
        raise SessionNotFound(f"There is no checkout session {session_id}.") from None


def session_to_continue(
    *, user: User, leave_out: Collection[UUID] = (), browser: str | None = None
) -> CheckoutSession | None:
    """Return the session a shopper was last active in and can continue, if any, but for some.

    With a browser, only one that is this browser's, or that no browser has taken yet.
    """
    active = _sessions_open(user).exclude(pk__in=leave_out)
    if browser is not None:
        active = active.filter(browser__in=["", browser])
    return active.order_by("-last_active", "-id").first()


def session_elsewhere(*, user: User, browser: str, leave_out: Collection[UUID]) -> CheckoutSession | None:
    """Return the session with items that a shopper was last active in with another browser, but for some."""
    has_items = Exists(BillingItem.objects.filter(session=OuterRef("pk"))) | Exists(
        all_open_items().filter(session=OuterRef("pk"))
    )
    others = _sessions_open(user).exclude(browser__in=["", browser]).exclude(pk__in=leave_out)
    return others.filter(has_items).order_by("-last_active", "-id").first()


def _sessions_open(user: User) -> QuerySet[CheckoutSession]:
    return CheckoutSession.objects.filter(
        user=user, status=CheckoutSession.Status.ACTIVE, last_active__gte=idle_since()
    )


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
    """Whether a cart holds nothing, not even an item that is to be settled."""
    has_lines = BillingItem.objects.filter(session_id=session_id).exists()
    return not (has_lines or open_items(session_id=session_id).exists())


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
    """Return the cart of a session as every client sees it.

    In one query, unless it is empty or something is unresolved.
    """
    lines = billing_items(session_id=session_id).annotate(
        photo=first_photo_name("product_id"), has_unresolved=Exists(open_items(session_id=session_id))
    )
    items = list(lines)
    nothing_open = bool(items) and not items[0].has_unresolved
    return _cart(items, [] if nothing_open else unresolved_list(session_id=session_id))


def carts_get(*, session_ids: Collection[UUID]) -> dict[UUID, Cart]:
    """Return the carts of several sessions as `cart_get` does, in three queries whatever their number."""
    lines = BillingItem.objects.filter(session__in=session_ids).select_related("product")
    items_of: dict[UUID, list[BillingItem]] = {session_id: [] for session_id in session_ids}
    for item in lines.annotate(photo=first_photo_name("product_id")):
        items_of[item.session_id].append(item)
    open_of: dict[UUID, list[UnresolvedLine]] = {session_id: [] for session_id in session_ids}
    for session_id, line in unresolved_lines(all_open_items().filter(session__in=session_ids)):
        open_of[session_id].append(line)
    return {session_id: _cart(items, open_of[session_id]) for session_id, items in items_of.items()}


def _cart(items: list[Any], unresolved: list[UnresolvedLine]) -> Cart:
    """Return a cart of lines that were read with their products and with `photo`."""
    return {
        "items": [_cart_line(item, item.photo) for item in items],
        "total_items": sum(item.quantity for item in items),
        "total_amount": amount_text(lines_total(order_lines(items))),
        "currency": settings.CURRENCY,
        "unresolved": unresolved,
    }


def unresolved_list(*, session_id: UUID) -> list[UnresolvedLine]:
    """Return the open unresolved items of a session, the oldest first, in one query or two."""
    return [line for _, line in unresolved_lines(open_items(session_id=session_id))]


def unresolved_lines(open_ones: QuerySet[UnresolvedItem]) -> list[tuple[UUID, UnresolvedLine]]:
    """Return each of some open items as clients see it, with its session, in one query or two."""
    rows = list(
        open_ones.annotate(has_picture=Q(event__thumbnail__isnull=False)).values_list(
            "session_id", "pk", "kind", "track", "choices", "created_at", "has_picture"
        )
    )
    named = {product_id for row in rows for product_id in row[4]}
    choices = choices_get(product_ids=named) if named else {}
    return [
        (
            session_id,
            {
                "id": str(pk),
                "kind": kind,
                "track": track,
                "image": reverse("api-unresolved-picture", args=[session_id, pk]) if has_picture else None,
                "choices": [choices[product_id] for product_id in offered if product_id in choices],
                "created_at": created_at.isoformat(),
            },
        )
        for session_id, pk, kind, track, offered, created_at, has_picture in rows
    ]


def unresolved_picture(*, session_id: UUID, unresolved_id: UUID) -> bytes:
    """Return the camera's picture of an unresolved item, open or not.

    Raises `UnresolvedNotFound` where there is no such item in the session, or no picture of it.
    """
    item = UnresolvedItem.objects.filter(session_id=session_id, pk=unresolved_id)
    picture = item.values_list("event__thumbnail", flat=True).first()
    if picture is None:
        raise UnresolvedNotFound(f"There is no picture of an unresolved item {unresolved_id}.")
    return bytes(picture)


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
    """Return names, pictures and prices of the products on sale among these, by id, in one query."""
    products = Product.objects.filter(pk__in=product_ids, is_active=True)
    rows = products.values_list("pk", "name", first_photo_name("pk"), "price")
    return {
        str(pk): {
            "product_id": str(pk),
            "name": name,
            "image": photo_address(photo),
            "price": amount_text(price),
        }
        for pk, name, photo, price in rows
    }


def shopper_has_product(user: User, product_id: UUID) -> bool:
    """Whether a shopper has a product in a cart of theirs, or on a receipt, that the account may see."""
    in_cart = BillingItem.objects.filter(product=product_id, session__in=sessions_shown(user))
    sold = OrderItem.objects.filter(product=product_id, order__in=orders_shown(user))
    return in_cart.exists() or sold.exists()


def product_by_barcode(*, code: str) -> Product:
    """Return the product on sale with a barcode, as scanners and people write it.

    Of several numbers that the code can stand for, the likeliest that is on sale counts. Raises
    `BarcodeInvalid` for a code that holds no GTIN, `ProductNotFound` where nothing on sale has it.
    """
    gtins = gtins_of(code)
    if not gtins:
        raise BarcodeInvalid("A barcode has 8, 12, 13 or 14 digits, the last of which is a check digit.")
    for gtin in gtins:
        product = Product.objects.filter(barcode__in=gtin_variants(gtin), is_active=True).first()
        if product is not None:
            return product
    raise ProductNotFound(f"No product on sale has the barcode {gtins[0]}.", barcode=gtins[0])
