"""Keeps accounts of devices, which one shopper after another uses, to what belongs to the device."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accounts.models import User

LANE_PATH = "/lane/"


def is_device(request: HttpRequest) -> bool:
    """Whether the account of a device asks."""
    return isinstance(request.user, User) and request.user.is_device


def shopper_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Show a page to whoever is logged in for themselves; a device is sent back to its own page."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if is_device(request):
            return HttpResponseRedirect(LANE_PATH)
        return login_required(view)(request, *args, **kwargs)

    return checked
