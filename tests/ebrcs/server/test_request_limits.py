"""How many requests run at once, in which order the others follow, and who is refused."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from ebrcs.server import request_limits
from ebrcs.server.request_limits import (
    Client,
    RequestLimits,
    RequestSlots,
    RequestsWaiting,
    ServerBusy,
    client_of_scope,
)

ONE, OTHER, NEIGHBOUR = Client("10.0.0.1", b"one"), Client("10.0.0.2", b"other"), Client("10.0.0.1", b"two")
BODY = {"type": "http.request", "body": b"", "more_body": False}


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(50):
        await asyncio.sleep(0)


def scope_of(path: str = "/api/products", address: str = "10.0.0.1", **headers: str) -> dict[str, Any]:
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "path": path, "client": (address, 1), "headers": sent}


def test_the_bounds_are_these() -> None:
    slots = RequestSlots(16)
    assert (slots.free, slots.client_max, slots.address_max) == (16, 2, 4)
    assert (RequestSlots(2).client_max, RequestSlots(2).address_max) == (1, 1)
    bounds = (
        request_limits.CLIENT_WAITING_MAX,
        request_limits.ADDRESS_WAITING_MAX,
        request_limits.WAITING_MAX,
        request_limits.WAIT_MAX_S,
        request_limits.RETRY_AFTER_S,
    )
    assert bounds == (400, 800, 2_000, 60.0, 2)
    assert {"/healthz", "/readyz", "/metrics"} == request_limits.MONITORING_PATHS


async def test_addresses_take_turns_and_so_do_the_clients_of_one() -> None:
    slots = RequestSlots(1)
    order: list[Client] = []
    await slots.take(Client("10.0.0.9", b""))

    async def call(client: Client) -> None:
        await slots.take(client)
        order.append(client)
        slots.give_back(client)

    calls = [asyncio.create_task(call(client)) for client in [ONE] * 4 + [NEIGHBOUR] * 2 + [OTHER] * 2]
    await settle()
    assert order == []
    slots.give_back(Client("10.0.0.9", b""))
    await asyncio.gather(*calls)
    assert order == [ONE, OTHER, NEIGHBOUR, OTHER, ONE, NEIGHBOUR, ONE, ONE]
    assert (slots.free, [*slots.queue], slots.running, slots.waiting, slots.waiting_total) == (
        1,
        [],
        {},
        {},
        0,
    )


async def test_a_client_takes_an_eighth_of_the_slots_and_an_address_a_quarter_of_them() -> None:
    slots = RequestSlots(16)
    clients = [ONE] * 9 + [NEIGHBOUR] * 9 + [Client("10.0.0.1", b"three")] * 9 + [OTHER] * 9
    calls = [asyncio.create_task(slots.take(client)) for client in clients]
    await settle()
    assert (slots.running[ONE], slots.running[NEIGHBOUR], slots.running["10.0.0.1"]) == (2, 2, 4)
    assert (slots.running[OTHER], slots.free) == (2, 10)
    for call in calls:
        call.cancel()


async def test_who_stops_waiting_leaves_nothing_behind() -> None:
    slots = RequestSlots(1)
    await slots.take(ONE)
    waiting = asyncio.create_task(slots.take(OTHER))
    granted = asyncio.create_task(slots.take(NEIGHBOUR))
    await settle()
    waiting.cancel()
    await settle()
    assert (slots.waiting[OTHER], slots.waiting_total) == (0, 1)
    slots.give_back(ONE)
    granted.cancel()  # in the very moment in which its turn comes
    await settle()
    assert (slots.free, [*slots.queue], slots.running, slots.waiting_total) == (1, [], {}, 0)


async def test_a_slot_freed_while_a_wait_is_being_given_up_goes_to_the_next() -> None:
    slots = RequestSlots(1)
    await slots.take(ONE)
    waiting = asyncio.create_task(slots.take(OTHER))
    await settle()
    waiting.cancel()
    slots.give_back(ONE)  # before the one that waited has run again
    await settle()
    await asyncio.wait_for(slots.take(NEIGHBOUR), 1)
    assert (slots.free, slots.waiting_total) == (0, 0)


async def test_who_waits_for_too_long_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_limits, "WAIT_MAX_S", 0.01)
    slots = RequestSlots(1)
    await slots.take(ONE)
    with pytest.raises(ServerBusy) as refused:
        await slots.take(OTHER)
    assert (refused.value.status, refused.value.data) == (503, {"retry_after_s": 2})
    assert (slots.waiting_total, [*slots.queue]) == (0, [])


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        ("CLIENT_WAITING_MAX", RequestsWaiting),
        ("ADDRESS_WAITING_MAX", RequestsWaiting),
        ("WAITING_MAX", ServerBusy),
    ],
)
async def test_no_more_wait_than_are_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, refusal: type[Exception]
) -> None:
    monkeypatch.setattr(request_limits, name, 3)
    slots = RequestSlots(1)
    calls = [asyncio.create_task(slots.take(ONE)) for _ in range(4)]
    await settle()
    with pytest.raises(refusal):
        await slots.take(ONE)
    if name != "WAITING_MAX":
        calls.append(asyncio.create_task(slots.take(OTHER)))
        await settle()
        assert slots.waiting[OTHER] == 1
    for call in calls:
        call.cancel()


class Views:
    """An application that reads the body, and answers when it is told to."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.most = self.running = 0
        self.ended = asyncio.Event()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        while (message := await receive())["type"] == "http.request" and message.get("more_body"):
            pass
        if message["type"] == "http.disconnect":
            return
        self.begun.append(scope["path"])
        self.running += 1
        self.most = max(self.most, self.running)
        await self.ended.wait()
        self.running -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})


