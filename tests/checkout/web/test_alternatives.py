"""Alternatives for a wrong line: asked for by the checkout page, found by what the camera saw."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from catalog.models import Product
from checkout.cart.items import item_add
from checkout.cart.services import session_start
from recognition.errors import EngineNotReady
from recognition.services.recognizing import ProductMatch
from tests.checkout.shop import product_with_photo, seen, session_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def recognized(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Let recognition rank all products by name, without an engine; return the pictures it was given."""
    looked_at: list[bytes] = []

    def recognize(pictures: Sequence[tuple[str, bytes]], *, top: int) -> list[SimpleNamespace]:
        looked_at.extend(content for _, content in pictures)
        products = Product.objects.order_by("name")[:top]
        matches = tuple(ProductMatch(str(product.pk), product.name, 0.5) for product in products)
        return [SimpleNamespace(matches=matches) for _ in pictures]

    monkeypatch.setattr("recognition.services.recognizing.pictures_recognize", recognize)
    return looked_at


def likely(client: Client, session_id: uuid.UUID, product_id: uuid.UUID) -> list[str]:
    """Ask as the page does; return the names in order."""
    response = client.get(f"/checkout/{session_id}/likely/{product_id}/")
    assert response.status_code == 200
    return [product["name"] for product in json.loads(response.content)["products"]]


def test_the_picture_that_was_seen_last_decides_and_the_product_itself_is_left_out(
    client: Client, shopper: User, recognized: list[bytes]
) -> None:
    apple, bread, cheese = (product_with_photo(name) for name in ("Apple", "Bread", "Cheese"))
    session = session_start(user=shopper)
    for thumbnail in (b"first", b"last"):
        cause = replace(seen(0.8), event_id=uuid.uuid4(), thumbnail=thumbnail)
        item_add(session_id=session.pk, product_id=bread.pk, cause=cause)
    Product.objects.filter(pk=cheese.pk).update(is_active=False)
    client.force_login(shopper)

    assert likely(client, session.pk, bread.pk) == [apple.name]
    assert recognized == [b"last"]


def test_six_products_are_likely_at_most(client: Client, shopper: User, recognized: list[bytes]) -> None:
    apple, *others = (product_with_photo(f"Apple {number}") for number in range(8))
    session = session_with(shopper, apple)
    client.force_login(shopper)

    assert likely(client, session.pk, apple.pk) == [product.name for product in others[:6]]
    assert likely(client, session.pk, others[-1].pk) == [
        apple.name,
        *(product.name for product in others[:5]),
    ]


def test_a_line_added_by_hand_is_compared_by_its_products_photo(
    client: Client, shopper: User, recognized: list[bytes]
) -> None:
    apple, bread = product_with_photo("Apple"), product_with_photo("Bread")
    session = session_with(shopper, apple)
    client.force_login(shopper)

    assert likely(client, session.pk, apple.pk) == [bread.name]
    with apple.images.get().image.open("rb") as photo:
        assert recognized == [photo.read()]


def test_without_a_picture_or_while_recognition_is_not_ready_nothing_is_likely(
    client: Client, shopper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(pictures: object, *, top: int) -> None:
        raise EngineNotReady.because(["the index is being built"])

    monkeypatch.setattr("recognition.services.recognizing.pictures_recognize", refuse)
    apple, plain = product_with_photo("Apple"), Product.objects.create(name="Plain")
    session = session_with(shopper, apple, plain)
    client.force_login(shopper)

    assert likely(client, session.pk, apple.pk) == []
    assert likely(client, session.pk, plain.pk) == []
    assert likely(client, session.pk, uuid.uuid4()) == []


def test_nobody_asks_about_a_strangers_cart(
    client: Client, shopper: User, stranger: User, recognized: list[bytes]
) -> None:
    apple = product_with_photo("Apple")
    session = session_with(shopper, apple)
    client.force_login(stranger)

    assert client.get(f"/checkout/{session.pk}/likely/{apple.pk}/").status_code == 404
    assert recognized == []


@pytest.mark.usefixtures("one_rate_window")
def test_too_many_questions_are_put_off(
    client: Client, shopper: User, recognized: list[bytes], settings: Settings
) -> None:
    rates = {**settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "recognize": "2/day"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    apple = product_with_photo("Apple")
    session = session_with(shopper, apple)
    client.force_login(shopper)

    answers = [client.get(f"/checkout/{session.pk}/likely/{apple.pk}/") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["Retry-After"]) > 0
    assert len(recognized) == 2
