"""The page of one's own orders, and the receipt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.devices import shopper_page
from accounts.page_store import page_store
from catalog.selectors import pictures_by_product
from orders.models import Order, OrderItem
from orders.selectors import order_get

ORDERS_PER_PAGE = 10
PICTURES_PER_ORDER = 3


@dataclass(frozen=True)
class OrderCard:
    """An order in a list: pictures of the first lines, and the number of the others."""

    order: Order
    pictures: list[str | None]
    more_count: int


@dataclass(frozen=True)
class ReceiptLine:
    """A line of a receipt with its picture and its amount."""

    item: OrderItem
    picture: str | None

    @property
    def amount(self) -> object:
        """The price of the whole line, or None without a unit price."""
        return None if self.item.unit_price is None else self.item.unit_price * self.item.quantity


def order_cards(orders: Sequence[Order]) -> list[OrderCard]:
    """Return the cards of a list of orders, whose lines must have been prefetched."""
    pictures = pictures_by_product(item.product_id for order in orders for item in order.items.all())
    cards = []
    for order in orders:
        items = list(order.items.all())
        shown = [pictures.get(item.product_id) for item in items[:PICTURES_PER_ORDER]]
        cards.append(OrderCard(order=order, pictures=shown, more_count=len(items) - len(shown)))
    return cards


@require_safe
@shopper_page
def my_page(request: HttpRequest) -> HttpResponse:
    """Show the user's own orders, newest first; a page number beyond the last shows the last page."""
    orders = Order.objects.filter(user=request.user.pk).prefetch_related("items")
    page = Paginator(orders, ORDERS_PER_PAGE).get_page(request.GET.get("page"))
    context = {"nav": "my-page", "page": page, "cards": order_cards(list(page.object_list))}
    return render(request, "orders/my_page.html", context)


@require_safe
@login_required
def receipt_page(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Show a receipt; someone else's is a 404, except for an admin."""
    assert request.user.is_authenticated
    try:
        order = order_get(user=request.user, order_id=order_id)
    except Order.DoesNotExist:
        raise Http404 from None
    # An order of before there were stores was sold by the first.
    context = {"order": order, "lines": receipt_lines(order), "shop": order.store or page_store()}
    return render(request, "orders/receipt.html", context)


def receipt_lines(order: Order) -> list[ReceiptLine]:
    """Return the lines of a receipt with their pictures."""
    items = list(order.items.all())
    pictures = pictures_by_product(item.product_id for item in items)
    return [ReceiptLine(item=item, picture=pictures.get(item.product_id)) for item in items]
