"""The checkout page: starting or continuing a visit, the page itself, and alternatives for a wrong line."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.browsers import browser_known, browser_of
from accounts.devices import shopper_page
from accounts.pages import pause_page
from checkout.cart import selectors, services
from checkout.demo.clip import CLIP_PATH, clip_available
from checkout.errors import SessionElsewhere, SessionNotActive, SessionNotFound
from checkout.models import CheckoutSession
from checkout.web.alternatives import products_likely
from checkout.web.clip_visit import clip_visit_keep, clip_visit_own, clip_visits
from checkout.web.declined_visits import visit_decline, visits_declined
from checkout.web.page_options import page_options
from ebrcs.rate_limits import TooManyRequests, rate_limit_check

ITEMS_SHOWN_MAX = 5
JUST_NOW = timedelta(minutes=1)


@require_safe
@never_cache
@shopper_page
def checkout_start(request: HttpRequest) -> HttpResponse:
    """Continue the visit of this browser, offer one that goes on in another, or start one."""
    session = session_here(request)
    if session is None:
        elsewhere = session_offered(request)
        if elsewhere is not None:
            return elsewhere_page(request, elsewhere)
        try:
            session = session_begin(request)
        except TooManyRequests as refusal:
            return pause_page(request, refusal)
    return session_redirect(request, session)


@require_POST
@never_cache
@shopper_page
def checkout_new(request: HttpRequest) -> HttpResponse:
    """Start a visit in this browser although another goes on elsewhere, which is not offered again."""
    elsewhere = session_offered(request)
    try:
        session = session_begin(request)
    except TooManyRequests as refusal:
        return pause_page(request, refusal)
    if elsewhere is not None:
        visit_decline(request, visit=elsewhere.pk)
    return session_redirect(request, session)


@require_POST
@never_cache
@shopper_page
def checkout_continue(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Go on here with a visit from another device, unless a third one has just taken it."""
    session = own_session_or_404(request, session_id)
    with suppress(SessionElsewhere, SessionNotActive):  # the visit's page says how it stands, and what to do
        services.session_move(
            session_id=session.pk, browser=browser_of(request), expected=request.POST.get("with", "")
        )
    return redirect("checkout-session", session_id=session.pk)


