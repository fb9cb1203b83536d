"""Refresh tokens are used once, by one caller, and only while their user may log in."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connections
from django.test import Client, modify_settings
from django.utils import timezone
from rest_framework_simplejwt.serializers import TokenRefreshSerializer
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken

from accounts import services
from accounts.checks import BLACKLIST_APP, token_blacklist_installed
from accounts.errors import TokenNotValid
from accounts.models import User
from tests.conftest import PASSWORD

CALLERS = 20


def problem(client: Client, address: str, refresh: str) -> tuple[int, str]:
    answer = client.post(f"/api/auth/{address}", {"refresh": refresh}, content_type="application/json")
    return answer.status_code, answer.json()["code"] if answer.content else ""


@pytest.mark.django_db
def test_a_refresh_token_is_traded_once(client: Client, shopper: User) -> None:
    first = services.tokens_issue(shopper)
    answer = client.post("/api/auth/refresh", {"refresh": first.refresh}, content_type="application/json")
    assert answer.status_code == 200
    assert set(answer.json()) == {"access", "refresh"}
    assert problem(client, "refresh", first.refresh) == (401, "token_not_valid")
    assert services.token_refresh(refresh=answer.json()["refresh"]).access
    assert OutstandingToken.objects.count() == 3
    assert BlacklistedToken.objects.count() == 2


@pytest.mark.django_db
def test_logging_out_uses_the_token_up(client: Client, shopper: User) -> None:
    refresh = services.tokens_issue(shopper).refresh
    answer = client.post("/api/auth/logout", {"refresh": refresh}, content_type="application/json")
    assert (answer.status_code, answer.content) == (204, b"")
    assert problem(client, "refresh", refresh) == (401, "token_not_valid")
    assert problem(client, "logout", refresh) == (401, "token_not_valid")


@pytest.mark.django_db
def test_an_access_token_or_nonsense_refreshes_nothing(client: Client, shopper: User) -> None:
    for text in (services.tokens_issue(shopper).access, "x", "a.b.c", "ü" * 50):
        assert problem(client, "refresh", text) == (401, "token_not_valid")
    assert not BlacklistedToken.objects.exists()


@pytest.mark.django_db
def test_refreshing_for_a_deleted_user_is_a_401_and_was_an_error_in_the_library(
    client: Client, shopper: User
) -> None:
    refresh = services.tokens_issue(shopper).refresh
    shopper.delete()
    assert problem(client, "refresh", refresh) == (401, "token_not_valid")
    with pytest.raises(User.DoesNotExist):  # control
        TokenRefreshSerializer().validate({"refresh": refresh})


@pytest.mark.django_db
def test_refreshing_for_a_disabled_user_is_a_401_and_uses_nothing_up(client: Client, shopper: User) -> None:
    refresh = services.tokens_issue(shopper).refresh
    User.objects.filter(pk=shopper.pk).update(is_active=False)
    assert problem(client, "refresh", refresh) == (401, "token_not_valid")
    assert not BlacklistedToken.objects.exists()


@pytest.mark.django_db
def test_a_new_password_ends_refreshing_which_the_library_forgets(client: Client, shopper: User) -> None:
    refresh = services.tokens_issue(shopper).refresh
    shopper.set_password("Another-Horse-8")
    shopper.save()
    assert problem(client, "refresh", refresh) == (401, "token_not_valid")
    assert TokenRefreshSerializer().validate({"refresh": refresh})["access"]  # control


@pytest.mark.django_db
def test_shutting_a_user_out_in_the_admin_ends_their_tokens_for_good(
    client: Client, keeper: User, shopper: User
) -> None:
    refresh = services.tokens_issue(shopper).refresh
    kept = services.tokens_issue(keeper).refresh
    client.force_login(keeper)
    page = f"/admin/accounts/user/{shopper.pk}/change/"
    assert client.post(page, {"username": "shopper", "role": "user"}).status_code == 302
    assert not User.objects.get(username="shopper").is_active
    assert client.post(page, {"username": "shopper", "role": "user", "is_active": "on"}).status_code == 302
    assert User.objects.get(username="shopper").is_active
    with pytest.raises(TokenNotValid):
        services.token_refresh(refresh=refresh)
    assert services.token_refresh(refresh=kept).access


def at_once(call: Callable[[], bool]) -> int:
    """Run a call in 20 threads that start together; return how many succeeded."""
    barrier = threading.Barrier(CALLERS)

    def run(_number: int) -> bool:
        try:
            barrier.wait()
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(CALLERS) as pool:
        return sum(pool.map(run, range(CALLERS)))


@pytest.mark.django_db(transaction=True)
def test_of_twenty_refreshes_at_once_exactly_one_wins(shopper: User) -> None:
    refresh = services.tokens_issue(shopper).refresh

    def call() -> bool:
        try:
            return bool(services.token_refresh(refresh=refresh).access)
        except TokenNotValid:
            return False

    assert at_once(call) == 1
    assert OutstandingToken.objects.count() == 2
    assert BlacklistedToken.objects.count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_control_the_library_lets_several_of_twenty_win(
    shopper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh = services.tokens_issue(shopper).refresh
    read = threading.Barrier(CALLERS)
    check = RefreshToken.check_blacklist

    def check_then_meet(token: RefreshToken) -> None:
        check(token)
        read.wait(timeout=20)

    monkeypatch.setattr(RefreshToken, "check_blacklist", check_then_meet)

    def call() -> bool:
        return bool(TokenRefreshSerializer().validate({"refresh": refresh})["access"])

    assert at_once(call) > 1


def test_a_missing_blacklist_is_an_error_of_the_configuration() -> None:
    assert token_blacklist_installed(None) == []
    with modify_settings(INSTALLED_APPS={"remove": [BLACKLIST_APP]}):
        assert not apps.is_installed(BLACKLIST_APP)
        assert [message.id for message in token_blacklist_installed(None)] == ["ebrcs.E004"]


def test_control_without_its_app_the_library_blacklists_nothing_and_says_nothing() -> None:
    script = """
import sys
from django.conf import settings
settings.configure(SECRET_KEY="x" * 50, INSTALLED_APPS=[
    "django.contrib.contenttypes", "django.contrib.auth", "rest_framework_simplejwt"],
    SIMPLE_JWT={"BLACKLIST_AFTER_ROTATION": True})
import django
django.setup()
from django.core.checks import run_checks
from rest_framework_simplejwt.tokens import RefreshToken
sys.exit(hasattr(RefreshToken(), "blacklist") or bool(run_checks()))
"""
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    outcome = subprocess.run(
        [sys.executable, "-c", script], cwd=settings.BASE_DIR, env=environment, check=False, timeout=60
    )
    assert outcome.returncode == 0


@pytest.mark.django_db
def test_the_pages_forget_a_disabled_user_at_once(client: Client, shopper: User) -> None:
    assert client.login(username="shopper", password=PASSWORD)
    assert client.get("/api/auth/me").status_code == 200
    User.objects.filter(pk=shopper.pk).update(is_active=False)
    assert client.get("/api/auth/me").status_code == 401


@pytest.mark.django_db
def test_expired_refresh_tokens_are_deleted_used_or_not_and_valid_ones_are_kept(shopper: User) -> None:
    tokens = [RefreshToken.for_user(shopper) for _ in range(3)]
    tokens[0].blacklist()
    expired = OutstandingToken.objects.filter(jti__in=[token["jti"] for token in tokens[:2]])
    expired.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert services.tokens_prune() > 0

    assert list(OutstandingToken.objects.values_list("jti", flat=True)) == [tokens[2]["jti"]]
    assert not BlacklistedToken.objects.exists()
