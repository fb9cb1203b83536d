"""The receipt at a lane: shown for a moment, and taken along by a QR code."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.devices import LANE_PATH
from checkout.lanes.access import LaneRequest, lane_page
from checkout.lanes.selectors import lane_settings
from checkout.web.lane_language import visit_language
from orders.pages import receipt_lines
from orders.qr import qr_svg
from orders.receipt_links import receipt_is_taken, receipt_link_make
from orders.selectors import orders_shown

LINES_SHOWN_MAX = 6


@require_safe
@never_cache
@lane_page
def lane_receipt(request: LaneRequest, order_id: UUID) -> HttpResponse:
    """Show the receipt of the visit just paid at this lane; any other leads back to the lane's page.

    It speaks the language that the shopper chose. The code is shown until a phone has opened its link, after
    which nobody else can.
    """
    lane = request.lane
    order = orders_shown(lane.account).prefetch_related("items").filter(pk=order_id).first()
    if order is None:
        return redirect(LANE_PATH)
    link = None
    if not receipt_is_taken(order):
        path = reverse("receipt-link", args=[receipt_link_make(order=order)])
        link = request.build_absolute_uri(path)
    lines = receipt_lines(order)
    context = {
        "lane": lane,
        "order": order,
        "lines": lines[:LINES_SHOWN_MAX],
        "more_count": max(0, len(lines) - LINES_SHOWN_MAX),
        "qr": None if link is None else qr_svg(link),
        "leaves_after_s": lane.receipt_leaves_after_s,
        "home_path": f"{LANE_PATH}?fresh",
    }
    language = visit_language(request, visit=order.session_id) or lane_settings(lane)["language"]
    with translation.override(language):
        answer = render(request, "lane/receipt.html", context)
    answer.headers["Content-Language"] = language
    return answer
