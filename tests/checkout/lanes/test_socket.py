"""The socket of a lane's page: who is let in, what is answered, and when it closes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import RedisError

from accounts.models import User
from checkout.lanes import consumer as lane_consumer
from checkout.lanes import newest_page, pictures
from checkout.lanes.alerts import alert_acknowledge
from checkout.lanes.announce import lane_announce, lane_group
from checkout.lanes.consumer import LaneConsumer
from checkout.lanes.pairing import key_revoke, lane_pair, pairing_code_make
from checkout.lanes.pictures import PICTURE_MAX_BYTES, picture_get
from checkout.lanes.services import lane_settings_change
from checkout.lanes.visits import lane_visit
from checkout.models import Alert, CheckoutSession, Lane, LaneEvent, LaneTelemetry
from tests.checkout.lanes.lane_socket import LaneSocket
from tests.checkout.lanes.makers import lane_make, staff_make
from tests.pictures import encoded, scene

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def staff(transactional_db: None) -> User:
    return staff_make()


@pytest.fixture
def lane(staff: User) -> Lane:
    """Return a lane with which a device is paired."""
    lane, _ = lane_pair(code=pairing_code_make(lane=lane_make(), by=staff), address="192.0.2.1")
    return lane


def in_thread(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a service beside the event loop."""
    return database_sync_to_async(call, thread_sensitive=False)(*args, **kwargs)


def on_page(lane: Lane, visit: Callable[[LaneSocket], Coroutine[Any, Any, Any]]) -> Any:
    """Open the page of a lane, do something with it once it is ready, and leave."""

    async def run() -> Any:
        page = LaneSocket(lane.account)
        await page.message("lane.ready")
        try:
            return await visit(page)
        finally:
            await page.leave()

    return asyncio.run(run())


def test_a_page_is_told_the_lane_its_alerts_and_its_visit(lane: Lane) -> None:
    async def run() -> dict[str, Any]:
        page = LaneSocket(lane.account)
        ready = await page.message()
        await page.leave()
        return ready

    ready = asyncio.run(run())
    visit = CheckoutSession.objects.get(lane=lane)
    assert (ready["type"], ready["session_id"], ready["alerts"]) == ("lane.ready", str(visit.pk), [])
    assert (ready["lane"]["id"], ready["lane"]["name"]) == (str(lane.pk), "Lane 1")


@pytest.mark.parametrize(("who", "code"), [("nobody", 4401), ("shopper", 4403), ("staff", 4403)])
def test_others_are_refused(who: str, code: int, staff: User, shopper: User) -> None:
    async def run() -> int:
        page = LaneSocket({"nobody": None, "shopper": shopper, "staff": staff}[who])
        closed = await page.close_code()
        await page.leave()
        return closed

    assert asyncio.run(run()) == code


def test_a_heartbeat_says_what_the_lane_does(lane: Lane) -> None:
    async def beat(page: LaneSocket) -> None:
        page.say(type="heartbeat", activity="shopping", camera="live")
        await page.heard()

    on_page(lane, beat)
    lane.refresh_from_db()
    assert (lane.activity, lane.camera_state) == ("shopping", "live")
    assert lane.last_seen_at is not None
    assert timezone.now() - lane.last_seen_at < timedelta(seconds=5)


