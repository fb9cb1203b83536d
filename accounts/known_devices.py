"""Devices on which an account has logged in, known again by a signed cookie.

Tries to log in are counted by name, so anybody could use them up and shut the owner out. A known device has
a count of its own (OWASP, "Slow down online guessing attacks with device cookies"). The cookie names one
account and opens nothing: it only decides which tries count together.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.http import HttpResponseBase

from accounts.models import User

DEVICE_COOKIE = "device"
LIFETIME = timedelta(days=180)
SALT = "accounts.known_devices"


def name_folded(username: str) -> str:
    """Return a name as attempts on it are counted."""
    return User.normalize_username(username).casefold()


def device_remember(answer: HttpResponseBase, user: User) -> None:
    """Let the client of an answer be known again, for this account."""
    known = {"name": name_folded(user.username), "id": secrets.token_urlsafe(12)}
    answer.set_cookie(
        DEVICE_COOKIE,
        signing.dumps(known, salt=SALT),
        max_age=LIFETIME,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def device_id(cookie: str, *, username: str) -> str:
    """Return by which id a device is known for an account, or an empty text."""
    try:
        known = signing.loads(cookie, salt=SALT, max_age=LIFETIME)
    except signing.BadSignature:
        return ""
    return str(known["id"]) if known["name"] == name_folded(username) else ""
