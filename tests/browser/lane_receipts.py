"""Paid visits of lanes for the browser tests."""

from __future__ import annotations

from importlib import import_module
from typing import TypedDict

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

from accounts.models import User
from accounts.stores import store_default
from catalog.models import Product
from checkout.cart import items, services
from checkout.lanes.services import lane_create
from checkout.lanes.visits import lane_visit
from orders.receipt_links import receipt_link_make


class PaidVisit(TypedDict):
    """A visit that was paid at a lane: its receipt, a link to it, and the login session of the lane."""

    order: str
    number: str
    token: str
    session_key: str


def paid_visits_make(count: int, *, leaves_after_s: int = 5) -> list[PaidVisit]:
    """Pay visits, each at a lane of its own."""
    paid: list[PaidVisit] = []
    for _ in range(count):
        number = User.objects.filter(is_device=True).count() + 1
        lane = lane_create(
            store=store_default(),
            name=f"Receipt {number}",
            code=f"R{number}",
            receipt_leaves_after_s=leaves_after_s,
        )
        visit = lane_visit(lane=lane)
        for quantity, product in enumerate(Product.objects.filter(price__isnull=False), start=1):
            items.item_set(session_id=visit.pk, product_id=product.pk, quantity=quantity)
        order = services.session_confirm(session_id=visit.pk).order
        session = import_module(settings.SESSION_ENGINE).SessionStore()
        session[SESSION_KEY] = str(lane.account_id)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = lane.account.get_session_auth_hash()
        session.create()
        paid.append(
            {
                "order": str(order.pk),
                "number": order.number,
                "token": receipt_link_make(order=order),
                "session_key": session.session_key,
            }
        )
    return paid
