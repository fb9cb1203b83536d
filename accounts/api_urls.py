"""Addresses of the accounts API, below /api/."""

from __future__ import annotations

from django.urls import URLPattern, path

from accounts import api

urlpatterns: list[URLPattern] = [
    path("auth/signup", api.SignupView.as_view(), name="api-signup"),
    path("auth/login", api.LoginView.as_view(), name="api-login"),
    path("auth/refresh", api.RefreshView.as_view(), name="api-refresh"),
    path("auth/logout", api.LogoutView.as_view(), name="api-logout"),
    path("auth/me", api.MeView.as_view(), name="api-me"),
]
