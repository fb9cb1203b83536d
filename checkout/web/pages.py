"""Home, the way into a visit, and the checkout page itself."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from checkout.cart import selectors, services, sessions
from checkout.demo.clip import CLIP_PATH
from checkout.errors import SessionNotFound
from checkout.models import CheckoutSession
from checkout.web.alternatives import products_likely
from checkout.web.page_texts import page_texts
from ebrcs.rate_limits import TooManyRequests, rate_limit_check
from orders.models import Order
from orders.pages import order_cards

LAST_ORDERS = 3


def open_session(user: User) -> CheckoutSession | None:
    """Return the visit the shopper is in the middle of, if any."""
    return (
        CheckoutSession.objects.filter(
            user=user, status=CheckoutSession.Status.ACTIVE, last_active__gte=sessions.idle_since()
        )
        .order_by("-last_active", "-id")
        .first()
    )


def demo_available() -> bool:
    """Whether there is a clip to play in the place of a camera."""
    return (Path(settings.MEDIA_ROOT) / CLIP_PATH).is_file()


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Say what this is, and offer the one thing to do next."""
    context: dict[str, object] = {"nav": "home", "demo_available": demo_available()}
    if request.user.is_authenticated:
        orders = Order.objects.filter(user=request.user).prefetch_related("items")[:LAST_ORDERS]
        context["open_session"] = open_session(request.user)
        context["last_orders"] = order_cards(list(orders))
    return render(request, "checkout/home.html", context)


@require_safe
@never_cache
@login_required
def checkout_start(request: HttpRequest) -> HttpResponse:
    """Go on with the visit that is open, or begin one."""
    assert request.user.is_authenticated
    session = open_session(request.user) or services.session_start(user=request.user)
    target = reverse("checkout-session", args=[session.pk])
    query = {"camera": "demo"} if request.GET.get("camera") == "demo" else {}
    return HttpResponseRedirect(f"{target}?{urlencode(query)}" if query else target)


@require_safe
@never_cache
@login_required
def checkout_page(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Show the till; a visit that was paid shows its receipt, one that ran out says so."""
    assert request.user.is_authenticated
    try:
        session = selectors.session_get(user=request.user, session_id=session_id)
    except SessionNotFound:
        raise Http404 from None
    if session.status == CheckoutSession.Status.COMPLETED:
        return redirect("receipt", order_id=session.order.pk)
    if session.status == CheckoutSession.Status.EXPIRED:
        return render(request, "checkout/ended.html")
    options = {
        "session_id": str(session.pk),
        "socket_path": f"/api/ws/checkout/{session.pk}",
        "confirm_path": f"/api/sessions/{session.pk}/billing/confirm",
        "products_path": "/api/products",
        "likely_path": reverse("checkout-likely", args=[session.pk, UUID(int=0)]),
        "receipt_path": reverse("receipt", args=[UUID(int=0)]),
        "login_path": f"{reverse('login')}?{urlencode({'next': request.path})}",
        "clip_path": f"{settings.MEDIA_URL}{CLIP_PATH}" if demo_available() else None,
        "start_with_clip": request.GET.get("camera") == "demo",
        "icons_path": static("icons/sprite.svg"),
        "language": get_language() or settings.LANGUAGE_CODE,
        "texts": page_texts(),
    }
    context = {"nav": "checkout", "options": options, "demo_available": demo_available()}
    return render(request, "checkout/checkout.html", context)


@require_safe
@never_cache
@login_required
def likely_page(request: HttpRequest, session_id: UUID, product_id: UUID) -> JsonResponse:
    """Tell the till's page which products a line of one's own cart may be in truth."""
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


@require_safe
def manifest(request: HttpRequest) -> JsonResponse:
    """Describe the site as an app that can be installed."""
    sizes = (192, 512)
    icons = [
        {"src": static(f"icons/icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png"}
        for size in sizes
    ]
    icons.append({"src": static("icons/icon.svg"), "sizes": "any", "type": "image/svg+xml"})
    maskable = {**icons[1], "src": static("icons/icon-maskable-512.png"), "purpose": "maskable"}
    body = {
        "id": "/",
        "name": _("EBRCS self-checkout"),
        "short_name": "EBRCS",
        "description": _("Self-checkout that recognizes products by sight."),
        "lang": get_language() or settings.LANGUAGE_CODE,
        "start_url": reverse("home"),
        "scope": "/",
        "display": "standalone",
        "background_color": "#f5f7f5",
        "theme_color": "#0b6e5f",
        "icons": [*icons, maskable],
        "shortcuts": [
            {"name": _("Start checkout"), "url": reverse("checkout")},
            {"name": _("My orders"), "url": reverse("my-page")},
        ],
    }
    return JsonResponse(body, content_type="application/manifest+json")
