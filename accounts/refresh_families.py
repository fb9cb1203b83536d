"""Refresh tokens by family: all that descend from one login, of which only the newest is valid."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.utils import timezone
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import BlacklistMixin, RefreshToken
from rest_framework_simplejwt.utils import datetime_from_epoch

from accounts.models import User

FAMILY_CHARACTERS = 32
# Access tokens name their family by it.
FAMILY_CLAIM = "family"


class FamilyToken(RefreshToken):
    """A refresh token whose id begins with that of its family.

    A token that is older than families has an id that is just long enough to be that of its family.
    """

    @property
    def family(self) -> str:
        """What the ids of the whole family begin with."""
        return str(self[api_settings.JTI_CLAIM])[:FAMILY_CHARACTERS]

    def check_blacklist(self) -> None:
        """Look for nothing here: whether a token has been used is certain only under a lock."""

    @classmethod
    def issue(cls, user: User, *, family: str = "") -> FamilyToken:
        """Return a token of a family, by default of a new one, and store it as outstanding."""
        token: Any = super(BlacklistMixin, cls).for_user(user)  # without the row of an id that is replaced
        token[FAMILY_CLAIM] = family or uuid4().hex
        token[api_settings.JTI_CLAIM] = token[FAMILY_CLAIM] + uuid4().hex
        OutstandingToken.objects.create(
            user=user,
            jti=token[api_settings.JTI_CLAIM],
            token=str(token),
            created_at=token.current_time,
            expires_at=datetime_from_epoch(token["exp"]),
        )
        found: FamilyToken = token
        return found


def family_is_revoked(family: str) -> bool:
    """Whether no refresh token of a login is left: it was logged out, or the last one has expired."""
    usable = OutstandingToken.objects.filter(blacklistedtoken=None, expires_at__gt=timezone.now())
    return not usable.filter(jti__startswith=family).exists()


def blacklist(**of: Any) -> None:
    """Blacklist all outstanding tokens that match, used or not; the caller holds their user's row."""
    outstanding = OutstandingToken.objects.filter(blacklistedtoken=None, **of)
    BlacklistedToken.objects.bulk_create(
        [BlacklistedToken(token=token) for token in outstanding], ignore_conflicts=True
    )
