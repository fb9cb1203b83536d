"""The story of a visit, the list of disputes, and their export."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.asserts import assertNumQueries

from accounts.models import User
from catalog.models import Product
from checkout.models import CheckoutSession, ScanEvent, Source
from checkout.review.story import timeline_of
from orders.models import Order
from tests.checkout.shop import product_make
from tests.checkout.visits import event_make, sale_make, visit_make

pytestmark = pytest.mark.django_db
DISPUTES = "/admin/checkout/disputedline/"
SESSIONS = "/admin/checkout/checkoutsession/"
PICTURE = b"\xff\xd8 a small picture"


@pytest.fixture
def bread(db: None) -> Product:
    return product_make("Rye bread")


@pytest.fixture
def rolls(db: None) -> Product:
    return product_make("=Rolls")


@pytest.fixture
def order(shopper: User, bread: Product, rolls: Product) -> Order:
    """Return the order of a visit in which nearly everything went wrong."""
    began = timezone.now() - timedelta(minutes=10)
    order = sale_make(shopper, bread, began + timedelta(seconds=10), lasting=timedelta(seconds=10))
    session = order.session
    added = session.scan_events.get()
    ScanEvent.objects.filter(pk=added.pk).update(thumbnail=PICTURE, reason={"text": "5 of 6 views agree"})
    for second, action, fields in (
        (1, "question", {"margin": 0.01, "score": 0.7}),
        (2, "correct", {"product": bread, "other_product": rolls, "about": added, "source": Source.MANUAL}),
        (65, "unknown", {}),
        (66, "undo", {"product": bread, "about": added, "source": Source.MANUAL}),
        (67, "disagree", {"product": rolls, "other_product": bread, "source": Source.BARCODE}),
    ):
        event_make(session, began + timedelta(seconds=second), action, **fields)
    return order


def test_a_visit_is_told_in_order_in_one_query(order: Order) -> None:
    session = CheckoutSession.objects.get()
    with assertNumQueries(1):
        told = [
            (one.after_text, one.headline, one.is_doubt, one.has_picture)
            for one in timeline_of(session=session)
        ]

    assert told == [
        ("0:00", "Added: 1 × Rye bread", False, True),
        ("0:01", "Asked which one it is", True, False),
        ("0:02", "Corrected: Rye bread taken off, =Rolls put in its place", True, False),
        ("1:05", "Not recognized", True, False),
        ("1:06", "Undone: Added: 1 × Rye bread", True, False),
        ("1:07", "The barcode says =Rolls, the picture looks like Rye bread", True, False),
    ]


def test_order_and_story_lead_to_each_other(order: Order, keeper: User, client: Client) -> None:
    client.force_login(keeper)
    story_address = reverse("admin:checkout_checkoutsession_change", args=[order.session_id])
    order_address = reverse("admin:orders_order_change", args=[order.pk])
    story = client.get(story_address).content.decode()

    assert f'href="{order_address}"' in story
    assert f'href="{story_address}"' in client.get(order_address).content.decode()
    assert "5 of 6 views agree" in story
    assert "Paid: €2.50" in story
    assert story.count('class="story-doubt"') == 5


def test_story_events_and_disputes_are_told_in_korean(order: Order, keeper: User, client: Client) -> None:
    ScanEvent.objects.filter(action__in=("add", "undo")).update(
        reason={"code": "views_accept", "params": {"accepting": 3, "views": 3}}
    )
    client.force_login(keeper)
    undone = ScanEvent.objects.get(action="undo")
    pages = [
        client.get(address, headers={"Accept-Language": "ko"}).content.decode()
        for address in (
            reverse("admin:checkout_checkoutsession_change", args=[order.session_id]),
            reverse("admin:checkout_scanevent_change", args=[undone.pk]),
            reverse("admin:checkout_disputedline_change", args=[undone.pk]),
        )
    ]

    for page in pages:
        assert "3번 중 3번 이 상품으로 인식했습니다" in page
        assert "views agree" not in page
    assert f"{order.session_id} (완료)" in pages[0]
    assert "completed" not in pages[0]


def test_pictures_have_addresses_of_their_own_for_the_shop_keeper_alone(
    order: Order, keeper: User, shopper: User, client: Client
) -> None:
    seen = ScanEvent.objects.get(action="add")
    address = reverse("admin:checkout_scanevent_picture", args=[seen.pk])
    without = reverse("admin:checkout_scanevent_picture", args=[ScanEvent.objects.get(action="undo").pk])
    client.force_login(shopper)
    refused = client.get(address)
    assert refused.status_code in (302, 403)
    assert PICTURE not in refused.content

    client.force_login(keeper)
    answer = client.get(address)

    assert (answer.content, answer["Content-Type"]) == (PICTURE, "image/jpeg")
    assert "private" in answer["Cache-Control"]
    assert client.get(without).status_code == 404
    assert (
        address
        in client.get(
            reverse("admin:checkout_checkoutsession_change", args=[order.session_id])
        ).content.decode()
    )


@pytest.mark.parametrize("doubt", ["any", "question", "unknown", "correct", "undo", "disagree"])
def test_visits_with_doubts_can_be_picked_out(
    order: Order, shopper: User, keeper: User, client: Client, doubt: str
) -> None:
    smooth = visit_make(shopper, timezone.now())
    event_make(smooth, timezone.now(), "add")
    client.force_login(keeper)
    shown = client.get(SESSIONS, {"doubt": doubt}).context["cl"].result_list

    assert [session.pk for session in shown] == [order.session_id]
    assert shown[0].doubt_total == 5


@pytest.mark.parametrize("visits", [2, 50])
def test_the_list_of_visits_takes_as_many_queries_for_many(
    shopper: User, keeper: User, client: Client, bread: Product, visits: int
) -> None:
    for _ in range(visits):
        sale_make(shopper, bread, timezone.now())
    client.force_login(keeper)
    with assertNumQueries(9):  # one of them for the shop's name, one for the lanes to filter by
        client.get(SESSIONS)


def test_disputes_show_what_was_seen_taken_for_and_put_instead(
    order: Order, keeper: User, client: Client
) -> None:
    client.force_login(keeper)
    page = client.get(DISPUTES)

    assert [line.action for line in page.context["cl"].result_list] == ["disagree", "undo", "correct"]
    # The correction and the undoing both show the picture of the addition.
    seen = ScanEvent.objects.get(action="add")
    assert page.content.decode().count(reverse("admin:checkout_scanevent_picture", args=[seen.pk])) == 2


@pytest.mark.parametrize("lines", [2, 40])
def test_the_list_of_disputes_takes_as_many_queries_for_many(
    shopper: User, keeper: User, client: Client, lines: int
) -> None:
    session, bread, rolls = visit_make(shopper, timezone.now()), product_make("Rye"), product_make("Rolls")
    for _ in range(lines):
        event_make(session, timezone.now(), "correct", product=bread, other_product=rolls)
    client.force_login(keeper)
    with assertNumQueries(11):  # one of them for the shop's name
        client.get(DISPUTES)


def test_disputes_are_found_by_product_and_kind(
    order: Order, bread: Product, keeper: User, client: Client
) -> None:
    stone = product_make("Stone")
    client.force_login(keeper)

    def actions(**query: str) -> list[str]:
        return [line.action for line in client.get(DISPUTES, query).context["cl"].result_list]

    assert actions(of=str(bread.pk)) == ["disagree", "undo", "correct"]
    assert actions(of=str(stone.pk)) == []
    assert actions(of="no product") == []
    assert actions(action__exact="undo") == ["undo"]
    assert actions(action__exact="add") == []


def table(client: Client, address: str, **query: str) -> list[list[str]]:
    answer = client.get(address, query)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_the_export_holds_what_the_list_shows_and_no_formula(
    order: Order, keeper: User, client: Client
) -> None:
    client.force_login(keeper)

    whole = table(client, f"{DISPUTES}export/")
    assert whole[0][3:6] == ["what", "taken_for", "instead"]
    assert [row[3:6] for row in whole[1:]] == [
        ["disagree", "Rye bread", "'=Rolls"],
        ["undo", "Rye bread", ""],
        ["correct", "Rye bread", "'=Rolls"],
    ]
    assert whole[2][7:11] == ["vision", "0.8", "", "5 of 6 views agree"]
    assert [row[3] for row in table(client, f"{DISPUTES}export/", action__exact="undo")[1:]] == ["undo"]


def test_orders_are_exported_by_period(shopper: User, keeper: User, client: Client, bread: Product) -> None:
    now = timezone.now()
    old = sale_make(shopper, bread, now - timedelta(days=400))
    new = sale_make(shopper, bread, now)
    client.force_login(keeper)
    address = "/admin/orders/order/export/"

    assert [row[0] for row in table(client, address)[1:]] == [new.number, old.number]
    assert [row[0] for row in table(client, address, confirmed_at__year=str(now.year))[1:]] == [new.number]
    assert client.get(address, {"nothing__such": "1"})["Location"] == "/admin/orders/order/?e=1"
    assert (
        f'href="{address}?confirmed_at__year={now.year}"'
        in client.get("/admin/orders/order/", {"confirmed_at__year": now.year}).content.decode()
    )


def test_only_the_shop_keeper_exports(order: Order, shopper: User, client: Client) -> None:
    client.force_login(shopper)
    for address in (f"{DISPUTES}export/", "/admin/orders/order/export/"):
        refused = client.get(address)
        assert refused.status_code in (302, 403)
        assert order.number.encode() not in refused.content


@pytest.mark.parametrize("queries", [2, 60])
def test_exporting_many_orders_takes_as_many_queries(
    shopper: User, keeper: User, client: Client, bread: Product, queries: int
) -> None:
    for _ in range(queries):
        sale_make(shopper, bread, timezone.now())
    client.force_login(keeper)
    with assertNumQueries(7):  # two of them for the stores to filter by
        assert client.get("/admin/orders/order/export/").content.count(b"\n") == queries + 1
