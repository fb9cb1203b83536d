"""What cameras have seen is kept for those that come back: for a few of a session, and for some seconds."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from checkout.live import connections as connections_module
from checkout.live.camera_state import CameraState
from checkout.live.connections import Connection, Connections


async def refuse() -> None:
    """Stand for a socket that must not be asked to give way."""
    raise AssertionError("another socket was asked for its camera")


@pytest.fixture
def connections() -> Connections:
    return Connections()


async def visit(connections: Connections, session_id: UUID, key: UUID | None) -> CameraState:
    """Come, leave again, and return the camera that was there."""
    connection = await connections.enter(session_id, key, refuse)
    connections.leave(session_id, connection)
    return connection.camera


async def test_a_client_gets_its_own_camera_back_and_no_other(connections: Connections) -> None:
    session_id, one, two = uuid4(), uuid4(), uuid4()
    first, second = await visit(connections, session_id, one), await visit(connections, session_id, two)
    unnamed = await visit(connections, session_id, None)
    assert len({id(first), id(second), id(unnamed)}) == 3
    assert await visit(connections, session_id, one) is first
    assert await visit(connections, session_id, two) is second
    assert await visit(connections, session_id, None) is unnamed
    assert await visit(connections, uuid4(), one) is not first


async def test_only_the_four_cameras_left_last_are_kept_for_a_session(connections: Connections) -> None:
    assert connections_module.KEPT_MAX == 4
    session_id, elsewhere, key = uuid4(), uuid4(), uuid4()
    other = await visit(connections, elsewhere, key)
    keys = [uuid4() for _ in range(6)]
    cameras = [await visit(connections, session_id, key) for key in keys]
    again = [await visit(connections, session_id, key) for key in keys[2:]]
    assert all(camera is before for camera, before in zip(again, cameras[2:], strict=True))
    assert len(connections.kept) == 4 + 1
    assert await visit(connections, session_id, keys[0]) is not cameras[0]
    assert await visit(connections, elsewhere, key) is other, "another session's camera is not its business"


async def test_coming_back_makes_a_camera_the_newest_of_those_kept(connections: Connections) -> None:
    session_id, keys = uuid4(), [uuid4() for _ in range(5)]
    cameras = [await visit(connections, session_id, key) for key in keys[:4]]
    assert await visit(connections, session_id, keys[0]) is cameras[0]
    await visit(connections, session_id, keys[4])
    assert await visit(connections, session_id, keys[0]) is cameras[0]
    assert await visit(connections, session_id, keys[1]) is not cameras[1]


async def test_a_camera_is_forgotten_when_its_time_is_over_counted_from_the_last_leaving(
    connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert connections_module.KEEP_S == 10.0
    monkeypatch.setattr(connections_module, "KEEP_S", 0.3)
    session_id, key = uuid4(), uuid4()
    camera = await visit(connections, session_id, key)
    await asyncio.sleep(0.2)
    assert await visit(connections, session_id, key) is camera
    await asyncio.sleep(0.2)
    assert await visit(connections, session_id, key) is camera, "the first leaving's time does not count"
    await asyncio.sleep(0.5)
    assert connections.kept == {}
    assert await visit(connections, session_id, key) is not camera


async def test_a_client_that_is_still_connected_gives_way_to_itself_only(connections: Connections) -> None:
    session_id, key = uuid4(), uuid4()
    asked: list[str] = []

    async def give_way() -> None:
        asked.append("one")
        connections.leave(session_id, one)

    one: Connection = await connections.enter(session_id, key, give_way)
    beside = await connections.enter(session_id, uuid4(), refuse)
    assert asked == []
    again = await connections.enter(session_id, key, refuse)
    assert asked == ["one"]
    assert again.camera is one.camera
    assert beside.camera is not one.camera


@pytest.mark.parametrize(
    ("sends_frames", "silent_s", "taken_over"), [(True, 2.5, True), (True, 1.5, False), (False, 2.5, False)]
)
async def test_only_a_camera_fallen_silent_is_taken_over_by_a_client_that_names_none(
    connections: Connections, sends_frames: bool, silent_s: float, taken_over: bool
) -> None:
    session_id = uuid4()
    first = await connections.enter(session_id, None, refuse)
    camera = first.camera
    first.sends_frames, first.last_message_s = sends_frames, first.last_message_s - silent_s
    second = await connections.enter(session_id, None, refuse)
    assert (second.camera is camera) == taken_over
    assert first.camera is not second.camera


async def test_of_silent_cameras_the_one_with_the_latest_message_is_taken_over(
    connections: Connections,
) -> None:
    session_id = uuid4()
    older, newer = [await connections.enter(session_id, None, refuse) for _ in range(2)]
    older.sends_frames = newer.sends_frames = True
    older.last_message_s, newer.last_message_s = older.last_message_s - 20, newer.last_message_s - 10
    camera, of_older = newer.camera, older.camera
    assert (await connections.enter(session_id, None, refuse)).camera is camera
    assert older.camera is of_older


async def test_a_camera_at_work_and_one_that_is_named_are_not_taken_over(connections: Connections) -> None:
    session_id = uuid4()
    named, working = [await connections.enter(session_id, key, refuse) for key in (uuid4(), None)]
    cameras = [named.camera, working.camera]
    for connection in (named, working):
        connection.sends_frames, connection.last_message_s = True, connection.last_message_s - 10
    async with working.camera.lock:
        unnamed = await connections.enter(session_id, None, refuse)
    assert unnamed.camera not in cameras
    assert [named.camera, working.camera] == cameras
