"""Who is refused at the gate: without work, with the time to wait, and no sooner again than that."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.cache import cache

from checkout.live.limits import flooders, gate
from checkout.live.limits.flooders import flood_note, flood_wait_s
from checkout.live.limits.gate import Opening, SocketGate, session_asked_for
from checkout.live.limits.token_buckets import TokenBuckets

SESSION = str(UUID(int=1))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time of the gate and of the memory of floods; refusals are told at once."""
    now_s = [50_000.0]
    stand_in = SimpleNamespace(monotonic=lambda: now_s[0], time=lambda: now_s[0])
    monkeypatch.setattr(gate, "time", stand_in)
    monkeypatch.setattr(flooders, "time", stand_in)
    monkeypatch.setattr(gate, "REFUSED_AFTER_S", 0.0)
    return now_s


class Sockets:
    """An application of sockets that admits everyone, and closes with the codes it is given."""

    def __init__(self) -> None:
        self.openings: list[Opening] = []
        self.codes: list[int] = []
        self.admits = True

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.openings.append(scope["opening"])
        await receive()
        await send({"type": "websocket.accept"})
        scope["opening"].is_admitted = self.admits
        if self.codes:
            await send({"type": "websocket.close", "code": self.codes.pop()})
        while (await receive())["type"] != "websocket.disconnect":
            pass


class Shop:
    """A gate before sockets, and clients that ask to be let in."""

    def __init__(self) -> None:
        self.sockets = Sockets()
        self.gate = SocketGate(self.sockets)

    async def visit(
        self, session: str = SESSION, address: str = "192.0.2.1", *, code: int | None = None
    ) -> list[dict[str, Any]]:
        """Open a socket that ends with a code, and return what was sent."""
        sent: list[dict[str, Any]] = []
        messages: list[dict[str, Any]] = [
            {"type": "websocket.connect"},
            {"type": "websocket.disconnect", "code": code or 1000},
        ]
        scope = {
            "type": "websocket",
            "path": f"/api/ws/checkout/{session}",
            "headers": [],
            "client": [address, 5000],
        }

        async def receive() -> dict[str, Any]:
            return messages.pop(0)

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.gate(scope, receive, send)
        return sent

    async def let_in(self, session: str = SESSION, address: str = "192.0.2.1") -> bool:
        before = len(self.sockets.openings)
        await self.visit(session, address)
        return len(self.sockets.openings) > before


async def test_a_lane_comes_back_twenty_times_at_once_and_then_once_a_second(clock: list[float]) -> None:
    shop = Shop()
    assert [await shop.let_in() for _ in range(22)] == [True] * 20 + [False] * 2
    assert await shop.let_in(str(uuid4()))
    assert await shop.let_in(address="192.0.2.2")
    clock[0] += 1.0
    assert [await shop.let_in() for _ in range(2)] == [True, False]
    clock[0] += 3600
    assert [await shop.let_in() for _ in range(21)] == [True] * 20 + [False]


async def test_fifty_lanes_behind_one_address_come_back_four_times_at_once(clock: list[float]) -> None:
    shop, lanes = Shop(), [str(uuid4()) for _ in range(50)]
    assert [await shop.let_in(lane) for lane in lanes * 4] == [True] * 200
    assert not await shop.let_in(lanes[0])
    assert await shop.let_in(lanes[0], "192.0.2.2")
    clock[0] += 5.0
    assert [await shop.let_in(lane) for lane in [*lanes, "nothing"]] == [True] * 50 + [False]


async def test_other_spellings_of_a_session_are_the_same_lane(clock: list[float]) -> None:
    shop = Shop()
    spellings = [SESSION, SESSION.upper(), SESSION.replace("-", ""), f"{SESSION}/", f"urn:uuid:{SESSION}"]
    assert [await shop.let_in(spelling) for spelling in spellings * 5] == [True] * 20 + [False] * 5


@pytest.mark.parametrize(
    ("path", "session"),
    [(f"/api/ws/checkout/{SESSION}", SESSION), ("/api/ws/checkout/x", ""), ("/", ""), ("", ""), ("/\0", "")],
)
def test_the_session_stands_in_the_address(path: str, session: str) -> None:
    assert session_asked_for(path) == session


async def test_a_refused_client_is_told_when_to_come_back(clock: list[float]) -> None:
    shop = Shop()
    await shop.visit(code=4429)
    accept, message, close = await shop.visit()
    assert (accept["type"], close["type"], close["code"]) == ("websocket.accept", "websocket.close", 4429)
    assert json.loads(message["text"]) == {
        "type": "error",
        "code": "too_many_connections",
        "detail": "This socket was opened too often or flooded before. Try again in 1 s.",
        "data": {"retry_after_s": 1},
    }
    assert len(shop.sockets.openings) == 1


