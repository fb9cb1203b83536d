"""Addresses of the pages of orders."""

from __future__ import annotations

from django.urls import URLPattern, path

from orders.link_pages import receipt_claim_page, receipt_link_page
from orders.pages import my_page, receipt_page

urlpatterns: list[URLPattern] = [
    path("my/", my_page, name="my-page"),
    path("orders/<uuid:order_id>/", receipt_page, name="receipt"),
    path("r/<str:token>/", receipt_link_page, name="receipt-link"),
    path("r/<str:token>/claim/", receipt_claim_page, name="receipt-claim"),
]
