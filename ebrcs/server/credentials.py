"""What a client shows to be known by, as far as can be said without asking the database."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings


def credential_of_scope(scope: Any) -> bytes:
    """Return a request's `Authorization` header or session cookie, unchecked; empty without either."""
    sent: dict[bytes, bytes] = dict(scope["headers"])
    name = re.escape(settings.SESSION_COOKIE_NAME).encode()
    cookie = re.search(rb"(?:^|;)\s*" + name + rb"=([^;]+)", sent.get(b"cookie", b""))
    return sent.get(b"authorization") or (cookie[1] if cookie else b"")
