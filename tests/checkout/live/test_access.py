"""Who may open a socket, through a real server, each refusal with its close code."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.core.cache import cache
from pytest_django.fixtures import Settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken
from websockets.exceptions import ConnectionClosed

from accounts.logins import login_of
from accounts.models import User
from checkout.cart import items, services
from checkout.live import tickets
from checkout.live.access import language, origin_is_own
from checkout.models import CheckoutSession
from tests.checkout.colours import RED_ID
from tests.checkout.serving import Server, bearer, cookie, socket_connect


def outcome(
    server: Server, session_id: object, *, query: str = "", headers: dict[str, str] | None = None
) -> str | int | None:
    """Return `session.ready`, or the code with which the socket was closed."""
    with socket_connect(server, session_id, query=query, headers=headers) as client:
        try:
            return str(client.next()["type"])
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


def ticket_query(session: CheckoutSession) -> str:
    return f"?ticket={tickets.ticket_issue(login=login_of(session.user), session_id=session.pk)}"


def test_a_client_without_credentials_is_refused(server: Server, session: CheckoutSession) -> None:
    for headers in (
        {},
        {"Cookie": "sessionid="},
        {"Cookie": "sessionid=doesnotexist", "Origin": server.origin},
        {"Cookie": "sessionid='; drop table users", "Origin": server.origin},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic c2hvcHBlcjpwYXNzd29yZA=="},
        {"Authorization": "Bearer"},
    ):
        assert outcome(server, session.pk, headers=headers) == 4401, headers


def test_a_token_gets_in_and_an_old_or_wrong_one_does_not(
    server: Server, session: CheckoutSession, shopper: User
) -> None:
    assert outcome(server, session.pk, headers=bearer(shopper)) == "session.ready"
    old = AccessToken.for_user(shopper)
    old.set_exp(lifetime=-timedelta(minutes=1))
    for token in (old, RefreshToken.for_user(shopper)):
        assert outcome(server, session.pk, headers={"Authorization": f"Bearer {token}"}) == 4401


def test_a_cookie_counts_only_from_a_page_of_the_shop(
    server: Server, session: CheckoutSession, shopper: User
) -> None:
    logged_in = cookie(shopper)
    assert outcome(server, session.pk, headers={**logged_in, "Origin": server.origin}) == "session.ready"
    for origin in (
        None,
        "null",
        "https://evil.example",
        f"http://127.0.0.1:{server.port + 1}",
        f"http://localhost:{server.port}",
        f"http://127.0.0.1.evil.example:{server.port}",
        f"http://evil.example#@127.0.0.1:{server.port}",
        f"ftp://127.0.0.1:{server.port}",
    ):
        headers = logged_in if origin is None else {**logged_in, "Origin": origin}
        assert outcome(server, session.pk, headers=headers) == 4403, origin


def test_a_page_of_another_site_is_refused_with_any_credentials(
    server: Server, session: CheckoutSession, shopper: User
) -> None:
    query = ticket_query(session)
    for origin in ("https://evil.example", "null", f"http://127.0.0.1:{server.port + 1}"):
        foreign = {"Origin": origin}
        assert outcome(server, session.pk, headers={**bearer(shopper), **foreign}) == 4403, origin
        assert outcome(server, session.pk, headers={**cookie(shopper), **foreign}) == 4403, origin
        assert outcome(server, session.pk, query=query, headers=foreign) == 4403, origin
        assert outcome(server, session.pk, headers=foreign) == 4403, origin
    # The ticket was not used up, and serves a page of the shop as it serves a program.
    own = {"Origin": server.origin}
    assert outcome(server, session.pk, query=query, headers=own) == "session.ready"
    assert outcome(server, session.pk, headers={**bearer(shopper), **own}) == "session.ready"
    assert outcome(server, session.pk, query=ticket_query(session)) == "session.ready"


@pytest.mark.parametrize(
    ("origin", "host", "expected"),
    [
        ("http://localhost", "localhost", True),
        ("http://localhost:80", "localhost", True),
        ("https://localhost", "localhost", True),
        ("https://localhost:443", "localhost:443", True),
        ("http://localhost:8000", "localhost:8000", True),
        ("http://[::1]:8000", "[::1]:8000", True),
        ("HTTP://LOCALHOST:8000", "localhost:8000", True),
        ("https://shop.example", "anything", True),
        ("https://shop.example:8443", "anything", False),
        ("http://rebound.example", "rebound.example", False),
        ("http://localhost:8001", "localhost:8000", False),
        ("http://localhost", "localhost:8000", False),
        ("http://localhost:99999", "localhost", False),
        ("http://", "", False),
        ("http://[", "localhost", False),
        ("", "localhost", False),
    ],
)
def test_an_origin_is_own_when_it_is_the_very_host_or_listed(
    settings: Settings, origin: str, host: str, expected: bool
) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "[::1]"]
    settings.ALLOWED_ORIGINS = ["https://shop.example"]
    assert origin_is_own(origin, host) is expected


def test_behind_https_a_page_without_it_is_foreign(settings: Settings) -> None:
    settings.ALLOWED_HOSTS, settings.BEHIND_HTTPS = ["localhost"], True
    assert origin_is_own("https://localhost", "localhost")
    assert not origin_is_own("http://localhost", "localhost")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"origin": "http://a", "accept-language": "ko-KR,ko;q=0.9"}, "ko"),
        ({"origin": "http://a", "accept-language": "ko", "cookie": "django_language=en"}, "en"),
        ({"origin": "http://a", "accept-language": "en", "cookie": "django_language=ko"}, "ko"),
        ({"origin": "http://a", "accept-language": "fr"}, "ko"),
        ({"origin": "http://a"}, "ko"),
        ({"accept-language": "ko", "cookie": "django_language=ko"}, "en"),
    ],
)
def test_a_page_has_the_language_of_its_requests_and_other_programs_english(
    settings: Settings, headers: dict[str, str], expected: str
) -> None:
    settings.LANGUAGE_CODE = "ko"
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]

    assert language({"headers": pairs, "query_string": b""}) == expected


def test_someone_elses_session_stays_closed_to_any_credentials(
    server: Server, session: CheckoutSession, stranger: User, keeper: User
) -> None:
    own = services.session_start(user=stranger)
    for user in (stranger, keeper):
        assert outcome(server, session.pk, headers=bearer(user)) == 4403
        assert outcome(server, session.pk, headers={**cookie(user), "Origin": server.origin}) == 4403
    assert outcome(server, session.pk, query=ticket_query(own)) == 4401


def test_a_session_that_is_none_is_not_found(server: Server, shopper: User) -> None:
    for session_id in (uuid4(), "nonsense", "%00", "0" * 500):
        assert outcome(server, session_id, headers=bearer(shopper)) == 4404
    assert outcome(server, "a/b/c", headers=bearer(shopper)) == 4404


def test_a_session_that_ended_says_how_and_is_closed(server: Server, shopper: User) -> None:
    paid, cancelled = services.session_start(user=shopper), services.session_start(user=shopper)
    items.item_set(session_id=paid.pk, product_id=RED_ID, quantity=1)
    order = services.session_confirm(session_id=paid.pk).order
    services.session_cancel(session_id=cancelled.pk)
    for session, status, order_id in ((paid, "completed", str(order.pk)), (cancelled, "expired", None)):
        with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
            assert client.next() == {"type": "session.closed", "status": status, "order_id": order_id}
            assert client.close_code() == 4409


def test_a_ticket_opens_one_socket_once(server: Server, session: CheckoutSession) -> None:
    query = ticket_query(session)
    assert outcome(server, session.pk, query=query) == "session.ready"
    assert outcome(server, session.pk, query=query) == 4401
    for made_up in ("?ticket=", "?ticket=nonsense", "?ticket=%00%ff", "?ticket=" + "x" * 2000):
        assert outcome(server, session.pk, query=made_up) == 4401


def test_a_used_ticket_is_not_saved_by_other_credentials(
    server: Server, session: CheckoutSession, shopper: User
) -> None:
    assert outcome(server, session.pk, query="?ticket=nonsense", headers=bearer(shopper)) == 4401


def test_a_ticket_ends_with_its_time(session: CheckoutSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets, "TICKET_LIFETIME_S", -1)
    ticket = tickets.ticket_issue(login=login_of(session.user), session_id=session.pk)
    assert tickets.ticket_redeem(ticket=ticket, session_id=session.pk) is None


def test_the_cache_does_not_hold_the_ticket_itself(session: CheckoutSession) -> None:
    ticket = tickets.ticket_issue(login=login_of(session.user), session_id=session.pk)
    assert cache.get(f"ticket:{ticket}") is None
    assert tickets.ticket_redeem(ticket=ticket, session_id=session.pk) == login_of(session.user)


def test_of_many_that_redeem_one_ticket_at_once_one_gets_through(session: CheckoutSession) -> None:
    with ThreadPoolExecutor(16) as pool:
        for _ in range(25):
            ticket = tickets.ticket_issue(login=login_of(session.user), session_id=session.pk)
            redeemed = pool.map(
                lambda _, ticket=ticket: tickets.ticket_redeem(ticket=ticket, session_id=session.pk),
                range(16),
            )
            assert [login for login in redeemed if login] == [login_of(session.user)]


def test_without_the_atomic_delete_several_would_get_through(
    session: CheckoutSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    lenient = SimpleNamespace(get=cache.get, set=cache.set, delete=lambda key: True)
    monkeypatch.setattr(tickets, "cache", lenient)
    ticket = tickets.ticket_issue(login=login_of(session.user), session_id=session.pk)
    with ThreadPoolExecutor(16) as pool:
        redeemed = list(
            pool.map(lambda _: tickets.ticket_redeem(ticket=ticket, session_id=session.pk), range(16))
        )
    assert len([user_id for user_id in redeemed if user_id]) > 1


def test_a_disabled_user_is_refused_by_every_way(
    server: Server, session: CheckoutSession, shopper: User
) -> None:
    credentials = [
        ("", bearer(shopper)),
        ("", {**cookie(shopper), "Origin": server.origin}),
        (ticket_query(session), {}),
    ]
    User.objects.filter(pk=shopper.pk).update(is_active=False)
    for query, headers in credentials:
        assert outcome(server, session.pk, query=query, headers=headers) == 4401


def test_a_user_disabled_while_the_socket_is_open_is_put_out(
    server: Server, session: CheckoutSession, shopper: User
) -> None:
    with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
        client.next("session.ready")
        User.objects.filter(pk=shopper.pk).update(is_active=False)
        assert client.close_code() == 4401
