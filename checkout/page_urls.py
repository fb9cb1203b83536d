"""Addresses of the pages of checkout."""

from __future__ import annotations

from django.urls import URLPattern, path

from checkout.pages import checkout_page, checkout_start, home, manifest

urlpatterns: list[URLPattern] = [
    path("", home, name="home"),
    path("manifest.webmanifest", manifest, name="manifest"),
    path("checkout/", checkout_start, name="checkout"),
    path("checkout/<uuid:session_id>/", checkout_page, name="checkout-session"),
]