async def test_each_flood_doubles_the_wait_up_to_a_minute(
    clock: list[float],
) -> None:
    shop = Shop()
    waits_s = []
    for _ in range(9):
        clock[0] += 100.0
        await shop.visit(code=4429)
        waited_s = 0
        while not await shop.let_in():
            clock[0] += 1.0
            waited_s += 1
        waits_s.append(waited_s)
    assert waits_s == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_another_process_knows_and_ten_quiet_minutes_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    stored: list[tuple[Any, ...]] = []
    noting = SimpleNamespace(get=cache.get, set=lambda *entry: stored.append(entry))
    monkeypatch.setattr(flooders, "cache", noting)
    flood_note(address="192.0.2.1", session=SESSION)
    ((key, value, timeout_s),) = stored
    assert (value[0], timeout_s, flooders.FORGET_S) == (1, 600, 600)
    monkeypatch.undo()
    cache.set(key, value, timeout_s)
    assert 0 < flood_wait_s(address="192.0.2.1", session=SESSION) <= 1
    assert flood_wait_s(address="192.0.2.1", session=str(uuid4())) == 0
    assert flood_wait_s(address="192.0.2.2", session=SESSION) == 0


@pytest.mark.parametrize("told", ["by the protocol", "by the consumer"])
async def test_a_flood_is_noted_once_whoever_tells(clock: list[float], told: str) -> None:
    shop = Shop()
    if told == "by the consumer":
        shop.sockets.codes.append(4429)
    await shop.visit(code=4429)
    assert flood_wait_s(address="192.0.2.1", session=SESSION) == 1


async def test_whoever_floods_before_it_is_known_pays_for_its_address_only(clock: list[float]) -> None:
    shop = Shop()
    shop.sockets.admits = False
    for _ in range(9):
        await shop.visit(str(uuid4()), code=4429)
    assert flood_wait_s(address="192.0.2.1", session=SESSION) == 0
    # Of 200 openings, nine are gone, and twenty more for each flood.
    shop.sockets.admits = True
    assert sum([await shop.let_in(str(uuid4())) for _ in range(20)]) == 11


async def test_without_the_gate_the_same_flooder_is_back_at_once(clock: list[float]) -> None:
    shop = Shop()
    await shop.visit(code=4429)
    assert not await shop.let_in()
    await shop.sockets({"opening": Opening("", "")}, *answers())
    assert len(shop.sockets.openings) == 2


def answers() -> tuple[Any, Any]:
    async def receive() -> dict[str, Any]:
        return {"type": "websocket.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        """Send nowhere."""

    return receive, send


async def test_a_refusal_takes_a_second_and_of_too_many_the_handshake_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (gate.REFUSED_AFTER_S, gate.WAITING_MAX) == (1.0, 64)
    monkeypatch.setattr(gate, "REFUSED_AFTER_S", 0.2)
    monkeypatch.setattr(gate, "WAITING_MAX", 3)
    shop = Shop()
    shop.gate.addresses = TokenBuckets(1, 0.001)
    assert await shop.let_in()
    visits = [asyncio.create_task(shop.visit()) for _ in range(5)]
    await asyncio.sleep(0.05)
    assert [visit.done() for visit in visits] == [False] * 3 + [True] * 2
    assert await visits[4] == [{"type": "websocket.close", "code": 4429}]
    assert [len(await visit) for visit in visits] == [3, 3, 3, 1, 1]
    assert not shop.gate.waiting


def test_a_full_memory_forgets_whom_it_has_not_seen_for_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checkout.live.limits.token_buckets.KEYS_MAX", 2)
    buckets = TokenBuckets(1, 0.001)
    assert buckets.take("a", 0.0) == 0
    assert buckets.take("b", 0.0) == 0
    assert buckets.take("b", 0.0) == 1000
    assert buckets.take("c", 0.0) == 0  # in the place of a
    assert buckets.take("b", 0.0) == 1000
    assert buckets.take("a", 0.0) == 0


def test_without_its_cache_the_gate_lets_in(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def gone(*arguments: object) -> None:
        raise OSError

    monkeypatch.setattr(flooders, "cache", SimpleNamespace(get=gone, set=gone))
    flood_note(address="192.0.2.1", session=SESSION)
    assert flood_wait_s(address="192.0.2.1", session=SESSION) == 0
    assert "earlier floods are not known" in caplog.text
