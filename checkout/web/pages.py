"""The checkout page: starting or continuing a visit, the page itself, and alternatives for a wrong line."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.pages import pause_page
from checkout.cart import selectors, services
from checkout.demo.clip import CLIP_PATH, clip_available
from checkout.errors import SessionNotFound
from checkout.models import CheckoutSession
from checkout.web.alternatives import products_likely
from checkout.web.clip_visit import clip_visit_keep, clip_visit_own, clip_visits
from checkout.web.page_options import page_options
from ebrcs.rate_limits import TooManyRequests, rate_limit_check


@require_safe
@never_cache
@login_required
def checkout_start(request: HttpRequest) -> HttpResponse:
    """Continue the session the shopper is in the middle of, or start one."""
    assert request.user.is_authenticated
    session = selectors.session_to_continue(user=request.user, leave_out=clip_visits(request))
    if session is None:
        try:
            session = session_begin(request)
        except TooManyRequests as refusal:
            return pause_page(request, refusal)
    if request.GET.get("camera") == "demo":
        return clip_redirect(request, session)
    return redirect("checkout-session", session_id=session.pk)


@require_safe
@never_cache
@login_required
def clip_start(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Play the demo clip: in this session while its cart is empty, else in one of its own."""
    return clip_redirect(request, own_session_or_404(request, session_id))


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
@login_required
def checkout_page(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Show the checkout page; a paid session leads to its receipt, an expired one says that it has ended."""
    session = own_session_or_404(request, session_id)
    if session.status == CheckoutSession.Status.COMPLETED:
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
    return services.session_start(user=request.user)


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
    return JsonResponse({"products": products_likely(session_id=session.pk, product_id=product_id)})
