"""A client whose cart is out of date gets the cart again, but not while a notice may be on its way."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from checkout.cart import items, selectors
from checkout.live import cart_sync
from checkout.live.cart_sync import CartSync
from checkout.live.threads import in_database
from checkout.models import CheckoutSession
from checkout.payloads import Cart, CartEvent
from tests.checkout.shop import product_make

pytestmark = pytest.mark.django_db(transaction=True)


class Client:
    """Keeps what it was sent, beginning with the empty cart."""

    def __init__(self, session: CheckoutSession) -> None:
        self.sent: list[dict[str, Any]] = []
        self.session_id = session.pk
        cart = selectors.cart_get(session_id=session.pk)
        self.sync = CartSync(session.pk, self.take, cart)

    async def take(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    @property
    def quantities(self) -> list[int]:
        return [message["cart"]["total_items"] for message in self.sent]

    async def look(self) -> Cart:
        """Compare with the cart as it is stored, as the socket does every few seconds."""
        cart = await in_database(selectors.cart_get, session_id=self.session_id)
        await self.sync.sync(cart)
        return cart


@pytest.fixture
def client(session: CheckoutSession) -> Client:
    return Client(session)


@pytest.fixture
def milk_id(db: None) -> UUID:
    return product_make("Milk").pk


async def put(session: CheckoutSession, product_id: UUID, quantity: int) -> CartEvent:
    event = await in_database(items.item_set, session_id=session.pk, product_id=product_id, quantity=quantity)
    assert event is not None
    return event


async def test_a_change_is_sent_once_with_the_cart_as_it_is_by_then(
    client: Client, session: CheckoutSession, milk_id: UUID
) -> None:
    first, second = await put(session, milk_id, 1), await put(session, milk_id, 3)
    for event in (first, second, first):
        await client.sync.send_change(event)
    assert [message["event"]["id"] for message in client.sent] == [first["id"], second["id"]]
    assert {message["type"] for message in client.sent} == {"cart.updated"}
    assert client.quantities == [3, 3]


async def test_a_cart_that_differs_at_two_checks_in_a_row_is_sent(
    client: Client, session: CheckoutSession, milk_id: UUID
) -> None:
    await put(session, milk_id, 2)
    await client.look()
    assert client.sent == [], "the notice may be on its way"
    cart = await client.look()
    (message,) = client.sent
    assert message["cart"] == cart
    assert (message["event"]["action"], message["event"]["undoable"]) == ("sync", False)
    assert (message["event"]["quantity"], message["event"]["product_id"]) == (0, None)


async def test_after_a_cart_was_sent_it_takes_two_checks_again(
    client: Client, session: CheckoutSession, milk_id: UUID
) -> None:
    await put(session, milk_id, 2)
    for _ in range(3):
        await client.look()
    assert client.quantities == [2]
    await put(session, milk_id, 4)
    await client.look()
    assert client.quantities == [2]
    await client.look()
    assert client.quantities == [2, 4]


async def test_a_notice_between_two_checks_makes_the_second_unnecessary(
    client: Client, session: CheckoutSession, milk_id: UUID
) -> None:
    event = await put(session, milk_id, 2)
    await client.look()
    await client.sync.send_change(event)
    await client.look()
    event = await put(session, milk_id, 3)
    await client.look()
    assert client.quantities == [2], "the check in between found nothing missing"


async def test_what_was_sent_is_remembered_for_a_bounded_number_of_changes(
    client: Client, session: CheckoutSession, milk_id: UUID
) -> None:
    assert cart_sync.SENT_MAX == 256
    event = await put(session, milk_id, 1)
    others = [CartEvent(**{**event, "id": str(number)}) for number in range(cart_sync.SENT_MAX)]
    for each in (event, *others[:-1], event):
        await client.sync.send_change(each)
    assert len(client.sent) == cart_sync.SENT_MAX, "the oldest of 256 is still known"
    await client.sync.send_change(others[-1])
    await client.sync.send_change(event)
    assert len(client.sent) == cart_sync.SENT_MAX + 2, "the 257th forgets it"
