"""The pages of a receipt link: opened by a person once, then the browser's own for a day.

Messengers and mail programs look into links to draw a preview: whatever a GET or HEAD shows burns nothing. It
shows a page whose button opens the link by POST; a script presses it, but only in a page that somebody looks
at, which no preview is. Without scripts, a tap does the same.
"""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.devices import is_device
from accounts.models import User
from accounts.pages import pause_page
from ebrcs.errors import EbrcsError
from ebrcs.rate_limits import TooManyRequests, client_address, rate_limit_check
from orders.errors import ReceiptLinkGone, ReceiptNotClaimable
from orders.models import ReceiptLink
from orders.pages import receipt_lines
from orders.receipt_links import (
    SHOWN_FOR,
    is_claimable,
    receipt_claim,
    receipt_link_check,
    receipt_link_get,
    receipt_link_open,
)

COOKIE = "receipt"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def receipt_link_page(request: HttpRequest, token: str) -> HttpResponse:
    """Ask to open a link, open it, or show its receipt to the browser that has opened it."""
    try:
        if request.method == "POST":
            return _opened(request, token)
        link = _link(request, token)
        if link.opened_at is None:
            return _private(render(request, "orders/receipt_open.html"))
    except TooManyRequests as refusal:
        return _private(pause_page(request, refusal))
    except EbrcsError as refusal:
        return _refused(request, refusal)
    order = link.order
    context = {
        "order": order,
        "lines": receipt_lines(order),
        "link": True,
        "claim_path": reverse("receipt-claim", args=[token]),
        "link_path": request.path,
        "claimable": is_claimable(order) and not is_device(request),
        "is_own": order.user == request.user,
    }
    return _private(render(request, "orders/receipt.html", context))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def receipt_claim_page(request: HttpRequest, token: str) -> HttpResponse:
    """Add the receipt of a link that this browser holds to the shopper's account.

    Whoever had to log in again comes by GET, and is led back to the button.
    """
    if request.method != "POST":
        return redirect("receipt-link", token=token)
    try:
        link = _link(request, token)
        if link.opened_at is None:
            raise ReceiptLinkGone("Open the link first.")
        order = receipt_claim(order_id=link.order_id, user=cast("User", request.user))
    except TooManyRequests as refusal:
        return _private(pause_page(request, refusal))
    except EbrcsError as refusal:
        return _refused(request, refusal)
    return redirect("receipt", order_id=order.pk)


def _opened(request: HttpRequest, token: str) -> HttpResponse:
    link = _link(request, token)
    if link.opened_at is None:
        receipt_link_open(token=token)
    answer = redirect("receipt-link", token=token)
    answer.set_signed_cookie(
        COOKIE,
        str(link.pk),
        salt=_salt(token),
        max_age=SHOWN_FOR,
        path=reverse("receipt-link", args=[token]),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return _private(answer)


def _link(request: HttpRequest, token: str) -> ReceiptLink:
    """Return the link, if this browser may open it or holds it; whoever holds none is counted."""
    held = request.get_signed_cookie(COOKIE, "", salt=_salt(token), max_age=SHOWN_FOR)
    if not held:
        rate_limit_check("receipt", f"address:{client_address(request)}")
    link = receipt_link_get(token=token)
    receipt_link_check(link, is_holder=held == str(link.pk))
    return link


def _salt(token: str) -> str:
    """Return the salt by which the cookie of one link is none of another's."""
    return f"orders.receipt_link:{token}"


def _refused(request: HttpRequest, refusal: EbrcsError) -> HttpResponse:
    context = {"claimed": isinstance(refusal, ReceiptNotClaimable)}
    return _private(render(request, "orders/receipt_gone.html", context, status=refusal.status))


def _private(answer: HttpResponse) -> HttpResponse:
    """Keep the address out of search engines; other sites are never told it (`SECURE_REFERRER_POLICY`)."""
    answer["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return answer
