"""A refresh token that comes again ends everything that descends from its login."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken

from accounts import refresh_families, services
from accounts.errors import TokenNotValid
from accounts.models import User
from tests.accounts.test_tokens import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def is_valid(refresh: str) -> bool:
    """Whether a token can be exchanged; it is, if it can."""
    try:
        return bool(services.token_refresh(refresh=refresh).access)
    except TokenNotValid:
        return False


def age(seconds: float) -> None:
    """Let time pass since every use of a token so far."""
    for used in BlacklistedToken.objects.all():
        BlacklistedToken.objects.filter(pk=used.pk).update(
            blacklisted_at=used.blacklisted_at - timedelta(seconds=seconds)
        )


def test_a_stolen_token_that_comes_again_ends_the_newest_one_of_its_family(shopper: User) -> None:
    first = services.tokens_issue(shopper).refresh
    second = services.token_refresh(refresh=first).refresh
    newest = services.token_refresh(refresh=second).refresh
    elsewhere = services.tokens_issue(shopper).refresh
    age(11)
    assert not is_valid(first)
    assert not is_valid(newest)
    assert is_valid(elsewhere)
    assert BlacklistedToken.objects.count() == 4


def test_control_without_families_the_newest_one_stays_valid(
    shopper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "blacklist", lambda **of: None)
    first = services.tokens_issue(shopper).refresh
    newest = services.token_refresh(refresh=first).refresh
    age(11)
    assert not is_valid(first)
    assert is_valid(newest)


@pytest.mark.parametrize(("seconds", "stays"), [(0, True), (9, True), (11, False)])
def test_a_client_that_asks_twice_within_ten_seconds_stays_logged_in(
    shopper: User, seconds: float, stays: bool
) -> None:
    assert timedelta(seconds=10) == services.REUSE_GRACE
    first = services.tokens_issue(shopper).refresh
    newest = services.token_refresh(refresh=first).refresh
    age(seconds)
    assert not is_valid(first)
    assert is_valid(newest) is stays


def test_logging_out_with_an_old_token_ends_the_family_too(shopper: User) -> None:
    first = services.tokens_issue(shopper).refresh
    newest = services.token_refresh(refresh=first).refresh
    age(11)
    with pytest.raises(TokenNotValid):
        services.token_revoke(refresh=first)
    assert not is_valid(newest)


def test_a_token_older_than_families_is_exchanged_and_begins_one(shopper: User) -> None:
    old = str(RefreshToken.for_user(shopper))
    newest = services.token_refresh(refresh=old).refresh
    age(11)
    assert not is_valid(old)
    assert not is_valid(newest)


def test_an_access_token_names_the_family_that_a_logout_revokes(shopper: User) -> None:
    tokens = services.tokens_issue(shopper)
    family = refresh_families.FamilyToken(tokens.refresh).family  # type: ignore[arg-type]
    assert len(family) == 32
    assert OutstandingToken.objects.get().jti.startswith(family)
    access = refresh_families.FamilyToken.access_token_class(tokens.access)  # type: ignore[arg-type]
    assert access[refresh_families.FAMILY_CLAIM] == family
    assert not refresh_families.family_is_revoked(family)
    services.token_revoke(refresh=tokens.refresh)
    assert refresh_families.family_is_revoked(family)


def test_whoever_refreshes_while_the_family_is_revoked_gets_nothing_that_lasts(shopper: User) -> None:
    for _ in range(3):
        BlacklistedToken.objects.all().delete()
        first = services.tokens_issue(shopper).refresh
        newest = services.token_refresh(refresh=first).refresh
        age(11)
        calls = iter([first, newest] * 10)
        issued: list[Any] = []

        def call(calls: Any = calls, issued: list[Any] = issued) -> bool:
            try:
                issued.append(services.token_refresh(refresh=next(calls)))
            except TokenNotValid:
                return False
            return True

        at_once(call)
        family = refresh_families.FamilyToken(first).family  # type: ignore[arg-type]
        left = OutstandingToken.objects.filter(jti__startswith=family, blacklistedtoken=None)
        assert not left.exists()
        assert not any(is_valid(tokens.refresh) for tokens in issued)