@require_safe
@never_cache
@shopper_page
def clip_start(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Play the demo clip: in this session while its cart is empty, else in one of its own."""
    session = own_session_or_404(request, session_id)
    if is_elsewhere(request, session):
        return redirect("checkout-session", session_id=session.pk)
    return clip_redirect(request, session)


def session_here(request: HttpRequest) -> CheckoutSession | None:
    """Return the visit to continue in this browser, which takes one that another program began."""
    assert request.user.is_authenticated
    browser = browser_of(request)
    session = selectors.session_to_continue(
        user=request.user, leave_out=clip_visits(request), browser=browser
    )
    if session is None or session.browser:
        return session
    try:
        return services.session_move(session_id=session.pk, browser=browser, expected="")
    except (SessionElsewhere, SessionNotActive):
        return session_here(request)  # another browser was faster, or it has just ended


def session_offered(request: HttpRequest) -> CheckoutSession | None:
    """Return the visit with items that goes on in another browser, unless it was declined in this one."""
    assert request.user.is_authenticated
    return selectors.session_elsewhere(
        user=request.user,
        browser=browser_of(request),
        leave_out=[*clip_visits(request), *visits_declined(request)],
    )


def is_elsewhere(request: HttpRequest, session: CheckoutSession) -> bool:
    """Whether a session goes on, or went on, in another browser than the one that asks."""
    return session.browser not in ("", browser_known(request.session))


def elsewhere_page(request: HttpRequest, session: CheckoutSession, *, asked: bool = False) -> HttpResponse:
    """Offer to continue a visit from another device here; `asked`: it was opened by its own address."""
    cart = selectors.cart_get(session_id=session.pk)
    context = {
        "nav": "checkout",
        "visit": session,
        "cart": cart,
        "shown": cart["items"][:ITEMS_SHOWN_MAX],
        "more_count": max(0, len(cart["items"]) - ITEMS_SHOWN_MAX),
        "is_paid": session.status == CheckoutSession.Status.COMPLETED,
        "is_in_use": timezone.now() - session.last_active < JUST_NOW,
        "asked": asked,
    }
    return render(request, "checkout/elsewhere.html", context)


def session_redirect(request: HttpRequest, session: CheckoutSession) -> HttpResponse:
    """Send the shopper to the page of a visit, where the clip plays if it was asked for."""
    if request.GET.get("camera") == "demo":
        return clip_redirect(request, session)
    return redirect("checkout-session", session_id=session.pk)


def clip_redirect(request: HttpRequest, session: CheckoutSession) -> HttpResponse:
    """Send the shopper to where the clip plays: a session of its own, unless this one's cart is empty."""
    is_active = session.status == CheckoutSession.Status.ACTIVE
    if is_active and not selectors.cart_is_empty(session_id=session.pk):
        try:
            visit = session_begin(request)
        except TooManyRequests as refusal:
            return pause_page(request, refusal)
        services.session_touch(session_id=session.pk)
        clip_visit_keep(request, visit=visit.pk, own=session.pk)
        session = visit
    target = reverse("checkout-session", args=[session.pk])
    return HttpResponseRedirect(f"{target}?{urlencode({'camera': 'demo'})}")


@require_safe
@never_cache
@shopper_page
def checkout_page(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Show the checkout page; a paid session leads to its receipt, an expired one says that it has ended.

    A visit of another browser is offered here, and its receipt is for that browser to show.
    """
    session = own_session_or_404(request, session_id)
    if is_elsewhere(request, session):
        session = services.session_current(session=session)
        if session.status != CheckoutSession.Status.EXPIRED:
            return elsewhere_page(request, session, asked=True)
    elif session.status == CheckoutSession.Status.COMPLETED:
        return redirect("receipt", order_id=session.order.pk)
    if session.status == CheckoutSession.Status.EXPIRED:
        return render(request, "checkout/ended.html")
    own_id = clip_visit_own(request, visit=session.pk)
    plays_clip = own_id is not None or (
        request.GET.get("camera") == "demo" and selectors.cart_is_empty(session_id=session.pk)
    )
    options = page_options(
        session_id=session.pk,
        login_path=f"{reverse('login')}?{urlencode({'next': request.path})}",
        clip_path=f"{settings.MEDIA_URL}{CLIP_PATH}" if clip_available() else None,
        start_with_clip=plays_clip,
        own_path=None if own_id is None else reverse("checkout-session", args=[own_id]),
    )
    context = {"nav": "checkout", "options": options, "demo_available": clip_available()}
    return render(request, "checkout/checkout.html", context)


def own_session_or_404(request: HttpRequest, session_id: UUID) -> CheckoutSession:
    """Return the shopper's own session, or raise `Http404`."""
    assert request.user.is_authenticated
    try:
        return selectors.session_get(user=request.user, session_id=session_id)
    except SessionNotFound:
        raise Http404 from None


def session_begin(request: HttpRequest) -> CheckoutSession:
    """Start a session for the shopper, or raise `TooManyRequests`."""
    assert request.user.is_authenticated
    rate_limit_check("session", f"user:{request.user.pk}")
    return services.session_start(user=request.user, browser=browser_of(request))


@require_safe
@never_cache
@login_required
def likely_page(request: HttpRequest, session_id: UUID, product_id: UUID) -> JsonResponse:
    """List alternatives for a line of the shopper's own cart."""
    assert request.user.is_authenticated
    try:
        rate_limit_check("recognize", f"user:{request.user.pk}")
        session = selectors.session_get(user=request.user, session_id=session_id)
    except TooManyRequests as refusal:
        headers = {"Retry-After": str(refusal.retry_after_s)}
        return JsonResponse({"products": []}, status=429, headers=headers)
    except SessionNotFound:
        raise Http404 from None
    if is_elsewhere(request, session):
        raise Http404
    return JsonResponse({"products": products_likely(session_id=session.pk, product_id=product_id)})