class Call:
    """One request, from the server's side."""

    def __init__(self, application: Any, scope: dict[str, Any], *messages: dict[str, Any]) -> None:
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        for message in messages or (BODY,):
            self.inbox.put_nowait(message)

        async def send(message: dict[str, Any]) -> None:
            self.sent.append(message)

        self.task = asyncio.create_task(application(scope, self.inbox.get, send))


@pytest.fixture
def views() -> Views:
    return Views()


@pytest.fixture
def limited(views: Views, settings: Settings) -> Iterator[RequestLimits]:
    settings.REQUESTS_AT_ONCE = 2
    settings.MONITORING_REQUESTS_AT_ONCE = 1
    yield RequestLimits(views)
    views.ended.set()


async def test_only_so_many_requests_run_at_once(views: Views, limited: RequestLimits) -> None:
    calls = [Call(limited, scope_of(address=f"10.0.0.{number}")) for number in range(9)]
    await settle()
    assert views.running == 2
    views.ended.set()
    await asyncio.gather(*(call.task for call in calls))
    assert (views.most, len(views.begun), limited.slots.free) == (2, 9, 2)
    assert not limited.serving


async def test_control_without_the_limits_all_of_them_do(views: Views) -> None:
    calls = [Call(views, scope_of(address=f"10.0.0.{number}")) for number in range(9)]
    await settle()
    assert views.running == 9
    views.ended.set()
    await asyncio.gather(*(call.task for call in calls))


async def test_a_body_still_on_its_way_takes_no_slot(views: Views, limited: RequestLimits) -> None:
    part = {"type": "http.request", "body": b"x", "more_body": True}
    slow = [Call(limited, scope_of(), part) for _ in range(5)]
    await settle()
    assert (limited.slots.free, limited.slots.waiting_total) == (2, 0)
    slow[0].inbox.put_nowait(BODY)
    await settle()
    assert (limited.slots.free, views.running) == (1, 1)
    for call in slow[1:]:
        call.task.cancel()


async def test_whoever_watches_the_process_does_not_wait_for_shoppers(
    views: Views, limited: RequestLimits
) -> None:
    shoppers = [Call(limited, scope_of(address=f"10.0.0.{number}")) for number in range(5)]
    watcher = Call(limited, scope_of("/healthz"))
    second = Call(limited, scope_of("/readyz"))
    await settle()
    assert views.begun.count("/healthz") == 1
    assert views.begun.count("/readyz") == 0
    views.ended.set()
    await asyncio.gather(*(call.task for call in [*shoppers, watcher, second]))


async def test_a_request_the_server_gives_up_keeps_its_slot_until_it_has_ended(
    views: Views, limited: RequestLimits
) -> None:
    running = Call(limited, scope_of())
    await settle()
    running.task.cancel()
    await settle()
    assert running.task.cancelled()
    assert (views.running, limited.slots.free) == (1, 1)
    views.ended.set()
    await settle()
    assert (views.running, limited.slots.free) == (0, 2)


async def test_a_request_given_up_while_it_waits_never_begins(views: Views, limited: RequestLimits) -> None:
    running = [Call(limited, scope_of(address=f"10.0.0.{number}")) for number in range(2)]
    waiting = Call(limited, scope_of("/api/later"))
    await settle()
    waiting.task.cancel()
    await settle()
    views.ended.set()
    await asyncio.gather(*(call.task for call in running))
    await settle()
    assert "/api/later" not in views.begun
    assert (limited.slots.free, limited.slots.waiting_total) == (2, 0)


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/api/products", "application/problem+json"), ("/my-page/", "text/plain; charset=utf-8")],
)
async def test_a_refused_request_is_told_when_to_come_back(
    views: Views, limited: RequestLimits, monkeypatch: pytest.MonkeyPatch, path: str, kind: str
) -> None:
    monkeypatch.setattr(request_limits, "CLIENT_WAITING_MAX", 1)
    calls = [Call(limited, scope_of(path)) for _ in range(4)]
    await settle()
    views.ended.set()
    await asyncio.gather(*(call.task for call in calls))
    statuses = Counter(call.sent[0]["status"] for call in calls)
    assert statuses == {200: 2, 429: 2}
    start, body = next(call.sent for call in calls if call.sent[0]["status"] == 429)
    headers = dict(start["headers"])
    assert headers[b"content-type"] == kind.encode()
    assert (headers[b"retry-after"], headers[b"cache-control"]) == (b"2", b"no-store")
    assert int(headers[b"content-length"]) == len(body["body"])
    assert b"You have too many requests waiting. Try again in 2 s." in body["body"]


def test_a_client_is_an_address_with_a_credential() -> None:
    assert client_of_scope(scope_of()) == ("10.0.0.1", b"")
    assert client_of_scope(scope_of(authorization="Bearer x")) == ("10.0.0.1", b"Bearer x")
    cookies = "csrftoken=a; sessionid=s1; other=b"
    assert client_of_scope(scope_of(cookie=cookies)) == ("10.0.0.1", b"s1")
    assert client_of_scope(scope_of(cookie="notsessionid=s1")) == ("10.0.0.1", b"")
