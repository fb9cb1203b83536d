"""The real hasher at its lowest cost, so that tests do not wait for it."""

from __future__ import annotations

from django.contrib.auth.hashers import BCryptSHA256PasswordHasher


class QuickBCryptSHA256PasswordHasher(BCryptSHA256PasswordHasher):
    rounds = 4
