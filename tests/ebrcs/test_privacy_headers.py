"""What answers forbid caches and browsers."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from ebrcs.permissions_policy import NOBODY, OWN_PAGES
from tests.checkout.shop import order_make, product_make, product_with_photo

pytestmark = pytest.mark.django_db
NO_STORE = "ebrcs.server.no_store.NoStoreMiddleware"


def addresses_of(user: User) -> list[str]:
    """Return addresses that show something personal."""
    order = order_make(user, product_make("Milk"))
    return [
        "/",
        "/my-page/",
        f"/orders/{order.pk}/",
        "/api/auth/me",
        "/api/orders",
        f"/api/orders/{order.pk}",
        "/api/nothing",
        f"/api/sessions/{order.session_id}/billing",
        "/admin/",
        "/admin/accounts/user/",
    ]


def stored_by_browsers(user: User) -> list[str]:
    """Return those of the addresses whose answers may be kept."""
    client = Client()
    client.force_login(user)
    return [
        address
        for address in addresses_of(user)
        if "no-store" not in client.get(address).headers.get("Cache-Control", "")
    ]


def test_no_cache_keeps_what_a_shopper_sees(keeper: User) -> None:
    assert stored_by_browsers(keeper) == []


def test_control_without_the_middleware_most_of_it_may_be_kept(keeper: User, settings: Settings) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != NO_STORE]
    assert {"/my-page/", "/api/auth/me", "/api/orders"} <= set(stored_by_browsers(keeper))


def test_a_refusal_and_a_missing_page_are_not_kept_either(client: Client) -> None:
    for address in ("/nothing", "/api/auth/me", "/my-page/"):
        assert "no-store" in client.get(address)["Cache-Control"]
    assert "no-store" in client.post("/api/auth/login", b"x" * 10, content_type="text/plain")["Cache-Control"]


def test_a_photo_may_be_kept_as_its_view_says(client: Client) -> None:
    image = product_with_photo("Milk").first_photo
    assert image is not None
    assert client.get(image.image.url)["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("address", ["/", "/login/", "/admin/login/", "/api/auth/me", "/nothing"])
def test_only_our_own_pages_use_the_camera_and_nobody_anything_else(client: Client, address: str) -> None:
    policy = dict(each.split("=") for each in client.get(address)["Permissions-Policy"].split(", "))
    assert {name for name, allowed in policy.items() if allowed == "(self)"} == set(OWN_PAGES)
    assert {name for name, allowed in policy.items() if allowed == "()"} == set(NOBODY)
    assert set(OWN_PAGES) == {"camera", "clipboard-write", "fullscreen", "screen-wake-lock", "web-share"}
    assert {"microphone", "geolocation", "payment", "usb", "display-capture"} <= set(NOBODY)


def test_control_the_header_comes_from_its_middleware(client: Client, settings: Settings) -> None:
    name = "django_permissions_policy.PermissionsPolicyMiddleware"
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if each != name]
    assert "Permissions-Policy" not in client.get("/").headers


def test_the_headers_are_said_before_anything_may_answer() -> None:
    assert settings.MIDDLEWARE.index(NO_STORE) < settings.MIDDLEWARE.index(
        "whitenoise.middleware.WhiteNoiseMiddleware"
    )
