"""Addresses of the orders API, below /api/."""

from __future__ import annotations

from django.urls import path

from orders import api

urlpatterns = [
    path("orders", api.OrderListView.as_view(), name="api-orders"),
    path("orders/<uuid:order_id>", api.OrderDetailView.as_view(), name="api-order"),
]
