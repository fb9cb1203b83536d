"""Unresolved items over a real socket, and after it has closed."""

from __future__ import annotations

from uuid import uuid4

import pytest

from accounts.models import User
from checkout.cart import services
from checkout.models import BillingItem, ScanEvent, UnresolvedItem
from tests.checkout.cart.unresolved import left
from tests.checkout.colours import RED_ID
from tests.checkout.serving import Server, bearer, socket_connect


@pytest.mark.usefixtures("transactional_db")
def test_every_socket_sees_them_opened_resolved_and_given_up(server: Server, shopper: User) -> None:
    session = services.session_start(user=shopper)
    first = left(session)
    headers = bearer(shopper)
    with (
        socket_connect(server, session.pk, headers=headers) as one,
        socket_connect(server, session.pk, headers=headers) as other,
    ):
        ready = one.next("session.ready")
        other.next("session.ready")
        assert [line["id"] for line in ready["cart"]["unresolved"]] == [str(first)]
        one.command("unresolved.resolve", id=str(first), product_id=str(RED_ID))
        for client in (one, other):
            told = client.next("cart.updated")
            assert (told["event"]["action"], told["event"]["about"]) == ("add", str(first))
            assert (told["cart"]["total_items"], told["cart"]["unresolved"]) == (1, [])
        other.command("unresolved.resolve", id=str(first), product_id=str(RED_ID))
        assert other.next("error")["code"] == "already_resolved"
        one.command("undo", event_id=told["event"]["id"])
        assert [line["id"] for line in other.next("cart.updated")["cart"]["unresolved"]] == [str(first)]
        one.next("cart.updated")
        one.command("unresolved.dismiss", id=str(first), reason="put_back")
        for client in (one, other):
            event = client.next("cart.updated")["event"]
            assert (event["action"], event["unresolved_id"]) == ("dismiss", str(first))
        one.command("unresolved.dismiss", id=str(uuid4()), reason="put_back")
        assert one.next("error")["code"] == "unresolved_not_found"
        one.command("unresolved.resolve", id=str(first), code="123")
        assert one.next("error")["code"] == "bad_barcode"
    assert (BillingItem.objects.count(), UnresolvedItem.objects.get().outcome) == (0, "put_back")
    assert ScanEvent.objects.filter(action="add").count() == 1
