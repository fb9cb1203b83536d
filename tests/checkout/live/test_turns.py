"""A camera's frame waits for its turn: until then a newer one replaces it, and what is too old is refused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from accounts.models import User
from checkout.cart import services
from checkout.live import frame_worker as frame_worker_module
from checkout.live.camera_state import CameraState
from checkout.live.connections import Connection
from checkout.live.frame_worker import FrameWorker
from checkout.live.mailbox import Frame, Mailbox
from checkout.live.sharing.slots import FairSlots
from checkout.live.threads import socket_flow
from ebrcs.fair_queue import Flow
from recognition.engine.results import Recognition
from recognition.vision.lane.lane import Lane
from recognition.vision.scene import decode
from recognition.vision.types import Image
from tests.checkout.serving import Server, bearer, jpeg, socket_connect
from tests.checkout.shop import cart_lines
from tests.recognition.vision.scenes import BLUE, RED, Pack, Stage

MIDDLE = (160.0, 115.0)
CAMERAS = 8


class NoEngine:
    """Is never asked: nothing lies in view."""

    async def recognize(self, pictures: Sequence[Image]) -> Recognition:
        raise AssertionError

    def verify(self, pictures: Sequence[Image], contenders: Sequence[Any]) -> tuple[()]:
        return ()


async def answers_after_wait(
    frames: Sequence[tuple[bytes, float]], *, slots: FairSlots, monkeypatch: pytest.MonkeyPatch
) -> list[Any]:
    """Send frames, each with its age, while another camera holds the only slot; return the answers."""
    monkeypatch.setattr(frame_worker_module, "vision_slots", slots)
    socket_flow.set(Flow("ours", 1))
    sent: list[Any] = []
    answered = asyncio.Event()

    async def send(message: Any) -> None:
        sent.append(message)
        answered.set()

    mailbox = Mailbox()
    worker = FrameWorker(UUID(int=1), Connection(CameraState(Lane())), mailbox, NoEngine(), send, send)
    async with slots.slot(Flow("other", 0)):
        running = asyncio.create_task(worker.run())
        for data, age_s in frames:
            mailbox.put(data, time.monotonic() - age_s)
            await asyncio.sleep(0.01)
        assert sent == []
    async with asyncio.timeout(20):
        await answered.wait()
    running.cancel()
    await asyncio.wait([running])
    return sent


async def test_the_newest_frame_takes_the_turn_and_those_before_count_as_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good = jpeg(Stage().frame())
    (answer,) = await answers_after_wait([(good, 0.0)] * 4, slots=FairSlots(1), monkeypatch=monkeypatch)
    assert (answer["type"], answer["frame"], answer["dropped"]) == ("frame.result", 4, 3)
    assert answer["pace_ms"] >= 100


async def test_what_became_too_old_while_it_waited_is_refused_and_not_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(data: bytes, **bounds: int) -> Image:
        raise AssertionError

    monkeypatch.setattr(decode, "decode_frame", never)
    (answer,) = await answers_after_wait([(b"", 0.55)], slots=FairSlots(1), monkeypatch=monkeypatch)
    assert (answer["code"], answer["frame"], answer["dropped"]) == ("late_frame", 1, 0)
    assert answer["pace_ms"] >= 100


async def test_a_newer_frame_saves_a_turn_for_which_the_older_came_too_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good = jpeg(Stage().frame())
    frames = [(good, 0.55), (good, 0.0)]
    (answer,) = await answers_after_wait(frames, slots=FairSlots(1), monkeypatch=monkeypatch)
    assert (answer["type"], answer["frame"], answer["dropped"]) == ("frame.result", 2, 1)
    monkeypatch.setattr(Mailbox, "renew", lambda mailbox, frame: None)
    (answer, *_) = await answers_after_wait(frames, slots=FairSlots(1), monkeypatch=monkeypatch)
    assert (answer.get("code"), answer["frame"]) == ("late_frame", 1)


async def test_a_mailbox_counts_each_frame_once_taken_renewed_or_dropped() -> None:
    mailbox = Mailbox()
    mailbox.put(b"1", 1.0)
    frame = await mailbox.take()
    mailbox.renew(frame)
    assert frame == Frame(1, b"1", 1.0, 0)
    for number in (2, 3):
        mailbox.put(b"%d" % number, number)
    mailbox.renew(frame)
    assert frame == Frame(3, b"3", 3.0, 2)
    mailbox.put(b"4", 4.0)
    assert await mailbox.take() == Frame(4, b"4", 4.0, 0)


def visit_frames() -> list[bytes]:
    """Return two items shown one after the other for two seconds each, at ten frames a second."""
    stage = Stage()
    frames = stage.empty(8)
    for colour in (RED, BLUE):
        frames += [stage.frame(Pack(colour, MIDDLE)) for _ in range(20)] + stage.empty(12)
    return [jpeg(frame) for frame in frames]


def visit_played(server: Server, user: User, frames: Sequence[bytes]) -> tuple[dict[str, int], int]:
    """Send the frames of a visit at their pace, whatever is answered; return the cart and the drops."""
    session = services.session_start(user=user)
    with socket_connect(server, session.pk, headers=bearer(user), query=f"?seat={uuid4()}") as client:
        client.next("session.ready")
        started_s = time.monotonic()
        for number, frame in enumerate(frames):
            time.sleep(max(0.0, started_s + number / 10 - time.monotonic()))
            client.frame(frame)
        dropped = 0
        while True:
            message = client.next()
            if message["type"] == "frame.result":
                dropped += message["dropped"]
                if message["frame"] == len(frames):
                    break
        time.sleep(1.0)
        client.command("ping")
        client.next("pong")
    cart = cart_lines(session)
    connection.close()
    return cart, dropped


def test_eight_cameras_that_lose_two_of_three_frames_each_have_the_right_cart(
    server: Server, shopper: User
) -> None:
    (server.data_dir / "engine_slow").touch()  # which takes 0.3 s for each frame with an item
    frames = visit_frames()
    with ThreadPoolExecutor(CAMERAS) as pool:
        played = list(pool.map(lambda _: visit_played(server, shopper, frames), range(CAMERAS)))
    assert [cart for cart, _ in played] == [{"Red tea": 1, "Blue tea": 1}] * CAMERAS
    assert all(dropped > 8 for _, dropped in played)
