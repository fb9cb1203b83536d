"""URL patterns of the WebSockets."""

from __future__ import annotations

from typing import Any, cast

from django.urls import URLPattern, re_path

from checkout.lanes.consumer import LaneConsumer
from checkout.live.consumer import CheckoutConsumer
from checkout.staff.consumer import StaffConsumer

websocket_urlpatterns: list[URLPattern] = [
    re_path(
        r"^api/ws/checkout/(?P<session_id>[^/]+)/?$",
        cast("Any", CheckoutConsumer.as_asgi()),
        name="checkout-socket",
    ),
    re_path(r"^api/ws/staff/?$", cast("Any", StaffConsumer.as_asgi()), name="staff-socket"),
    re_path(r"^api/ws/lane/?$", cast("Any", LaneConsumer.as_asgi()), name="lane-socket"),
]
