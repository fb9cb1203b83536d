"""Headers by which a client would be taken for another, or would move the site, at a real daphne."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from websockets.sync.client import connect

from ebrcs.rate_limits import client_address_of_scope
from ebrcs.server.trusted_proxies import TrustedProxies
from tests.checkout.serving import Server
from tests.ebrcs.server.conftest import RATE, Serve, exchange, head, status_of, told

PEER = "127.0.0.1"


@pytest.fixture(scope="module")
def shop_behind_a_proxy(serve: Serve) -> Iterator[Server]:
    """Serve the shop as deployed, and with the option that must not matter."""
    with serve("--proxy-headers", EBRCS_PROXIES="1", EBRCS_RATE_LOGIN=RATE) as server:
        yield server


@pytest.fixture(scope="module")
def believing_shop(serve: Serve) -> Iterator[Server]:
    """Serve the shop with daphne's own reading of the header: the control."""
    with serve(
        "--proxy-headers", switches="daphne_as_it_is,addresses_as_daphne_reads_them", EBRCS_RATE_LOGIN=RATE
    ) as server:
        yield server


def logins(server: Server, count: int, forwarded: str) -> list[int]:
    """Try to log in under many names, from many forged addresses; return the statuses."""
    cache.clear()
    statuses = []
    for number in range(count):
        body = json.dumps({"username": f"nobody{number}", "password": "Wrong-Horse-1"}).encode()
        request = head(
            "POST",
            "/api/auth/login",
            X_Forwarded_For=forwarded.format(f"198.51.100.{number}"),
            Content_Type="application/json",
            Content_Length=len(body),
            Connection="close",
        )
        statuses.append(status_of(exchange(server, request + body)))
    return statuses


def test_forged_addresses_do_not_get_around_the_limit(shop_behind_a_proxy: Server) -> None:
    assert logins(shop_behind_a_proxy, 30, "{}, 192.0.2.7") == [401] * 3 + [429] * 27
    # From another address, as the proxy saw it, one may still try.
    assert logins(shop_behind_a_proxy, 1, "192.0.2.7, 192.0.2.8") == [401]


def test_without_a_proxy_the_header_is_ignored(shop: Server) -> None:
    assert logins(shop, 6, "{}") == [401] * 3 + [429] * 3


def test_control_by_the_leftmost_address_every_login_passes(believing_shop: Server) -> None:
    assert logins(believing_shop, 6, "{}") == [401] * 6


def socket_told(server: Server, **headers: str) -> dict[str, Any]:
    with connect(f"ws://127.0.0.1:{server.port}/loop-lag", additional_headers=headers) as link:
        found: dict[str, Any] = json.loads(link.recv())
        return found


def test_requests_and_sockets_have_the_client_that_the_proxy_saw(
    shop_behind_a_proxy: Server, shop: Server, believing_shop: Server
) -> None:
    forged = "198.51.100.1, 192.0.2.7"
    for server, address in (
        (shop_behind_a_proxy, "192.0.2.7"),
        (shop, PEER),
        (believing_shop, "198.51.100.1"),
    ):
        assert told(server, X_Forwarded_For=forged)["client"] == address
        assert socket_told(server, **{"X-Forwarded-For": forged})["client"] == address
    assert told(shop_behind_a_proxy)["client"] == PEER


def test_no_client_chooses_the_scheme(shop_behind_a_proxy: Server, believing_shop: Server) -> None:
    forged = {"X_Forwarded_For": "192.0.2.7", "X_Forwarded_Proto": "https"}
    assert told(shop_behind_a_proxy, **forged)["scheme"] == "http"
    assert told(believing_shop, **forged)["scheme"] == "https"  # control


def test_no_client_moves_the_site_to_another_path(shop: Server, bare_shop: Server) -> None:
    for server, root in ((shop, ""), (bare_shop, "/evil")):
        assert told(server, Daphne_Root_Path="/evil")["root_path"] == root
        page = exchange(server, head("GET", "/my/", Daphne_Root_Path="/evil", Connection="close"))
        assert f"\r\nLocation: {root}/login/?next=".encode() in page
    assert socket_told(shop, **{"Daphne-Root-Path": "/evil"})["root_path"] == ""


async def served_by_uvicorn(headers: list[tuple[bytes, bytes]], client: list[Any] | None) -> Any:
    """Return the client that an application sees behind what stands in for uvicorn's own reading."""
    scopes: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)

    scope = {"type": "http", "headers": headers, "client": client}
    await TrustedProxies(application, trusted_hosts="*")(scope, None, None)  # type: ignore[arg-type]
    assert scopes == [scope]
    return scope["client"]


async def test_uvicorn_believes_as_many_proxies_as_daphne(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    headers = [(b"x-forwarded-for", b"198.51.100.1"), (b"x-forwarded-for", b"192.0.2.7")]
    assert await served_by_uvicorn(headers, [PEER, 9]) == (PEER, 9)
    monkeypatch.setitem(settings.REST_FRAMEWORK, "NUM_PROXIES", 1)
    assert await served_by_uvicorn(headers, [PEER, 9]) == ("192.0.2.7", 0)
    assert await served_by_uvicorn([], None) is None
    scope: Any = {"headers": headers, "client": ["192.0.2.7", 0]}
    assert client_address_of_scope(scope) == "192.0.2.7"  # reading it a second time changes nothing
