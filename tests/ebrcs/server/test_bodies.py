"""Bodies are received within bounds of size, time and number; refusals reach the client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from ebrcs.server import bodies, refusals
from ebrcs.server.bodies import BoundedBodies
from ebrcs.server.bodies_in_flight import bodies_in_flight

MIB = 2**20


class Client:
    """The server's side of one request: what the client sends, and what it is answered."""

    def __init__(self, path: str, pieces: list[bytes], *, pause_s: float = 0.0, **headers: str) -> None:
        names = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
        names.setdefault(b"authorization", b"Bearer unchecked")
        self.scope = {
            "type": "http",
            "path": path,
            "headers": list(names.items()),
            "client": [headers.get("x_client", "192.0.2.1"), 1],
        }
        self.pieces, self.pause_s = pieces, pause_s
        self.sent: list[Any] = []
        self.read_count = 0

    async def receive(self) -> Any:
        if self.read_count >= len(self.pieces):
            await asyncio.sleep(3600)
        await asyncio.sleep(self.pause_s)
        self.read_count += 1
        more = self.read_count < len(self.pieces)
        return {"type": "http.request", "body": self.pieces[self.read_count - 1], "more_body": more}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def answer(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])


class Shop:
    """An application that reads the body and answers, as Django does."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.arrived: asyncio.Queue[bytes] = asyncio.Queue()
        self.hold = asyncio.Event()
        self.hold.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            if not message["more_body"]:
                break
        self.bodies.append(body)
        self.arrived.put_nowait(body)
        await self.hold.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"read"})

    async def has_read(self, count: int) -> None:
        """Wait for so many more bodies."""
        for _ in range(count):
            await self.arrived.get()


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(refusals, "LINGER_S", 0.05)
    yield
    assert (bodies_in_flight.total, dict(bodies_in_flight.by_client)) == (0, {})


async def post(shop: Shop, path: str, pieces: list[bytes], **options: Any) -> Client:
    """Send a body whose length is stated unless the options say otherwise."""
    options.setdefault("content_length", str(sum(map(len, pieces))))
    client = Client(path, pieces, **{name: value for name, value in options.items() if value is not None})
    await BoundedBodies(shop)(client.scope, client.receive, client.send)
    return client


async def test_a_body_at_the_limit_is_read_and_one_byte_more_is_refused_unread(shop: Shop) -> None:
    assert (await post(shop, "/healthz", [b"x" * MIB])).status == 200
    refused = await post(shop, "/healthz", [b"x" * (MIB + 1)], expect="100-continue")
    assert (refused.status, refused.read_count) == (413, 0)
    assert shop.bodies == [b"x" * MIB]


async def test_control_without_the_bounds_everything_is_read(shop: Shop) -> None:
    client = Client("/healthz", [b"x" * (2 * MIB)], content_length=str(2 * MIB))
    await shop(client.scope, client.receive, client.send)
    assert (client.status, shop.bodies) == (200, [b"x" * (2 * MIB)])


async def test_programs_get_a_problem_and_people_a_sentence(shop: Shop) -> None:
    asked = await post(shop, "/api/auth/login", [b"x" * (2**18 + 1)])
    assert json.loads(asked.answer) == {
        "type": "urn:ebrcs:problem:request_too_large",
        "title": "The request is too large",
        "status": 413,
        "detail": "The body may have up to 262144 bytes here.",
        "code": "request_too_large",
        "limit": 2**18,
    }
    assert asked.headers[b"content-type"] == b"application/problem+json"
    page = await post(shop, "/login/", [b"x" * (MIB + 1)])
    assert page.headers[b"content-type"] == b"text/plain; charset=utf-8"
    assert page.answer == b"The request is too large. The body may have up to 1048576 bytes here.\n"
    for refused in (asked, page):
        assert refused.headers[b"connection"] == b"close"
        assert int(refused.headers[b"content-length"]) == len(refused.answer)


async def test_a_body_that_is_longer_than_it_says_is_cut(shop: Shop) -> None:
    refused = await post(shop, "/healthz", [b"x" * MIB, b"y", b"z"], content_length="10")
    assert (refused.status, shop.bodies) == (413, [])


async def test_whoever_shows_no_credential_may_send_no_photo(shop: Shop) -> None:
    refused = await post(shop, "/api/recognize", [b"x" * 2 * MIB], authorization="", expect="100-continue")
    assert (refused.status, refused.read_count, shop.bodies) == (413, 0, [])
    assert json.loads(refused.answer)["detail"] == (
        "The body may have up to 262144 bytes here without logging in."
    )


async def test_an_address_below_a_root_path_has_its_own_limit(shop: Shop) -> None:
    client = Client("/shop/api/recognize", [b"x" * 2 * MIB], content_length=str(2 * MIB))
    await BoundedBodies(shop)({**client.scope, "root_path": "/shop"}, client.receive, client.send)
    assert client.status == 200


async def test_the_rest_is_read_while_the_refusal_goes_out_but_not_without_end(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (refusals.LINGER_MAX_BYTES, bodies.SMALL_BODY_BYTES) == (64 * MIB, 64 * 2**10)
    refused = await post(shop, "/healthz", [b"x" * MIB] * 3)
    assert (refused.status, refused.read_count) == (413, 3)
    # The answer is complete before the rest is read, and the connection ends after it.
    assert [message.get("more_body") for message in refused.sent] == [None, True, False]
    monkeypatch.setattr(refusals, "LINGER_MAX_BYTES", 2 * MIB)
    assert (await post(shop, "/healthz", [b"x" * MIB] * 9)).read_count == 2
    slow = await post(shop, "/healthz", [b"x" * MIB] * 9, pause_s=0.02)
    assert (slow.status, slow.read_count) == (413, 2)


def test_the_time_a_body_may_take_is_bounded() -> None:
    assert (bodies.BODY_GRACE_S, bodies.BODY_MIN_BYTES_PER_S) == (10.0, 8192)


async def test_slow_bodies_are_cut_and_steady_ones_read(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_GRACE_S", 0.3)
    slow = [post(shop, "/api/sessions", [b"x"] * 400, pause_s=0.05) for _ in range(400)]
    for refused in await asyncio.gather(*slow):
        assert (refused.status, json.loads(refused.answer)["code"]) == (408, "body_too_slow")
        assert refused.read_count < 20
    assert shop.bodies == []
    # Longer than the grace, at 16 times the rate.
    assert (await post(shop, "/api/sessions", [b"x" * 8192] * 8, pause_s=0.06)).status == 200


async def test_control_without_the_rate_slow_bodies_are_read(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_GRACE_S", 3600.0)
    assert (await post(shop, "/api/sessions", [b"x"] * 20, pause_s=0.05)).status == 200


async def test_uploads_in_flight_are_bounded_for_all_and_for_each_client(
    shop: Shop, settings: Settings
) -> None:
    settings.UPLOADS_MAX_BYTES = 8 * MIB
    shop.hold.clear()

    async def upload(client: str, size: int, **options: Any) -> Client:
        return await post(shop, "/api/products", [b"x" * MIB] * size, x_client=client, **options)

    held = [asyncio.create_task(upload(client, 3)) for client in ("192.0.2.1", "192.0.2.2")]
    await shop.has_read(2)
    assert bodies_in_flight.total == 6 * MIB
    # More than the share of one client, and more than there is room for: refused before it is read.
    for client, size in (("192.0.2.1", 2), ("192.0.2.3", 3)):
        refused = await upload(client, size, expect="100-continue")
        assert (refused.status, refused.headers[b"retry-after"], refused.read_count) == (503, b"10", 0)
        assert json.loads(refused.answer)["code"] == "too_many_uploads"
    # Two that fit when they begin, and not both when they have arrived.
    begun = [asyncio.create_task(upload(f"192.0.2.{host}", 2, pause_s=0.01)) for host in (4, 5)]
    # What needs no room gets through: nobody is kept from logging in.
    small = asyncio.create_task(post(shop, "/api/auth/login", [b"x" * bodies.SMALL_BODY_BYTES]))
    await shop.has_read(2)
    shop.hold.set()
    assert sorted(client.status for client in await asyncio.gather(*begun)) == [200, 503]
    assert [client.status for client in await asyncio.gather(*held, small)] == [200] * 3
    # Whatever was counted is counted no longer.
    assert (await upload("192.0.2.1", 4)).status == 200


async def test_control_without_bounds_all_of_them_are_held(shop: Shop) -> None:
    shop.hold.clear()
    held = [asyncio.create_task(post(shop, "/api/products", [b"x" * MIB] * 3)) for _ in range(4)]
    await shop.has_read(4)
    assert bodies_in_flight.total == 12 * MIB
    shop.hold.set()
    assert [client.status for client in await asyncio.gather(*held)] == [200] * 4


async def test_a_body_without_length_is_refused_and_none_at_all_is_not(shop: Shop) -> None:
    chunked = {"transfer_encoding": "chunked", "content_length": None}
    typed = await post(shop, "/api/sessions", [b"{}"], content_type="application/json", **chunked)
    assert (typed.status, typed.read_count) == (411, 1)  # read only to be discarded
    untyped = await post(shop, "/api/sessions", [b"{}"], **chunked)
    assert (untyped.status, json.loads(untyped.answer)["code"]) == (411, "length_required")
    assert shop.bodies == []
    assert (await post(shop, "/api/sessions", [b""], **chunked)).status == 200
