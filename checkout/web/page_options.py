"""What the checkout page tells its scripts: addresses, language and sentences."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language

from checkout.web.page_texts import page_texts

ANY_ID = UUID(int=0)


def page_options(
    *,
    session_id: UUID,
    login_path: str,
    clip_path: str | None = None,
    start_with_clip: bool = False,
    own_path: str | None = None,
) -> dict[str, Any]:
    """Return the options of the page of a session, in the language that is active."""
    return {
        "session_id": str(session_id),
        "socket_path": f"/api/ws/checkout/{session_id}",
        "confirm_path": f"/api/sessions/{session_id}/billing/confirm",
        "products_path": "/api/products",
        "likely_path": reverse("checkout-likely", args=[session_id, ANY_ID]),
        "receipt_path": reverse("receipt", args=[ANY_ID]),
        "login_path": login_path,
        "clip_path": clip_path,
        "start_with_clip": start_with_clip,
        "clip_visit_path": reverse("checkout-clip", args=[session_id]),
        "own_path": own_path,
        "icons_path": static("icons/sprite.svg"),
        "language": get_language() or settings.LANGUAGE_CODE,
        "texts": page_texts(),
    }
