"""Addresses of the pages of lanes that need no lane."""

from __future__ import annotations

from django.urls import URLPattern, path

from checkout.lanes.pages import pair_page

urlpatterns: list[URLPattern] = [path("lane/pair/", pair_page, name="lane-pair")]
