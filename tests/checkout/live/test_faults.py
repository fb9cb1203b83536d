"""The socket while something it needs fails: the database, the channel layer, or the code itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

import pytest
from channels.db import database_sync_to_async
from django.conf import settings
from django.db import OperationalError

from accounts.models import User
from checkout.cart import services
from checkout.live import frame_worker, socket_base
from checkout.live.camera_state import CameraState, camera_state_make
from checkout.live.connections import Connection, Connections
from checkout.live.consumer import CheckoutConsumer
from checkout.live.frame_worker import FrameWorker
from checkout.live.limits import admissions
from checkout.live.mailbox import Mailbox
from checkout.live.pending_changes import Change, change_store
from checkout.models import BillingItem, ScanEvent
from ebrcs.tasks import tasks_end
from recognition.engine import shared
from recognition.engine.results import Recognition
from recognition.vision.decision.decide import Candidate, Decision
from recognition.vision.types import Image
from tests.checkout.serving import bearer
from tests.checkout.shop import product_make, seen

pytestmark = pytest.mark.django_db(transaction=True)


class LayerAway:
    """A channel layer whose server cannot be reached."""

    async def new_channel(self) -> str:
        return "channel"

    async def receive(self, channel: str) -> dict[str, Any]:
        raise ConnectionError("Redis is away")

    async def group_add(self, group: str, channel: str) -> None:
        raise ConnectionError("Redis is away")

    async def group_discard(self, group: str, channel: str) -> None:
        raise ConnectionError("Redis is away")


class Socket:
    """A client of the consumer in this process."""

    def __init__(self, user: User, session_id: UUID) -> None:
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        headers = [(name.lower().encode(), value.encode()) for name, value in bearer(user).items()]
        scope: dict[str, Any] = {
            "type": "websocket",
            "headers": headers,
            "query_string": b"",
            "url_route": {"kwargs": {"session_id": str(session_id)}},
        }
        served: Any = CheckoutConsumer.as_asgi()
        self.serving = asyncio.create_task(served(scope, self.inbox.get, self.outbox.put))
        self.inbox.put_nowait({"type": "websocket.connect"})

    async def sent_next(self) -> dict[str, Any]:
        """Return what the consumer sent next."""
        return await asyncio.wait_for(self.outbox.get(), 20)

    async def message(self) -> dict[str, Any]:
        """Return the next message of the protocol."""
        sent = await self.sent_next()
        return cast("dict[str, Any]", json.loads(sent["text"]))

    def say(self, **command: Any) -> None:
        """Send a command."""
        self.inbox.put_nowait({"type": "websocket.receive", "text": json.dumps(command)})

    async def leave(self) -> None:
        """Hang up and wait until the consumer has ended."""
        self.inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(self.serving, 20)


@pytest.fixture(autouse=True)
def engine_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the real engine out of the test's process."""
    monkeypatch.setattr(shared, "engine", lambda: None)


class EngineUnused:
    """An engine that nothing asks."""

    async def recognize(self, pictures: Sequence[Image]) -> Recognition:
        raise AssertionError("nothing is recognized")

    def verify(self, pictures: Sequence[Image], contenders: Sequence[Candidate]) -> tuple[Decision, ...]:
        raise AssertionError("nothing is verified")


def frame_worker_of(session_id: UUID, camera: CameraState, sent: list[Any]) -> FrameWorker:
    """Return a frame worker that writes down what it sends."""

    async def note(message: Any) -> None:
        sent.append(message)

    return FrameWorker(session_id, Connection(camera), Mailbox(), EngineUnused(), note, note)


