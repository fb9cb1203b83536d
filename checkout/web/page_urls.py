"""Addresses of the pages of checkout."""

from __future__ import annotations

from django.urls import URLPattern, path

from checkout.staff.pages import console_page
from checkout.web.home import home
from checkout.web.lane_pages import lane_home, lane_language
from checkout.web.lane_receipt import lane_receipt
from checkout.web.manifest import manifest
from checkout.web.pages import (
    checkout_continue,
    checkout_new,
    checkout_page,
    checkout_start,
    clip_start,
    likely_page,
)

urlpatterns: list[URLPattern] = [
    path("", home, name="home"),
    path("manifest.webmanifest", manifest, name="manifest"),
    path("staff/", console_page, name="staff-console"),
    path("checkout/", checkout_start, name="checkout"),
    path("checkout/new/", checkout_new, name="checkout-new"),
    path("checkout/<uuid:session_id>/", checkout_page, name="checkout-session"),
    path("checkout/<uuid:session_id>/continue/", checkout_continue, name="checkout-continue"),
    path("checkout/<uuid:session_id>/clip/", clip_start, name="checkout-clip"),
    path(
        "checkout/<uuid:session_id>/likely/<uuid:product_id>/",
        likely_page,
        name="checkout-likely",
    ),
    path("lane/", lane_home, name="lane"),
    path("lane/language/", lane_language, name="lane-language"),
    path("lane/receipt/<uuid:order_id>/", lane_receipt, name="lane-receipt"),
]
