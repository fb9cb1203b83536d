"""A bystander beside two dozen cameras of another account, through a real server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import settings
from websockets.exceptions import ConnectionClosed

from accounts.models import User
from checkout.cart import services
from tests.checkout.serving import STAND_IN, Server, SocketClient, bearer, jpeg, served, socket_connect
from tests.recognition.vision.scenes import RED, Pack, Stage

CAMERAS = 24
FRAMES = 12


@pytest.fixture
def unfair_server(transactional_db: None) -> Iterator[Server]:
    """Serve the same shop with threads given to whoever came first."""
    application = "tests.checkout.live.first_come:application"
    with served(application, Path(settings.DATA_DIR), **STAND_IN) as server:
        yield server


@pytest.fixture
def fair_server(transactional_db: None) -> Iterator[Server]:
    application = "tests.checkout.live.slow_vision:application"
    with served(application, Path(settings.DATA_DIR), **STAND_IN) as server:
        yield server


def crowd_send(clients: list[SocketClient], frame: bytes, stopping: threading.Event) -> None:
    """Send two frames a second from every camera."""
    while not stopping.is_set():
        for client in clients:
            try:
                client.frame(frame)
            except ConnectionClosed:
                return
            time.sleep(0.5 / len(clients))


def median_answer_s(server: Server, crowd: User, bystander: User) -> float:
    """Return how long a bystander waits for the middle one of its answers, beside the crowd."""
    frame = jpeg(Stage().frame(Pack(RED, (160.0, 115.0))))
    stopping = threading.Event()
    with ExitStack() as stack:

        def opened(user: User, session_id: object) -> SocketClient:
            client = stack.enter_context(socket_connect(server, session_id, headers=bearer(user)))
            client.next("session.ready")
            return client

        sessions = [services.session_start(user=crowd).pk for _ in range(3)]
        clients = [opened(crowd, sessions[number % 3]) for number in range(CAMERAS)]
        own = opened(bystander, services.session_start(user=bystander).pk)
        sender = threading.Thread(target=crowd_send, args=(clients, frame, stopping))
        sender.start()
        time.sleep(1.5)
        waits_s = []
        for _ in range(FRAMES):
            asked_s = time.monotonic()
            own.frame(frame)
            while "frame" not in own.next():
                pass
            waits_s.append(time.monotonic() - asked_s)
            time.sleep(max(0.0, 0.1 - waits_s[-1]))
        stopping.set()
        sender.join()
    return sorted(waits_s)[FRAMES // 2]


def test_a_crowd_of_cameras_leaves_a_bystander_its_turn_which_first_come_first_served_does_not(
    fair_server: Server, unfair_server: Server, shopper: User, stranger: User
) -> None:
    fair_s = median_answer_s(fair_server, shopper, stranger)
    unfair_s = median_answer_s(unfair_server, shopper, stranger)
    assert fair_s < unfair_s / 2
