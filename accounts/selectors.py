"""Accounts that still have a published password."""

from __future__ import annotations

import hashlib
from contextlib import suppress

from django.contrib.auth.hashers import check_password
from django.core.cache import cache
from django.db import DatabaseError

from accounts.models import User

# What the demo shop is seeded with. They are published, so they must be changed.
DEFAULT_PASSWORDS = {"admin": "admin123", "user1": "user123"}
CACHE_S = 30 * 86_400


def default_accounts_list() -> list[str]:
    """Return the names of accounts that still have the demo shop's password."""
    try:
        users = list(User.objects.filter(username__in=DEFAULT_PASSWORDS, is_active=True).order_by("username"))
    except DatabaseError:
        return []
    return [user.username for user in users if has_default_password(user)]


def has_default_password(user: User) -> bool:
    """Compare once for each stored hash: hashing is slow by design, and the answer cannot change."""
    key = f"default-password:{hashlib.sha256(user.password.encode()).hexdigest()}"
    try:
        known = cache.get(key)
    except Exception:  # noqa: BLE001 - without a cache the comparison is merely slower
        known = None
    if known is None:
        known = check_password(DEFAULT_PASSWORDS[user.username], user.password)
        with suppress(Exception):
            cache.set(key, known, CACHE_S)
    return bool(known)
