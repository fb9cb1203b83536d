"""What was counted is stored although its socket has gone, and the database was away, or read-only."""

from __future__ import annotations

import asyncio
import threading
from uuid import UUID, uuid4

import pytest
from django.db import InternalError, OperationalError

from accounts.models import User
from checkout.cart import services
from checkout.live import left_changes
from checkout.live.camera_state import CameraState
from checkout.live.connections import Connections
from checkout.live.pending_changes import Change, change_store
from checkout.live.threads import in_database, in_vision
from checkout.models import CheckoutSession, ScanEvent
from ebrcs.tasks import tasks_end
from tests.checkout.colours import BLUE_ID, RED_ID
from tests.checkout.shop import coloured_tea_make, seen

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session(shopper: User) -> CheckoutSession:
    coloured_tea_make()
    return services.session_start(user=shopper)


async def refuse() -> None:
    """Stand for a socket that nobody asks to give way."""


async def leave_with(changes: list[Change], session_id: UUID) -> CameraState:
    connections = Connections()
    connection = await connections.enter(session_id, uuid4(), refuse)
    connection.camera.changes.extend(changes)
    connections.leave(session_id, connection)
    return connection.camera


async def left_stored() -> None:
    await asyncio.wait_for(asyncio.gather(*left_changes._running), 30)


def added() -> list[UUID | None]:
    return [event.product_id for event in ScanEvent.objects.filter(action=ScanEvent.Action.ADD)]


@pytest.mark.parametrize("away", [OperationalError("gone"), InternalError("read-only")])
async def test_what_a_socket_left_is_stored_once_the_database_is_back(
    session: CheckoutSession, monkeypatch: pytest.MonkeyPatch, away: Exception
) -> None:
    tries = []

    def store(*, session_id: UUID, change: Change) -> object:
        tries.append(change)
        if len(tries) <= 3:
            raise away
        return change_store(session_id=session_id, change=change)

    monkeypatch.setattr(left_changes, "RETRY_S", 0.01)
    monkeypatch.setattr(left_changes, "change_store", store)
    changes = [Change(ScanEvent.Action.ADD, product_id, seen(0.9)) for product_id in (RED_ID, BLUE_ID)]
    camera = await leave_with(changes, session.pk)
    await left_stored()
    assert camera.changes == []
    assert set(await in_database(added)) == {RED_ID, BLUE_ID}
    assert len(tries) == 3 + 2


async def test_a_change_that_is_refused_does_not_keep_the_next_one_back(session: CheckoutSession) -> None:
    changes = [Change(ScanEvent.Action.ADD, product_id, seen(0.9)) for product_id in (uuid4(), RED_ID)]
    camera = await leave_with(changes, session.pk)
    await left_stored()
    assert camera.changes == []
    assert await in_database(added) == [RED_ID]


async def test_after_ten_minutes_it_is_said_what_is_lost(
    session: CheckoutSession, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert left_changes.GIVE_UP_S == 600

    def store(*, session_id: UUID, change: Change) -> object:
        raise OperationalError("gone")

    monkeypatch.setattr(left_changes, "RETRY_S", 0.01)
    monkeypatch.setattr(left_changes, "GIVE_UP_S", 0.05)
    monkeypatch.setattr(left_changes, "change_store", store)
    await leave_with([Change(ScanEvent.Action.ADD, RED_ID, seen(0.9))], session.pk)
    await left_stored()
    assert f"1 changes of session {session.pk} could not be stored." in caplog.text


async def test_a_cancelled_caller_waits_for_its_vision_thread_however_often_it_is_cancelled() -> None:
    begun, go_on = threading.Event(), threading.Event()
    ended = []

    def look() -> None:
        begun.set()
        go_on.wait(30)
        ended.append("thread")

    async def hold() -> None:
        try:
            await in_vision(look)
        finally:
            ended.append("caller")

    holding = asyncio.create_task(hold())
    await asyncio.to_thread(begun.wait, 30)
    ending = asyncio.create_task(tasks_end([holding]))
    await asyncio.sleep(0.5)  # which is enough for two more cancellations
    assert not holding.done()
    go_on.set()
    await asyncio.wait_for(ending, 30)
    assert ended == ["thread", "caller"]
