"""Logs into Django admin through the shop's own login page and its rate limits."""

from __future__ import annotations

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse


def admin_login(request: HttpRequest) -> HttpResponseRedirect:
    """Redirect visitors to the login page; raise PermissionDenied for users who are not staff."""
    if request.user.is_authenticated and not request.user.is_staff:
        raise PermissionDenied
    return redirect_to_login(request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index"))
