"""Addresses of the checkout API, below /api/."""

from __future__ import annotations

from django.urls import path

from checkout.web import api

urlpatterns = [
    path("sessions", api.SessionListView.as_view(), name="api-sessions"),
    path("sessions/<uuid:session_id>", api.SessionDetailView.as_view(), name="api-session"),
    path("sessions/<uuid:session_id>/ticket", api.TicketView.as_view(), name="api-session-ticket"),
    path("sessions/<uuid:session_id>/billing", api.BillingView.as_view(), name="api-billing"),
    path(
        "sessions/<uuid:session_id>/billing/items/<uuid:product_id>",
        api.BillingItemView.as_view(),
        name="api-billing-item",
    ),
    path(
        "sessions/<uuid:session_id>/unresolved/<uuid:unresolved_id>/resolve",
        api.UnresolvedResolveView.as_view(),
        name="api-unresolved-resolve",
    ),
    path(
        "sessions/<uuid:session_id>/unresolved/<uuid:unresolved_id>/dismiss",
        api.UnresolvedDismissView.as_view(),
        name="api-unresolved-dismiss",
    ),
    path(
        "sessions/<uuid:session_id>/unresolved/<uuid:unresolved_id>/picture",
        api.UnresolvedPictureView.as_view(),
        name="api-unresolved-picture",
    ),
    path("sessions/<uuid:session_id>/billing/confirm", api.ConfirmView.as_view(), name="api-billing-confirm"),
]
