"""Signup, login, and refresh tokens, each of which is used once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.contrib.auth import authenticate
from django.contrib.auth.models import update_last_login
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.utils import get_md5_hash_password

from accounts.errors import InvalidCredentials, TokenNotValid, TokenUsedBefore, UsernameTaken
from accounts.known_devices import device_id, name_folded
from accounts.models import User
from accounts.names import skeleton_digest
from accounts.refresh_families import FamilyToken, blacklist
from ebrcs.rate_limits import TooManyRequests, rate_limit_check

# A client that asks twice in a moment, or again after a lost answer, is refused but not logged out.
REUSE_GRACE = timedelta(seconds=10)


@dataclass(frozen=True)
class Tokens:
    """A pair of JWTs: `access` for calls, `refresh` to get the next pair, once."""

    access: str
    refresh: str


def user_signup(*, username: str, password: str) -> User:
    """Open a shopper's account; of several callers with one name at once, exactly one gets it.

    Names that look alike are one name.
    """
    user = User(username=User.normalize_username(username))
    user.clean_fields(exclude=["password"])
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise ValidationError({"password": error.messages}) from error
    try:
        with transaction.atomic():
            return User.objects.create_user(username, password, name_skeleton=skeleton_digest(username))
    except IntegrityError as error:
        raise UsernameTaken(f"Another account is called {username!r}, or looks the same.") from error


def login_limit_check(*, address: str, username: str, device: str = "") -> None:
    """Count a login attempt against its address, and against the name from any address.

    From a device on which this name has logged in before, it counts against the device alone, so that nobody
    elsewhere can shut the owner out. A device that has used up its tries counts like any other.
    """
    if known := device_id(device, username=username):
        with suppress(TooManyRequests):
            return rate_limit_check("known_device", f"device:{known}")
    rate_limit_check("login", f"address:{address}")
    rate_limit_check("login", f"name:{name_folded(username)}")
    return None


def user_login(*, username: str, password: str, request: HttpRequest | None = None) -> tuple[User, Tokens]:
    """Return the user and a first pair of tokens; an unknown name takes as long as a wrong password."""
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        raise InvalidCredentials
    tokens = tokens_issue(user)
    update_last_login(None, user)  # type: ignore[arg-type]  # typed for Django's own user model
    return user, tokens


def tokens_issue(user: User, *, family: str = "") -> Tokens:
    """Issue a pair of tokens; the refresh token is stored as outstanding, by default in a new family."""
    refresh = FamilyToken.issue(user, family=family)
    return Tokens(access=str(refresh.access_token), refresh=str(refresh))


def token_refresh(*, refresh: str) -> Tokens:
    """Exchange a refresh token for a new pair; of any number of callers with one token, exactly one succeeds.

    The user's row stays locked until commit, and the blacklist holds each token at most once. A token that
    comes again later than `REUSE_GRACE` was stolen, or the one that took its place was: both end.
    """
    token = token_read(refresh)
    with reuse_answered(token), transaction.atomic():
        user = user_lock(token[api_settings.USER_ID_CLAIM])
        if user is None or not user.is_active:
            raise TokenNotValid("There is no open account for this token.")
        if token.get(api_settings.REVOKE_TOKEN_CLAIM) != get_md5_hash_password(user.password):
            raise TokenNotValid("The password has been changed. Log in again.")
        token_use_up(token)
        return tokens_issue(user, family=token.family)


def token_revoke(*, refresh: str) -> None:
    """Log out: use up the refresh token without issuing a new pair."""
    token = token_read(refresh)
    with reuse_answered(token), transaction.atomic():
        user_lock(token[api_settings.USER_ID_CLAIM])
        token_use_up(token)


@transaction.atomic
def tokens_revoke_all(*, user: User) -> None:
    """Use up every refresh token of a user, for good."""
    user_lock(user.pk)
    blacklist(user_id=user.pk)


def token_read(refresh: str) -> FamilyToken:
    """Return a refresh token after checking its signature, type and age."""
    try:
        return FamilyToken(refresh)  # type: ignore[arg-type]  # the library's annotation is wrong: it reads text
    except (TokenError, KeyError) as error:
        raise TokenNotValid(str(error) if isinstance(error, TokenError) else "") from error


def user_lock(user_id: UUID | str) -> User | None:
    """Return a user, locked: their tokens are issued and revoked one after the other."""
    return User.objects.select_for_update(no_key=True).filter(pk=user_id).first()


def token_use_up(token: FamilyToken) -> None:
    """Blacklist a token; raises `TokenUsedBefore` if another caller was first."""
    stored = OutstandingToken.objects.filter(jti=token[api_settings.JTI_CLAIM]).first()
    if stored is None:
        raise TokenNotValid("The token has been deleted.")
    used = BlacklistedToken.objects.filter(token=stored).first()
    if used is not None:
        raise TokenUsedBefore(used_at=used.blacklisted_at)
    BlacklistedToken.objects.create(token=stored)


@contextmanager
def reuse_answered(token: FamilyToken) -> Iterator[None]:
    """Revoke the family of a token that was used before; the refusal goes on to the caller.

    Stands outside the transaction of the refusal, which leaves nothing behind.
    """
    try:
        yield
    except TokenUsedBefore as refusal:
        if timezone.now() - refusal.used_at > REUSE_GRACE:
            with transaction.atomic():
                user_lock(token[api_settings.USER_ID_CLAIM])
                blacklist(jti__startswith=token.family)
        raise


def tokens_prune() -> int:
    """Delete refresh tokens that have expired, used or not, and return how many; safe to run at any time."""
    deleted, _ = OutstandingToken.objects.filter(expires_at__lte=timezone.now()).delete()
    return deleted
