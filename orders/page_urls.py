"""Addresses of the pages of orders."""

from __future__ import annotations

from django.urls import URLPattern, path

from orders.pages import my_page, receipt_page

urlpatterns: list[URLPattern] = [
    path("my/", my_page, name="my-page"),
    path("orders/<uuid:order_id>/", receipt_page, name="receipt"),
]
