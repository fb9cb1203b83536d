"""An open socket lasts no longer than the login it was opened with: password changes and logouts end it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import Request, urlopen

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from websockets.exceptions import ConnectionClosed

from accounts.logins import login_holds, login_of
from accounts.models import User
from checkout.live.consumer import CheckoutConsumer
from checkout.models import CheckoutSession
from tests.checkout.serving import Server, SocketClient, socket_connect
from tests.conftest import PASSWORD

NEW_PASSWORD = "Another-Horse-8"
WATCHED_S = 5.0


def call(server: Server, path: str, body: dict[str, str], access: str = "") -> dict[str, str]:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {access}"} if access else {})
    request = Request(f"{server.origin}{path}", json.dumps(body).encode(), headers)  # noqa: S310
    with urlopen(request, timeout=20) as response:  # noqa: S310 - this machine
        answer: dict[str, str] = json.loads(response.read() or b"{}")
        return answer


def token_login(server: Server, user: User) -> dict[str, str]:
    """Log in over REST; at first the server stores the password anew, as the tests hash it too cheaply."""
    tokens = call(server, "/api/auth/login", {"username": user.username, "password": PASSWORD})
    user.refresh_from_db()
    return tokens


def page_login(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page_headers(server: Server, client: Client) -> dict[str, str]:
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={key}", "Origin": server.origin}


@contextmanager
def opened(
    server: Server, session: CheckoutSession, *, query: str = "", headers: dict[str, str] | None = None
) -> Iterator[SocketClient]:
    with socket_connect(server, session.pk, query=query, headers=headers) as client:
        client.next("session.ready")
        yield client


def stays_open(client: SocketClient, for_s: float = 1.5) -> bool:
    """Whether the socket still answers after several rounds of the watch."""
    time.sleep(for_s)
    try:
        client.command("ping")
        return client.next("pong")["type"] == "pong"
    except ConnectionClosed:
        return False


def ends(client: SocketClient) -> None:
    started_s = time.monotonic()
    assert client.close_code() == 4401
    assert time.monotonic() - started_s < WATCHED_S


def password_change(user: User) -> None:
    user.set_password(NEW_PASSWORD)
    user.save()


def ticket_of_page(client: Client, session: CheckoutSession) -> str:
    answer = client.post(f"/api/sessions/{session.pk}/ticket")
    return f"?ticket={answer.json()['ticket']}"


def test_a_cookie_ends_with_the_logout_of_its_own_browser_only(
    server: Server, session: CheckoutSession, shopper: User
) -> None:
    here, elsewhere = page_login(shopper), page_login(shopper)
    with (
        opened(server, session, headers=page_headers(server, here)) as client,
        opened(server, session, headers=page_headers(server, elsewhere)) as other,
    ):
        assert stays_open(client)
        here.post(reverse("logout"))
        ends(client)
        assert stays_open(other)


def test_a_token_ends_with_the_logout_of_its_own_login_only(
    server: Server, session: CheckoutSession, shopper: User
) -> None:
    here, elsewhere = (token_login(server, shopper) for _ in range(2))
    with (
        opened(server, session, headers={"Authorization": f"Bearer {here['access']}"}) as client,
        opened(server, session, headers={"Authorization": f"Bearer {elsewhere['access']}"}) as other,
    ):
        renewed = call(server, "/api/auth/refresh", {"refresh": here["refresh"]})
        assert stays_open(client), "the login goes on with the next pair of tokens"
        call(server, "/api/auth/logout", {"refresh": renewed["refresh"]})
        ends(client)
        assert stays_open(other)
    with socket_connect(server, session.pk, headers={"Authorization": f"Bearer {here['access']}"}) as client:
        assert client.close_code() == 4401


def test_a_ticket_ends_with_the_login_it_was_issued_with(
    server: Server, session: CheckoutSession, shopper: User
) -> None:
    tokens = token_login(server, shopper)
    page = page_login(shopper)
    ticket = call(server, f"/api/sessions/{session.pk}/ticket", {}, tokens["access"])["ticket"]
    with (
        opened(server, session, query=ticket_of_page(page, session)) as by_page,
        opened(server, session, query=f"?ticket={ticket}") as by_token,
    ):
        page.post(reverse("logout"))
        ends(by_page)
        assert stays_open(by_token)
        call(server, "/api/auth/logout", {"refresh": tokens["refresh"]})
        ends(by_token)


def test_a_ticket_issued_before_a_logout_opens_nothing(
    server: Server, session: CheckoutSession, shopper: User
) -> None:
    page = page_login(shopper)
    query = ticket_of_page(page, session)
    page.post(reverse("logout"))
    with socket_connect(server, session.pk, query=query) as client:
        assert client.close_code() == 4401


def test_a_new_password_ends_all_of_them(server: Server, session: CheckoutSession, shopper: User) -> None:
    tokens = token_login(server, shopper)
    page = page_login(shopper)
    with (
        opened(server, session, headers=page_headers(server, page)) as by_cookie,
        opened(server, session, headers={"Authorization": f"Bearer {tokens['access']}"}) as by_token,
        opened(server, session, query=ticket_of_page(page, session)) as by_ticket,
    ):
        assert all(stays_open(client, 0.5) for client in (by_cookie, by_token, by_ticket))
        password_change(shopper)
        for client in (by_cookie, by_token, by_ticket):
            ends(client)


def test_without_the_comparison_nothing_would_end_them(shopper: User) -> None:
    login = login_of(shopper)
    assert login_holds(login)
    password_change(shopper)
    assert shopper.is_active, "which is all that was looked at before"
    assert not login_holds(login)


def test_sockets_look_at_their_login_every_five_seconds() -> None:
    assert CheckoutConsumer.watch_every_s == WATCHED_S


@pytest.mark.django_db
def test_a_login_without_session_or_token_depends_on_the_account_only(shopper: User) -> None:
    login = login_of(shopper)
    assert (login.session_key, login.family) == ("", "")
    assert login.account_id == shopper.pk
    User.objects.filter(pk=shopper.pk).update(is_active=False)
    assert not login_holds(login)
