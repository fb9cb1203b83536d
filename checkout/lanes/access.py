"""Lets devices of lanes into their pages: by their login session, or by the key in their cookie."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from checkout.lanes.pairing import lane_by_key
from checkout.lanes.selectors import lane_of
from checkout.models import Lane

P = ParamSpec("P")
KEY_COOKIE = "lane_key"
KEY_COOKIE_AGE = timedelta(days=400)
"""As long as browsers keep a cookie at most."""
LOGIN_AGE = timedelta(days=365)
BACKEND = "django.contrib.auth.backends.ModelBackend"


class LaneRequest(HttpRequest):
    """A request of a device that is paired with a lane."""

    lane: Lane


def lane_page(
    view: Callable[Concatenate[Any, P], HttpResponseBase],
) -> Callable[Concatenate[Any, P], HttpResponseBase]:
    """Serve a view to devices of lanes, with `request.lane`; others are led to the pairing page.

    A device whose login session has ended is logged in again by its key.
    """

    @wraps(view)
    def entered(request: Any, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        lane = lane_of(request.user)
        key = ""
        if lane is None:
            key = request.COOKIES.get(KEY_COOKIE, "")
            lane = lane_by_key(key)
            if lane is None:
                return redirect("lane-pair")
            lane_login(request, lane)
        request.lane = lane
        answer = view(request, *args, **kwargs)
        if key:
            key_cookie_set(answer, key)
        return answer

    return entered


def lane_login(request: HttpRequest, lane: Lane) -> None:
    """Log a browser in as the account of a lane, for a year or until the key is revoked."""
    login(request, lane.account, backend=BACKEND)
    request.session.set_expiry(LOGIN_AGE)


def key_cookie_set(answer: HttpResponseBase, key: str) -> None:
    """Have the browser keep the key, where no script can read it."""
    answer.set_cookie(
        KEY_COOKIE,
        key,
        max_age=KEY_COOKIE_AGE,
        httponly=True,
        samesite="Strict",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def paired_answer(request: HttpRequest, answer: HttpResponse, *, lane: Lane, key: str) -> HttpResponse:
    """Log a device in that was just paired, and return the answer with its key."""
    lane_login(request, lane)
    key_cookie_set(answer, key)
    return answer
