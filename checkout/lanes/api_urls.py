"""Addresses of the lane API, below /api/."""

from __future__ import annotations

from django.urls import URLPattern, path

from checkout.lanes import api

urlpatterns: list[URLPattern] = [
    path("lane", api.LaneView.as_view(), name="api-lane"),
    path("lane/pair", api.PairView.as_view(), name="api-lane-pair"),
    path("lane/token", api.LaneTokenView.as_view(), name="api-lane-token"),
    path("lane/visit/end", api.VisitEndView.as_view(), name="api-lane-visit-end"),
]
