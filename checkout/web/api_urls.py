"""Addresses of the checkout API, below /api/."""

from __future__ import annotations

from django.urls import path

from checkout.web import api, staff_api

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
    path("staff/lanes", staff_api.StaffLanesView.as_view(), name="api-staff-lanes"),
    path(
        "staff/lanes/<uuid:lane_id>/picture",
        staff_api.StaffPictureView.as_view(),
        name="api-staff-lane-picture",
    ),
    path(
        "staff/lanes/<uuid:lane_id>/events/<uuid:event_id>/picture",
        staff_api.StaffEventPictureView.as_view(),
        name="api-staff-lane-event-picture",
    ),
    path(
        "staff/lanes/<uuid:lane_id>/pairing",
        staff_api.StaffPairingView.as_view(),
        name="api-staff-lane-pairing",
    ),
    path("staff/alerts", staff_api.StaffAlertsView.as_view(), name="api-staff-alerts"),
    path(
        "staff/alerts/<uuid:alert_id>/acknowledge",
        staff_api.AlertAcknowledgeView.as_view(),
        name="api-staff-alert-acknowledge",
    ),
    path(
        "staff/alerts/<uuid:alert_id>/resolve",
        staff_api.AlertResolveView.as_view(),
        name="api-staff-alert-resolve",
    ),
    path("lane/unlock", staff_api.UnlockView.as_view(), name="api-lane-unlock"),
    path("lane/lock", staff_api.LockView.as_view(), name="api-lane-lock"),
    path("lane/actions", staff_api.ActionsView.as_view(), name="api-lane-actions"),
    path("lane/settings", staff_api.LaneSettingsView.as_view(), name="api-lane-settings"),
]
