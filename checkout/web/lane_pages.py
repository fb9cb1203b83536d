"""The page of a lane: the checkout page in the shop's colours, for one shopper after another."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from checkout.lanes.access import LaneRequest, lane_page
from checkout.lanes.selectors import lane_settings
from checkout.lanes.visits import lane_visit
from checkout.models import CheckoutSession, Lane
from checkout.web.lane_language import visit_language, visit_language_forget, visit_language_keep
from checkout.web.lane_texts import lane_texts
from checkout.web.page_options import ANY_ID, page_options


@require_safe
@never_cache
@lane_page
def lane_home(request: LaneRequest) -> HttpResponse:
    """Show the visit at the lane, in the language of the shopper, the lane or the store.

    With `fresh` in the address for the next shopper, who chooses a language anew.
    """
    lane = request.lane
    if "fresh" in request.GET:
        visit_language_forget(request)
        return redirect("lane")
    session = lane_visit(lane=lane)
    chosen = visit_language(request, visit=session.pk)
    language = chosen or lane_settings(lane)["language"]
    with translation.override(language):
        options = lane_options(lane, session, has_begun=chosen is not None)
        context = {
            "nav": "lane",
            "lane": options["lane"],
            "options": options,
            "languages": settings.LANGUAGES,
        }
        response = render(request, "checkout/checkout.html", context)
    response.headers["Content-Language"] = language
    return response


def lane_options(lane: Lane, session: CheckoutSession, *, has_begun: bool) -> dict[str, Any]:
    """Return what the page of a lane tells its scripts, in the language that is active."""
    home = reverse("lane")
    options = page_options(session_id=session.pk, login_path=home)
    options["receipt_path"] = reverse("lane-receipt", args=[ANY_ID])
    options["texts"] |= lane_texts()
    options["lane"] = {
        **lane_settings(lane),
        "id": str(lane.pk),
        "store": {"name": lane.store.name, "logo": lane.store.logo.url if lane.store.logo else None},
        "has_begun": has_begun,
        "fresh_path": f"{home}?fresh=1",
        "socket_path": "/api/ws/lane",
        "lane_path": "/api/lane",
        "end_path": "/api/lane/visit/end",
        "unlock_path": "/api/lane/unlock",
        "lock_path": "/api/lane/lock",
        "actions_path": "/api/lane/actions",
        "settings_path": "/api/lane/settings",
    }
    return options


@require_POST
@never_cache
@lane_page
def lane_language(request: LaneRequest) -> HttpResponse:
    """Keep the language that the shopper chose, for this visit, which begins with it."""
    lane = request.lane
    language = request.POST.get("language", "")
    visit_language_keep(request, visit=lane_visit(lane=lane).pk, language=language)
    return redirect("lane")