def minute(**fields: Any) -> dict[str, Any]:
    """Return telemetry of this minute."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    usual = {"fps": 3.1, "p50_ms": 31.0, "p95_ms": None, "dropped": 0, "reconnects": 1, "camera": "live"}
    return {"type": "telemetry", "minute": now.isoformat(), **usual, **fields}


def test_telemetry_of_a_minute_is_kept_once_and_the_newest_counts(lane: Lane) -> None:
    async def measure(page: LaneSocket) -> None:
        page.say(**minute())
        page.say(**minute(fps=5, dropped=2))
        await page.heard()

    on_page(lane, measure)
    row = LaneTelemetry.objects.get()
    assert (row.lane, row.frames_per_second, row.answer_p50_ms, row.answer_p95_ms) == (lane, 5.0, 31.0, None)
    assert (row.dropped, row.reconnects, row.camera_state) == (2, 1, "live")


def test_a_minute_is_one_whatever_offset_it_is_told_in(lane: Lane) -> None:
    async def measure(page: LaneSocket) -> None:
        for offset in ("+00:00:00", "+00:00:20", "+00:00:20.5", "-00:00:30"):
            page.say(**minute(minute=f"{datetime.now(UTC):%Y-%m-%dT%H:%M}:00{offset}"))
        await page.heard()

    on_page(lane, measure)
    kept = LaneTelemetry.objects.values_list("minute", flat=True)
    assert {(one.second, one.microsecond) for one in kept} == {(0, 0)}
    assert len(kept) <= 3


NONSENSE: list[str | dict[str, Any]] = [
    "",
    "[]",
    "{",
    "[" * 5000,
    '{"type": 1}',
    '{"type": "heartbeat"}',
    "x" * 16_385,
    {"type": "launch"},
    {"type": "heartbeat", "activity": "sleeping", "camera": "live"},
    {"type": "heartbeat", "activity": "waiting", "camera": ["live"]},
    {"type": "help", "unresolved_id": 5},
    {"type": "help", "unresolved_id": "x"},
    {"type": "trouble", "kind": "offline"},
    {"type": "signal", "peer": "", "data": {}},
    {"type": "signal", "peer": "x", "data": "y"},
    {"type": "signal", "peer": "x" * 201, "data": {}},
    minute(fps=-1),
    minute(fps=241),
    minute(fps="3"),
    minute(fps=True),
    minute(fps=float("nan")),
    minute(p50_ms=600_001),
    minute(dropped=1.5),
    minute(dropped=-1),
    minute(reconnects=10**9),
    minute(reconnects=None),
    minute(camera="broken"),
    minute(minute="2026-11-28T06:00:00"),
    minute(minute="yesterday"),
    minute(minute=5),
    minute(minute="2026-13-45T06:00:00Z"),
    minute(minute="2020-01-01T00:00:00Z"),
    minute(minute="2100-01-01T00:00:00Z"),
]


def test_nonsense_is_refused_with_a_code_and_changes_nothing(lane: Lane) -> None:
    async def talk(page: LaneSocket) -> list[str]:
        codes = []
        for command in NONSENSE:
            if isinstance(command, str):
                page.say_text(command)
            else:
                page.say(**command)
            codes.append((await page.error())["code"])
            await asyncio.sleep(0.02)  # no flood
        return codes

    before = Lane.objects.filter(pk=lane.pk).values().get()
    assert on_page(lane, talk) == ["bad_command"] * len(NONSENSE)
    assert Lane.objects.filter(pk=lane.pk).values().get() == before
    assert not LaneTelemetry.objects.exists()
    assert not Alert.objects.exists()


def test_the_longest_command_is_the_longest_that_is_read(lane: Lane) -> None:
    async def talk(page: LaneSocket) -> str:
        text = '{"type": "ping"}'
        page.say_text(text + " " * (16_384 - len(text)))
        return str((await page.message())["type"])

    assert on_page(lane, talk) == "pong"


def test_help_is_called_for_once_taken_and_called_back(lane: Lane, staff: User) -> None:
    async def call(page: LaneSocket) -> list[Any]:
        told = []
        page.say(type="help", unresolved_id=None)
        page.say(type="help", unresolved_id=None)
        told.append((await page.message("lane.alerts"))["alerts"])
        alert = await in_thread(Alert.objects.get)
        await in_thread(alert_acknowledge, alert_id=alert.pk, by=staff)
        told.append((await page.message("lane.alerts"))["alerts"])
        page.say(type="help.cancel")
        told.append((await page.message("lane.alerts"))["alerts"])
        return told

    called, taken, cancelled = on_page(lane, call)
    assert [(each["kind"], each["taken_by"]) for each in called] == [("help", None)]
    assert [(each["kind"], each["taken_by"]) for each in taken] == [("help", "mina")]
    assert cancelled == []
    assert Alert.objects.get().resolved_by is None


def test_staff_are_called_about_an_open_item_of_the_own_visit_only(lane: Lane) -> None:
    def item_of(session: CheckoutSession) -> str:
        event = session.scan_events.create(action="unresolved", source="vision")
        return str(session.unresolved_items.create(event=event, kind="unknown").pk)

    own = item_of(lane_visit(lane=lane))
    foreign = item_of(lane_visit(lane=lane_make("Lane 2", "2")))

    async def call(page: LaneSocket) -> str:
        page.say(type="help", unresolved_id=foreign)
        refusal = await page.error()
        page.say(type="help", unresolved_id=own)
        await page.message("lane.alerts")
        return str(refusal["code"])

    assert on_page(lane, call) == "unresolved_not_found"
    alert = Alert.objects.get()
    assert (alert.kind, alert.lane, alert.session) == ("unresolved", lane, lane_visit(lane=lane))


@pytest.mark.parametrize("kind", ["payment", "approval"])
def test_trouble_calls_staff(kind: str, lane: Lane) -> None:
    async def call(page: LaneSocket) -> None:
        page.say(type="trouble", kind=kind)
        await page.heard()

    on_page(lane, call)
    assert Alert.objects.get().kind == kind


def test_settings_reach_the_page(lane: Lane, staff: User) -> None:
    async def change(page: LaneSocket) -> Any:
        await in_thread(lane_settings_change, lane=lane, by=staff, mode="tray", zone=[0, 0, 0.5, 1])
        return (await page.message("lane.settings"))["settings"]

    told = on_page(lane, change)
    assert (told["mode"], told["zone"]) == ("tray", [0.0, 0.0, 0.5, 1.0])


def test_settings_reach_the_page_without_a_notice_too(
    lane: Lane, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LaneConsumer, "watch_every_s", 0.05)

    async def change(page: LaneSocket) -> Any:
        await in_thread(Lane.objects.filter(pk=lane.pk).update, sound=False)
        return (await page.message("lane.settings"))["settings"]["sound"]

    assert on_page(lane, change) is False


def test_commands_of_staff_reach_the_page(lane: Lane) -> None:
    notice = {"type": "lane.command", "command": "reset", "by": "Mina", "session_id": "x"}

    async def hear(page: LaneSocket) -> Any:
        await in_thread(lane_announce, lane_id=lane.pk, notice=notice)
        return await page.message("lane.command")

    assert on_page(lane, hear) == notice


def test_a_revoked_key_closes_the_socket_at_once(
    lane: Lane, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LaneConsumer, "watch_every_s", 600.0)

    async def revoke(page: LaneSocket) -> int:
        await in_thread(key_revoke, lane=lane, by=staff)
        return await page.close_code()

    assert on_page(lane, revoke) == 4401


def test_a_revoked_key_closes_the_socket_soon_without_a_notice(
    lane: Lane, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LaneConsumer.watch_every_s == 5
    monkeypatch.setattr(LaneConsumer, "watch_every_s", 0.05)
    monkeypatch.setattr("checkout.lanes.pairing._sockets_close", lambda *ids: None)

    async def revoke(page: LaneSocket) -> int:
        await in_thread(key_revoke, lane=lane, by=staff)
        return await page.close_code()

    assert on_page(lane, revoke) == 4401


def test_the_newest_page_replaces_the_older(lane: Lane) -> None:
    async def again(page: LaneSocket) -> tuple[int, str]:
        newer = LaneSocket(lane.account)
        await newer.message("lane.ready")
        code = await page.close_code()
        newer.say(type="ping")
        answer = await newer.message()
        await newer.leave()
        return code, answer["type"]

    assert on_page(lane, again) == (4410, "pong")


def test_pages_that_are_not_compared_would_both_be_served(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("checkout.lanes.admission.page_is_newest", lambda **of: True)

    async def again(page: LaneSocket) -> None:
        newer = LaneSocket(lane.account)
        await newer.message("lane.ready")
        await newer.heard()
        await page.heard()
        await newer.leave()

    on_page(lane, again)


class CacheThatReturns:
    """The shared cache, which is away at first, and then remembers what it knew before."""

    def __init__(self) -> None:
        self.is_away = True
        self.was_set = threading.Event()

    def __getattr__(self, name: str) -> Any:
        def asked(*values: Any) -> Any:
            if self.is_away:
                raise RedisError
            found = getattr(cache, name)(*values)
            if name == "set":
                self.was_set.set()
            return found

        return asked


def come_while_the_cache_is_away(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> str | int:
    """Open a page while a cache is away that remembers an older one; return its close code, or "served"."""
    stand_in = CacheThatReturns()
    cache.set(f"lane-page:{lane.pk.hex}", "older")
    monkeypatch.setattr(newest_page, "cache", stand_in)
    monkeypatch.setattr(LaneConsumer, "watch_every_s", 0.05)

    async def stay(page: LaneSocket) -> Any:
        stand_in.is_away = False
        closing = asyncio.create_task(page.close_code())
        taking = asyncio.create_task(in_thread(stand_in.was_set.wait, 10))
        await asyncio.wait([closing, taking], return_when=asyncio.FIRST_COMPLETED)
        stand_in.was_set.set()
        await taking
        if closing.done():
            return closing.result()
        closing.cancel()
        await page.heard()
        return "served"

    outcome: str | int = on_page(lane, stay)
    return outcome


def test_a_page_that_came_while_the_cache_was_away_is_served_when_it_returns(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert come_while_the_cache_is_away(lane, monkeypatch) == "served"


def test_a_page_that_tries_to_be_the_newest_only_once_would_be_closed_for_an_older_one(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_consumer, "page_take", lambda **of: newest_page.page_take(**of) or True)
    assert come_while_the_cache_is_away(lane, monkeypatch) == 4410


def test_a_page_that_comes_after_the_last_one_left_is_served(lane: Lane) -> None:
    async def nothing(page: LaneSocket) -> None:
        await page.heard()

    on_page(lane, nothing)
    on_page(lane, nothing)


def test_a_flood_closes_the_socket(lane: Lane) -> None:
    async def flood(page: LaneSocket) -> int:
        for _ in range(500):
            page.say(type="ping")
        return await page.close_code()

    assert on_page(lane, flood) == 4429


class Watcher:
    """A member of staff who watches a lane."""

    def __init__(self, lane: Lane, mode: str) -> None:
        self.lane, self.mode = lane, mode
        self.layer: Any = get_channel_layer()

    async def start(self, page: LaneSocket) -> dict[str, Any]:
        """Begin to watch, and return what the page is told."""
        self.peer: str = await self.layer.new_channel()
        notice = {
            "type": "watch.started",
            "peer": self.peer,
            "by": "Mina",
            "mode": self.mode,
            "ice_servers": [],
        }
        await self.layer.group_send(lane_group(self.lane.pk), notice)
        return await page.message("watch.started")

    async def end(self, page: LaneSocket) -> None:
        """Stop watching."""
        await self.layer.group_send(lane_group(self.lane.pk), {"type": "watch.ended", "peer": self.peer})
        assert await page.message("watch.ended") == {"type": "watch.ended", "peer": self.peer}

    async def hears(self) -> dict[str, Any]:
        """Return what the lane says to this member of staff."""
        heard: dict[str, Any] = await asyncio.wait_for(self.layer.receive(self.peer), 10)
        return heard


def test_signals_pass_between_a_lane_and_who_watches_it(lane: Lane) -> None:
    async def watch(page: LaneSocket) -> list[Any]:
        mina = Watcher(lane, "webrtc")
        told = await mina.start(page)
        offer = {"description": {"type": "offer", "sdp": "v=0" + "x" * 4000}}
        page.say(type="signal", peer=mina.peer, data=offer)
        heard = await mina.hears()
        answer = {"type": "signal", "peer": mina.peer, "data": {"candidate": {}}}
        await mina.layer.group_send(lane_group(lane.pk), answer)
        got = await page.message("signal")
        await mina.end(page)
        page.say(type="signal", peer=mina.peer, data=offer)
        late = await page.error()
        return [told["by"] == "Mina", heard["data"] == offer, heard["lane_id"], got == answer, late["code"]]

    assert on_page(lane, watch) == [True, True, str(lane.pk), True, "not_watching"]


def test_a_signal_to_somebody_who_does_not_watch_is_refused(lane: Lane) -> None:
    async def signal(page: LaneSocket) -> tuple[str, bool]:
        stranger = Watcher(lane, "webrtc")
        stranger.peer = await stranger.layer.new_channel()
        page.say(type="signal", peer=stranger.peer, data={})
        refusal = await page.error()
        try:
            await asyncio.wait_for(stranger.layer.receive(stranger.peer), 0.2)
        except TimeoutError:
            return refusal["code"], False
        return refusal["code"], True

    assert on_page(lane, signal) == ("not_watching", False)


def test_pictures_are_kept_while_they_are_watched_one_a_second(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 0.8 <= lane_consumer.PICTURE_EVERY_S <= 1
    jpeg = encoded(scene(1), kind="jpeg")

    async def watch(page: LaneSocket) -> list[Any]:
        codes: list[Any] = []
        page.show(jpeg)
        codes.append((await page.error())["code"])
        mina = Watcher(lane, "pictures")
        await mina.start(page)
        page.show(jpeg)
        page.show(jpeg)  # sooner than after a second
        codes.append((await page.error())["code"])
        codes.append(await in_thread(picture_get, lane.pk) == jpeg)
        monkeypatch.setattr(lane_consumer, "PICTURE_EVERY_S", 0.0)
        for nonsense in (b"", b"GIF89a" + bytes(100), b"\xff\xd8\xff", bytes(PICTURE_MAX_BYTES + 1)):
            page.show(nonsense)
            codes.append((await page.error())["code"])
        codes.append(await in_thread(picture_get, lane.pk) == jpeg)
        await mina.end(page)
        page.show(jpeg)
        codes.append((await page.error())["code"])
        return codes

    assert PICTURE_MAX_BYTES == 256 * 1024
    refused = "picture_refused"
    assert on_page(lane, watch) == [
        "not_watching",
        refused,
        True,
        *[refused] * 4,
        True,
        "not_watching",
    ]


def test_a_picture_that_cannot_be_kept_is_refused_with_a_code(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "cache", CacheThatReturns())

    async def watch(page: LaneSocket) -> str:
        await Watcher(lane, "pictures").start(page)
        page.show(encoded(scene(1), kind="jpeg"))
        return str((await page.error())["code"])

    assert on_page(lane, watch) == "picture_refused"


def test_who_watches_by_webrtc_gets_no_pictures(lane: Lane) -> None:
    async def watch(page: LaneSocket) -> str:
        await Watcher(lane, "webrtc").start(page)
        page.show(encoded(scene(1), kind="jpeg"))
        return str((await page.error())["code"])

    assert on_page(lane, watch) == "not_watching"


def test_what_a_lane_does_is_no_event_of_anybody(lane: Lane) -> None:
    async def nothing(page: LaneSocket) -> None:
        page.say(type="heartbeat", activity="waiting", camera="off")
        await page.heard()

    on_page(lane, nothing)
    kinds = LaneEvent.objects.order_by("created_at").values_list("kind", "actor__username")
    assert list(kinds) == [("paired", "mina"), ("online", None)]
