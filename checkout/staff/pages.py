"""The page of the staff console."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import staff_required
from checkout.staff.page_texts import page_texts

NO_ID = UUID(int=0)


@require_safe
@never_cache
@staff_required
def console_page(request: HttpRequest) -> HttpResponse:
    """Show the console, which reads lanes and alerts over its socket."""
    options = {
        "session_id": "staff",  # by which the page keeps its own sound setting
        "socket_path": "/api/ws/staff",
        "products_path": "/api/products",
        "picture_path": reverse("api-staff-lane-picture", args=[NO_ID]),
        "pairing_path": reverse("api-staff-lane-pairing", args=[NO_ID]),
        "login_path": f"{reverse('login')}?{urlencode({'next': request.path})}",
        "icons_path": static("icons/sprite.svg"),
        "language": get_language() or settings.LANGUAGE_CODE,
        "texts": page_texts(),
    }
    return render(request, "staff/console.html", {"nav": "staff", "options": options})
