"""A page's socket ends when its session goes on in another browser; a lane's opens for one visit only."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from accounts.browsers import browser_known
from accounts.models import User
from checkout.cart import items, services
from checkout.lanes.visits import lane_visit, lane_visit_end
from checkout.live import consumer
from checkout.live.access import has_moved
from checkout.models import CheckoutSession
from tests.checkout.colours import RED_ID
from tests.checkout.lanes.makers import lane_make
from tests.checkout.live.test_open_logins import opened, page_headers, page_login, ticket_of_page
from tests.checkout.serving import Server, bearer, socket_connect

NOT_FOUND = 4404
REPLACED = 4410
MOVED = {"type": "session.moved"}


def move(session: CheckoutSession, browser: str) -> None:
    services.session_move(session_id=session.pk, browser=browser, expected=session.browser)


def test_the_first_device_is_told_at_once_and_closed(server: Server, shopper: User) -> None:
    phone, till = page_login(shopper), page_login(shopper)
    session = services.session_start(user=shopper, browser=browser_known(phone.session))
    with opened(server, session, headers=page_headers(server, phone)) as client:
        move(session, browser_known(till.session))

        assert (
            client.next("session.moved", timeout_s=4.0) == MOVED
        )  # by the notice: the watch takes five seconds
        assert client.close_code() == REPLACED
    with opened(server, session, headers=page_headers(server, till)):
        pass


def test_it_is_not_let_in_again_by_cookie_or_ticket(server: Server, shopper: User) -> None:
    phone = page_login(shopper)
    session = services.session_start(user=shopper, browser=browser_known(phone.session))
    ticket = ticket_of_page(phone, session)
    move(session, "2" * 64)

    for query, headers in (("", page_headers(server, phone)), (ticket, None)):
        with socket_connect(server, session.pk, query=query, headers=headers) as client:
            assert client.next() == MOVED
            assert client.close_code() == REPLACED


def test_where_the_notice_is_lost_the_watch_sees_it(server: Server, shopper: User) -> None:
    phone = page_login(shopper)
    session = services.session_start(user=shopper, browser=browser_known(phone.session))
    with opened(server, session, headers=page_headers(server, phone)) as client:
        CheckoutSession.objects.filter(pk=session.pk).update(browser="2" * 64)

        assert client.next("session.moved") == MOVED


def test_a_device_that_missed_the_move_is_not_told_of_the_order(server: Server, shopper: User) -> None:
    phone = page_login(shopper)
    session = services.session_start(user=shopper, browser=browser_known(phone.session))
    items.item_set(session_id=session.pk, product_id=RED_ID, quantity=1)
    with opened(server, session, headers=page_headers(server, phone)) as client:
        CheckoutSession.objects.filter(pk=session.pk).update(browser="2" * 64)
        services.session_confirm(session_id=session.pk)

        assert client.next() == MOVED


def test_programs_of_the_account_go_on(server: Server, shopper: User) -> None:
    session = services.session_start(user=shopper, browser="1" * 64)
    with opened(server, session, headers=bearer(shopper)) as client:
        move(session, "2" * 64)
        client.command("ping")

        assert client.next()["type"] == "pong"


def test_a_visit_of_programs_is_open_to_every_page(server: Server, shopper: User) -> None:
    session = services.session_start(user=shopper)
    with opened(server, session, headers=page_headers(server, page_login(shopper))):
        pass


@pytest.mark.parametrize(
    ("session_browser", "browser", "moved"),
    [("", "a", False), ("a", "a", False), ("a", "b", True), ("a", "", True), ("a", None, False)],
)
def test_who_has_to_leave(session_browser: str, browser: str | None, moved: bool) -> None:
    assert has_moved(session_browser, browser) is moved


def test_the_notice_wakes_the_watch() -> None:
    woken: list[bool] = []
    socket: Any = SimpleNamespace(wake=SimpleNamespace(set=lambda: woken.append(True)))
    consumer.CheckoutConsumer.notice(socket, {"type": "session.moved"})
    assert woken == [True]


def test_a_lane_opens_the_socket_of_its_active_visit_and_of_none_before(server: Server) -> None:
    lane = lane_make()
    before = lane_visit(lane=lane)
    items.item_set(session_id=before.pk, product_id=RED_ID, quantity=1)
    now = lane_visit_end(lane=lane, reason="idle")
    orphan = CheckoutSession.objects.create(user=lane.account)

    with opened(server, now, headers=bearer(lane.account)):
        pass
    for session in (before, orphan):
        with socket_connect(server, session.pk, headers=bearer(lane.account)) as client:
            assert client.close_code() == NOT_FOUND


def test_a_shopper_is_told_how_an_earlier_session_ended(server: Server, shopper: User) -> None:
    session = services.session_start(user=shopper)
    services.session_cancel(session_id=session.pk)

    with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
        assert client.next()["type"] == "session.closed"
