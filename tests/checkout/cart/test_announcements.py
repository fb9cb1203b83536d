"""What the sockets of a session are told, and that a channel layer which hangs holds no change up."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import UUID

import pytest

from accounts.models import User
from checkout.cart import announce, items, services
from checkout.cart.announce import session_group
from checkout.models import BillingItem
from tests.checkout.shop import product_make

SESSION_ID = UUID("0123456789abcdef0123456789abcdef")


class Layer:
    """Keeps what it is sent, after a pause."""

    def __init__(self, pause_s: float = 0.0) -> None:
        self.pause_s = pause_s
        self.sent: list[tuple[str, dict[str, Any]]] = []

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        await asyncio.sleep(self.pause_s)
        self.sent.append((group, message))


def test_a_group_is_named_after_its_session() -> None:
    assert session_group(SESSION_ID) == "checkout.0123456789abcdef0123456789abcdef"


@pytest.mark.django_db(transaction=True)
def test_the_sockets_of_the_session_are_told_of_changes_and_of_the_end(
    shopper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = Layer()
    monkeypatch.setattr(announce, "get_channel_layer", lambda: layer)
    milk = product_make("Milk")
    session = services.session_start(user=shopper)
    event = items.item_set(session_id=session.pk, product_id=milk.pk, quantity=2)
    items.item_set(session_id=session.pk, product_id=milk.pk, quantity=2)
    services.session_confirm(session_id=session.pk)
    services.session_confirm(session_id=session.pk)
    group = session_group(session.pk)
    assert layer.sent == [
        (group, {"type": "cart.changed", "event": event}),
        (group, {"type": "session.ended"}),
    ]


@pytest.mark.parametrize("expire", [True, False])
@pytest.mark.django_db(transaction=True)
def test_a_session_that_ends_without_an_order_says_so_once(
    shopper: User, monkeypatch: pytest.MonkeyPatch, settings: Any, expire: bool
) -> None:
    layer = Layer()
    monkeypatch.setattr(announce, "get_channel_layer", lambda: layer)
    session = services.session_start(user=shopper)
    if expire:
        settings.SESSION_IDLE_MINUTES = 0
    for _ in range(2):
        if expire:
            services.session_expire_if_idle(session_id=session.pk)
        else:
            services.session_cancel(session_id=session.pk)
    assert [message["type"] for _, message in layer.sent] == ["session.ended"]


def test_without_a_channel_layer_nobody_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(announce, "get_channel_layer", lambda: None)
    announce.session_closed_announce(session_id=SESSION_ID)
    assert caplog.text == ""


@pytest.mark.django_db(transaction=True)
def test_a_channel_layer_that_hangs_is_given_up_after_two_seconds(
    shopper: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert announce.SEND_TIMEOUT_S == 2.0
    layer = Layer(pause_s=60.0)
    monkeypatch.setattr(announce, "get_channel_layer", lambda: layer)
    monkeypatch.setattr(announce, "SEND_TIMEOUT_S", 0.1)
    session = services.session_start(user=shopper)
    started_s = time.monotonic()
    items.item_set(session_id=session.pk, product_id=product_make("Milk").pk, quantity=2)
    assert time.monotonic() - started_s < 30
    assert layer.sent == []
    assert BillingItem.objects.get().quantity == 2
    assert "could not be notified of cart.changed" in caplog.text
