"""Signup, login, and refresh tokens, each of which is used once."""

from __future__ import annotations

from dataclasses import dataclass

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
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.utils import get_md5_hash_password

from accounts.errors import InvalidCredentials, TokenNotValid, UsernameTaken
from accounts.models import User
from ebrcs.rate_limits import rate_limit_check

# All refresh tokens of one login begin their id with its family, and its access tokens name it.
FAMILY_CLAIM = "family"


@dataclass(frozen=True)
class Tokens:
    """A pair of JWTs: `access` for calls, `refresh` to get the next pair, once."""

    access: str
    refresh: str


def user_signup(*, username: str, password: str) -> User:
    """Open a shopper's account; of several callers with one name at once, exactly one gets it."""
    user = User(username=User.normalize_username(username))
    user.clean_fields(exclude=["password"])
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise ValidationError({"password": error.messages}) from error
    try:
        with transaction.atomic():
            return User.objects.create_user(username, password)
    except IntegrityError as error:
        raise UsernameTaken(f"Another account is called {username!r}.") from error


def login_limit_check(*, address: str, username: str) -> None:
    """Count a login attempt against its address, and against the name from any address."""
    rate_limit_check("login", f"address:{address}")
    rate_limit_check("login", f"name:{User.normalize_username(username).casefold()}")


def user_login(*, username: str, password: str, request: HttpRequest | None = None) -> tuple[User, Tokens]:
    """Return the user and a first pair of tokens; an unknown name takes as long as a wrong password."""
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        raise InvalidCredentials
    tokens = tokens_issue(user)
    update_last_login(None, user)  # type: ignore[arg-type]  # typed for Django's own user model
    return user, tokens


def tokens_issue(user: User, *, family: str = "") -> Tokens:
    """Issue a pair of tokens, of a new family or of that of the token before; the refresh token is stored."""
    refresh = RefreshToken.for_user(user)
    jti = refresh[api_settings.JTI_CLAIM]
    refresh[FAMILY_CLAIM] = family or jti
    refresh[api_settings.JTI_CLAIM] = f"{family or jti}.{jti}"
    OutstandingToken.objects.filter(jti=jti).update(jti=refresh[api_settings.JTI_CLAIM], token=str(refresh))
    return Tokens(access=str(refresh.access_token), refresh=str(refresh))


@transaction.atomic
def token_refresh(*, refresh: str) -> Tokens:
    """Exchange a refresh token for a new pair; of any number of callers with one token, exactly one succeeds.

    The token's row stays locked until commit, and the blacklist holds each token at most once.
    """
    token = token_read(refresh)
    user = User.objects.filter(pk=token[api_settings.USER_ID_CLAIM]).first()
    if user is None or not user.is_active:
        raise TokenNotValid("There is no open account for this token.")
    if token.get(api_settings.REVOKE_TOKEN_CLAIM) != get_md5_hash_password(user.password):
        raise TokenNotValid("The password has been changed. Log in again.")
    token_use_up(token)
    return tokens_issue(user, family=token.get(FAMILY_CLAIM, ""))


@transaction.atomic
def token_revoke(*, refresh: str) -> None:
    """Log out: use up the refresh token without issuing a new pair."""
    token_use_up(token_read(refresh))


@transaction.atomic
def tokens_revoke_all(*, user: User) -> None:
    """Use up every refresh token of a user, for good."""
    outstanding = OutstandingToken.objects.filter(user_id=user.pk, blacklistedtoken=None)
    BlacklistedToken.objects.bulk_create(
        [BlacklistedToken(token=token) for token in outstanding], ignore_conflicts=True
    )


def token_read(refresh: str) -> RefreshToken:
    """Return a refresh token after checking its signature, type and age."""
    try:
        return RefreshToken(refresh)  # type: ignore[arg-type]  # the library's annotation is wrong: it reads text
    except (TokenError, KeyError) as error:
        raise TokenNotValid(str(error) if isinstance(error, TokenError) else "") from error


def token_use_up(token: RefreshToken) -> None:
    """Blacklist a token; raises `TokenNotValid` if another caller was first."""
    locked = OutstandingToken.objects.select_for_update().filter(jti=token[api_settings.JTI_CLAIM]).first()
    if locked is None or BlacklistedToken.objects.filter(token=locked).exists():
        raise TokenNotValid("The token has already been used.")
    BlacklistedToken.objects.create(token=locked)


def family_is_revoked(family: str) -> bool:
    """Whether no refresh token of a login is left: it was logged out, or the last one has expired."""
    usable = OutstandingToken.objects.filter(blacklistedtoken=None, expires_at__gt=timezone.now())
    return not usable.filter(jti__startswith=f"{family}.").exists()


def tokens_prune() -> int:
    """Delete refresh tokens that have expired, used or not, and return how many; safe to run at any time."""
    deleted, _ = OutstandingToken.objects.filter(expires_at__lte=timezone.now()).delete()
    return deleted
