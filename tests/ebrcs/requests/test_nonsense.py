"""Cookies and queries that no browser sends, on every page: nobody is logged in, and nothing is a 500."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django.fixtures import Settings

from accounts.models import User
from catalog.models import Product
from checkout.cart import services
from ebrcs.requests.query_check import QueryCheckMiddleware
from ebrcs.requests.session_store import SessionStore
from recognition.engine import shared
from recognition.engine.engine import Engine
from tests.checkout.serving import Server, socket_connect

pytestmark = pytest.mark.django_db
NONSENSE = {
    "NUL": '"\\000\\000\\000\\000\\000\\000\\000\\000"',
    "NUL in a key": '"' + "a" * 31 + '\\000"',
    "Latin-1": "é" * 32,
    "a lone surrogate": "\\355\\240\\200" * 8,
    "UTF-8": "\u00ed\u0095\u009c" * 11,
    "overlong": "a" * 6000,
    "too short": "a" * 31,
    "upper case": "A" * 32,
    "quoted control characters": '"\\001\\033[2J\\r\\n\\t\\012"',
    "SQL": "' or 1=1 --",
    "empty": "",
    "JSON": '{"a": [1]}',
}
COOKIES = ("sessionid", "csrftoken", "django_language", "messages")
QUERIES = (
    "page=%00&q=%00&p=%00&o=%00&all=%00&next=%00&camera=%00&period=%00",
    "%00=%00",
    "q=a%00b",
    "q=%ff%fe&page=%ff&o=%ff&p=%ff&next=%ff",
    "q=%ed%a0%80&page=%ed%a0%80&next=%ed%a0%80",
    "page=" + "9" * 5000 + "&p=" + "9" * 5000 + "&o=" + "9" * 5000,
    "q=" + "%20x" * 20,
)


def every_page(resolver: Any = None, prefix: str = "") -> list[str]:
    """List the addresses of all pages, those of the admin included, that name nothing in particular."""
    found = []
    for entry in (resolver or get_resolver()).url_patterns:
        part = prefix + str(entry.pattern).replace("^", "").replace("$", "").replace("\\Z", "")
        if isinstance(entry, URLResolver):
            found += every_page(entry, part)
        elif isinstance(entry, URLPattern) and "<" not in part and "(" not in part and "logout" not in part:
            found.append(f"/{part}")
    return found


PAGES = every_page()


@pytest.fixture
def visitor(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Return a client, of a shop without rate limits and with an engine that never gets ready."""
    monkeypatch.setattr(Engine, "start", lambda self: None)
    unlimited = dict.fromkeys(settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "1000000/day")
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": unlimited}
    yield Client(raise_request_exception=False)
    shared.engine_use(None)


def test_all_pages_are_found() -> None:
    assert {"/", "/checkout/", "/admin/", "/admin/catalog/product/", "/api/products", "/login/"} <= set(PAGES)
    assert len(PAGES) > 40


@pytest.mark.parametrize("kind", NONSENSE)
def test_a_nonsense_cookie_means_that_nobody_is_logged_in(visitor: Client, kind: str) -> None:
    header = "; ".join(f"{name}={NONSENSE[kind]}" for name in COOKIES)
    for page in PAGES:
        answer = visitor.get(page, headers={"cookie": header})
        assert answer.status_code != 500, (page, kind)
    assert visitor.get("/checkout/", headers={"cookie": header}).status_code == 302
    answer = visitor.post("/i18n/setlang/", {"language": "ko"}, headers={"cookie": header})
    assert answer.status_code != 500


@pytest.mark.parametrize("query", QUERIES)
def test_a_nonsense_query_is_refused_or_ignored_on_every_page(
    visitor: Client, keeper: User, query: str
) -> None:
    Product.objects.create(name="Oat milk")
    visitor.force_login(keeper)
    for page in PAGES:
        answer = visitor.get(f"{page}?{query}")
        assert answer.status_code != 500, page


NUL_ASKED = ("/admin/catalog/product/?name=%00", "/admin/accounts/user/?username=a%00b")


@pytest.mark.postgres
@pytest.mark.parametrize("address", NUL_ASKED)
def test_a_query_with_nul_that_reaches_the_database_is_a_bad_request(
    visitor: Client, keeper: User, address: str
) -> None:
    visitor.force_login(keeper)
    page = visitor.get(address)
    assert (page.status_code, page["Content-Type"]) == (400, "text/html; charset=utf-8")
    assert "Content-Security-Policy" in page.headers
    assert visitor.get(address.replace("%00", "")).status_code in {200, 302}


def test_other_faults_stay_faults() -> None:
    check = QueryCheckMiddleware(lambda request: HttpResponse())
    request = RequestFactory().get("/api/products?q=%00")
    assert check.process_exception(request, RuntimeError()) is None
    assert check.process_exception(RequestFactory().get("/?q=%0a"), ValueError()) is None
    answer = check.process_exception(request, ValueError())
    assert isinstance(answer, HttpResponse)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert b"must not contain NUL" in answer.content


@pytest.mark.postgres
def test_without_the_checks_both_are_faults_of_the_server(visitor: Client, keeper: User) -> None:
    nul = {"cookie": f"sessionid={NONSENSE['NUL']}"}
    unchecked = [entry for entry in settings.MIDDLEWARE if "query_check" not in entry]
    with override_settings(SESSION_ENGINE="django.contrib.sessions.backends.db", MIDDLEWARE=unchecked):
        assert Client(raise_request_exception=False).get("/checkout/", headers=nul).status_code == 500
        bare = Client(raise_request_exception=False)
        bare.force_login(keeper)
        assert [bare.get(address).status_code for address in NUL_ASKED] == [500, 500]
    assert visitor.get("/checkout/", headers=nul).status_code == 302


def test_only_keys_that_can_be_one_are_looked_up() -> None:
    store = import_module(settings.SESSION_ENGINE).SessionStore
    assert store is SessionStore
    made = store()
    made.create()
    assert store(made.session_key).session_key == made.session_key
    assert Session.objects.filter(pk=made.session_key).exists()
    for wrong in ("a" * 31, "a" * 33, "A" * 32, "a" * 31 + "\0", "a" * 31 + "٣", "a" * 32 + "\n"):
        assert store(wrong).session_key is None, wrong


def test_a_socket_with_a_nonsense_cookie_is_not_logged_in(server: Server, shopper: User) -> None:
    session = services.session_start(user=shopper)
    for kind, value in NONSENSE.items():
        if value.isascii():
            headers = {"Cookie": f"sessionid={value}; django_language={value}", "Origin": server.origin}
            with socket_connect(server, session.pk, headers=headers) as client:
                assert client.close_code() == 4401, kind
