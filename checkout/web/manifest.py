"""The web app manifest, by which browsers install the site as an app."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.page_store import page_store


@require_safe
def manifest(request: HttpRequest) -> JsonResponse:
    """Describe the site as an app that can be installed."""
    shop = page_store().name
    sizes = (192, 512)
    icons = [
        {"src": static(f"icons/icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png"}
        for size in sizes
    ]
    icons.append({"src": static("icons/icon.svg"), "sizes": "any", "type": "image/svg+xml"})
    maskable = {**icons[1], "src": static("icons/icon-maskable-512.png"), "purpose": "maskable"}
    body = {
        "id": "/",
        "name": _("%(shop)s self-checkout") % {"shop": shop},
        "short_name": shop,
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