def test_what_was_seen_while_the_database_was_away_is_stored_once_when_it_is_back(
    shopper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    milk = product_make("Milk")
    session = services.session_start(user=shopper)
    camera = camera_state_make()
    sent: list[Any] = []
    camera.changes.append(Change(ScanEvent.Action.ADD, milk.pk, seen(0.9)))
    stored = change_store
    answers = iter(["away", "lost", "back"])

    def unsteady(**change: Any) -> Any:
        answer = next(answers)
        if answer == "away":
            raise OperationalError("the database is away")
        result = stored(**change)
        if answer == "lost":
            raise OperationalError("the answer to the commit got lost")
        return result

    monkeypatch.setattr(frame_worker, "change_store", unsteady)

    async def scenario() -> None:
        worker = frame_worker_of(session.pk, camera, sent)
        for waiting in (1, 1, 0):
            await worker.store()
            assert len(camera.changes) == waiting

    asyncio.run(scenario())
    assert BillingItem.objects.get().quantity == 1
    assert ScanEvent.objects.count() == 1


def test_a_change_the_shop_refuses_is_reported_and_does_not_hold_up_the_next(shopper: User) -> None:
    gone, milk = product_make("Gone", is_active=False), product_make("Milk")
    session = services.session_start(user=shopper)
    camera = camera_state_make()
    sent: list[Any] = []
    camera.changes += [Change(ScanEvent.Action.ADD, product.pk, seen(0.9)) for product in (gone, milk)]
    asyncio.run(frame_worker_of(session.pk, camera, sent).store())
    assert [message.get("code") or message["name"] for message in sent] == ["items_not_for_sale", "Milk"]
    assert camera.changes == []


async def test_a_frame_that_waited_too_long_is_answered_as_late(shopper: User) -> None:
    sent: list[Any] = []
    worker = frame_worker_of(UUID(int=1), camera_state_make(), sent)
    worker.mailbox.put(b"", time.monotonic() - 0.6)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(worker.run(), 0.1)
    assert (sent[0]["code"], sent[0]["frame"], sent[0]["dropped"]) == ("late_frame", 1, 0)


async def test_without_a_channel_layer_a_socket_still_shows_its_own_changes(
    shopper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_base, "get_channel_layer", LayerAway)
    milk = await database_sync_to_async(product_make)("Milk")
    session = await database_sync_to_async(services.session_start)(user=shopper)
    socket = Socket(shopper, session.pk)
    assert (await socket.sent_next())["type"] == "websocket.accept"
    assert (await socket.message())["type"] == "session.ready"
    socket.say(type="item.set", product_id=str(milk.pk), quantity=2)
    update = await socket.message()
    assert (update["type"], update["cart"]["total_items"]) == ("cart.updated", 2)
    await socket.leave()


async def test_an_unforeseen_fault_closes_with_4500_and_a_line_in_the_log(
    shopper: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(scope: Any) -> Any:
        raise RuntimeError("an unforeseen fault")

    monkeypatch.setattr(admissions, "admission_read", broken)
    session = await database_sync_to_async(services.session_start)(user=shopper)
    socket = Socket(shopper, session.pk)
    assert (await socket.sent_next())["type"] == "websocket.accept"
    assert await socket.sent_next() == {"type": "websocket.close", "code": 4500}
    assert "an unforeseen fault" in caplog.text
    await socket.leave()


async def test_a_socket_leaves_no_task_behind_whenever_it_is_hung_up(shopper: User) -> None:
    before, ours = asyncio.all_tasks(), str(settings.BASE_DIR / "checkout")
    milk = await database_sync_to_async(product_make)("Milk")
    session = await database_sync_to_async(services.session_start)(user=shopper)
    for pause_s in (0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2):
        socket = Socket(shopper, session.pk)
        for quantity in range(1, 20):
            socket.say(type="item.set", product_id=str(milk.pk), quantity=quantity)
        await asyncio.sleep(pause_s)
        await socket.leave()
        left = asyncio.all_tasks() - before
        assert [task for task in left if ours in repr(task)] == [], pause_s
        # A notice that a database thread was just sending is sent to the end, which takes a moment.
        if left:
            await asyncio.wait(left, timeout=5)
        assert asyncio.all_tasks() == before, pause_s


async def test_a_cancellation_that_got_lost_is_repeated() -> None:
    async def deaf() -> None:
        for _ in range(3):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(60)

    tasks = [asyncio.create_task(deaf()), asyncio.create_task(asyncio.sleep(60))]
    await asyncio.sleep(0)
    await tasks_end(tasks)
    assert [task.done() for task in tasks] == [True, True]


async def test_clearing_up_goes_on_when_it_is_cancelled_itself() -> None:
    async def slow() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.shield(asyncio.sleep(0.1))

    task = asyncio.create_task(slow())
    await asyncio.sleep(0)
    clearing_up = asyncio.create_task(tasks_end([task]))
    for _ in range(3):
        await asyncio.sleep(0)
        clearing_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await clearing_up
    assert task.done()


async def test_a_camera_is_kept_for_a_reconnect_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("checkout.live.connections.KEEP_S", 0.05)
    connections, session_id = Connections(), UUID(int=1)

    async def nothing() -> None:
        """No connection has to give way here."""

    first = await connections.enter(session_id, None, nothing)
    connections.leave(session_id, first)
    again = await connections.enter(session_id, None, nothing)
    assert again.camera is first.camera
    other = await connections.enter(session_id, None, nothing)
    assert other.camera is not first.camera
    connections.leave(session_id, again)
    await asyncio.sleep(0.03)
    connections.leave(session_id, other)
    await asyncio.sleep(0.03)
    assert [camera for _, camera in connections.kept.values()] == [other.camera], "each has its own time"
    await asyncio.sleep(0.05)
    assert (connections.kept, connections.open) == ({}, {})


async def test_the_newest_frame_wins_and_the_others_are_counted() -> None:
    mailbox = Mailbox()
    for number in range(1, 6):
        mailbox.put(bytes([number]), float(number))
    frame = await mailbox.take()
    assert (frame.number, frame.data, frame.received_s, frame.dropped) == (5, b"\5", 5.0, 4)
    taking = asyncio.create_task(mailbox.take())
    await asyncio.sleep(0)
    assert not taking.done()
    mailbox.put(b"next", 6.0)
    assert ((await taking).number, (await taking).dropped) == (6, 0)
