"""What a client is logged in by, and whether that still holds."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from rest_framework_simplejwt.tokens import Token

from accounts.models import User
from accounts.refresh_families import FAMILY_CLAIM, family_is_revoked


@dataclass(frozen=True)
class Login:
    """What a client was logged in by when it came: texts, so that a cache of any kind can hold them.

    Attributes
    ----------
    user_id : of the account
    password_mark : changes with the password
    session_key : of the login session in the browser's cookie; empty without one
    family : of the tokens of one login over REST; empty without one
    """

    user_id: str
    password_mark: str
    session_key: str = ""
    family: str = ""

    @property
    def account_id(self) -> UUID:
        """The id of the account."""
        return UUID(self.user_id)


def login_of(user: User, *, session_key: str | None = None, token: Any = None) -> Login:
    """Return what a user is logged in by: a login session, a token that was checked, or neither."""
    family = token.get(FAMILY_CLAIM, "") if isinstance(token, Token) else ""
    return Login(str(user.pk), user.get_session_auth_hash(), session_key or "", str(family))


def session_user(session_key: str) -> User | None:
    """Return who is logged in by a login session; None if it has ended or its password has changed."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(request)
    return user if isinstance(user, User) else None


def login_holds(login: Login) -> bool:
    """Whether a client is still logged in: the account open, the password the same, and nobody logged out."""
    user = User.objects.filter(pk=login.user_id, is_active=True).first()
    if user is None or not constant_time_compare(user.get_session_auth_hash(), login.password_mark):
        return False
    if login.session_key and session_user(login.session_key) != user:
        return False
    return not (login.family and family_is_revoked(login.family))
