"""The home page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.browsers import browser_known
from accounts.devices import LANE_PATH, is_device
from checkout.cart.selectors import session_to_continue
from checkout.demo.clip import clip_available
from checkout.web.clip_visit import clip_visits
from orders.models import Order
from orders.pages import order_cards

LAST_ORDERS_MAX = 3


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show what this is, the one thing to do next, and the last orders; a device has its own page."""
    if is_device(request):
        return redirect(LANE_PATH)
    context: dict[str, object] = {"nav": "home", "demo_available": clip_available()}
    if request.user.is_authenticated:
        orders = Order.objects.filter(user=request.user).prefetch_related("items")[:LAST_ORDERS_MAX]
        context["open_session"] = session_to_continue(
            user=request.user, leave_out=clip_visits(request), browser=browser_known(request.session)
        )
        context["last_orders"] = order_cards(list(orders))
    return render(request, "checkout/home.html", context)
