"""The receipt at a lane: of the visit just paid, with a code that a phone can open once."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import zxingcpp
from django.test import Client
from django.utils import timezone

from checkout.cart import items, services
from checkout.lanes.visits import lane_visit
from checkout.models import Lane
from checkout.web.lane_receipt import LINES_SHOWN_MAX
from orders.models import Order, ReceiptLink
from orders.receipt_links import receipt_link_open
from tests.checkout.lanes.makers import lane_make
from tests.checkout.shop import product_make
from tests.checkout.web.test_device_privacy import bought
from tests.orders.test_qr import drawn

pytestmark = pytest.mark.django_db


@pytest.fixture
def lane() -> Lane:
    return lane_make(receipt_leaves_after_s=25)


@pytest.fixture
def page(lane: Lane) -> Client:
    client = Client()
    client.force_login(lane.account)
    return client


def shown(page: Client, order: Order) -> str:
    response = page.get(f"/lane/receipt/{order.pk}/")
    assert response.status_code == 200
    return response.content.decode()


def link_of(page_text: str) -> str:
    """Scan the code of a page, as a phone does."""
    found = re.search(r'<svg[^>]*class="qr".*?</svg>', page_text, re.DOTALL)
    assert found
    [code] = zxingcpp.read_barcodes(drawn(found.group()))
    return str(code.text)


def test_it_says_what_was_paid_and_when_it_leaves(page: Client, lane: Lane) -> None:
    order = bought(lane)
    text = shown(page, order)

    for fact in ("Paid. Thank you!", order.number, "Pear", "€2.50", lane.store.name):
        assert fact in text
    assert 'data-leaves-after-s="25"' in text
    assert 'data-home="/lane/?fresh"' in text


def test_the_code_is_the_absolute_address_of_a_link_that_opens_the_receipt_once(
    page: Client, lane: Lane
) -> None:
    order = bought(lane)
    link = link_of(shown(page, order))

    address, path = link[: len("http://testserver")], link[len("http://testserver") :]
    assert address == "http://testserver"
    phone = Client()
    assert order.number in phone.post(path, follow=True).content.decode()
    assert Client().get(path).status_code == 410


def test_a_code_that_was_used_is_not_shown_again(page: Client, lane: Lane) -> None:
    order = bought(lane)
    token = link_of(shown(page, order)).rstrip("/").rpartition("/")[2]
    receipt_link_open(token=token)

    text = shown(page, order)

    assert "Your receipt is on your phone" in text
    assert 'class="qr"' not in text
    assert ReceiptLink.objects.count() == 1


@pytest.mark.parametrize("age_s", [25 + 120, 3600])
def test_a_receipt_of_before_leads_back_to_the_lane(page: Client, lane: Lane, age_s: int) -> None:
    order = bought(lane)
    Order.objects.filter(pk=order.pk).update(confirmed_at=timezone.now() - timedelta(seconds=age_s))

    response = page.get(f"/lane/receipt/{order.pk}/")

    assert (response.status_code, response.headers["Location"]) == (302, "/lane/")
    assert not ReceiptLink.objects.exists()


def test_a_receipt_of_another_lane_leads_back_to_the_lane(page: Client) -> None:
    order = bought(lane_make("Lane 2", "2"))

    assert page.get(f"/lane/receipt/{order.pk}/").headers["Location"] == "/lane/"


def test_nothing_leads_out_of_the_lane_and_nothing_is_kept(page: Client, lane: Lane) -> None:
    order = bought(lane)
    response = page.get(f"/lane/receipt/{order.pk}/")
    text = response.content.decode()

    assert set(re.findall(r'<a [^>]*href="([^"]*)"', text)) == {"#main"}
    assert "<form" not in text
    assert "no-store" in response.headers["Cache-Control"]


def test_a_long_receipt_is_shortened(page: Client, lane: Lane) -> None:
    visit = lane_visit(lane=lane)
    for number in range(LINES_SHOWN_MAX + 2):
        items.item_set(session_id=visit.pk, product_id=product_make(f"Item {number}").pk, quantity=1)
    text = shown(page, services.session_confirm(session_id=visit.pk).order)

    assert text.count('class="lane-name"') == LINES_SHOWN_MAX == 6
    assert "and 2 more products" in text


def test_it_speaks_the_language_of_the_lane(page: Client, lane: Lane) -> None:
    Lane.objects.filter(pk=lane.pk).update(language="ko")
    response = page.get(f"/lane/receipt/{bought(lane).pk}/")

    assert response.headers["Content-Language"] == "ko"
    assert '<html lang="ko">' in response.content.decode()


def test_the_language_that_the_shopper_chose_goes_before(page: Client, lane: Lane) -> None:
    page.post("/lane/language/", {"language": "ko"})
    response = page.get(f"/lane/receipt/{bought(lane).pk}/")

    assert response.headers["Content-Language"] == "ko"
