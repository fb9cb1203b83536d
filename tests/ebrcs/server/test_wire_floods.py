"""Floods below the level of messages against a real server: cut off at once, and felt by nobody else."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import User
from checkout.cart import services
from tests.checkout.serving import STAND_IN, Server, bearer, served, socket_connect
from tests.ebrcs.server.wire import BEGIN, HANDSHAKE, PART, PING, PONG, close_frame, frame

pytestmark = pytest.mark.slow
FLOODS = {
    "pongs": (b"", frame(PONG) * 10_000),
    "pings": (b"", frame(PING) * 10_000),
    "empty parts": (frame(BEGIN), frame(PART) * 10_000),
    "parts of one byte": (frame(BEGIN), frame(PART, b"x") * 9000),
}


@pytest.fixture
def unbounded_server(transactional_db: None) -> Iterator[Server]:
    with served("tests.ebrcs.server.unbounded:application", Path(settings.DATA_DIR), **STAND_IN) as server:
        yield server


@contextlib.contextmanager
def flooding(server: Server, user: User, kind: str, *, most_s: float) -> Iterator[dict[str, float | bytes]]:
    """Flood from one socket, beside what the caller does; tell what came back, and when it was cut off."""
    session = services.session_start(user=user)
    outcome: dict[str, float | bytes] = {"received": b""}
    begin, rest = FLOODS[kind]
    line = socket.create_connection(("127.0.0.1", server.port), timeout=most_s + 5)
    token = f"Authorization: {bearer(user)['Authorization']}\r\n\r\n".encode()
    line.sendall(HANDSHAKE.replace(b"/x ", f"/{session.pk} ".encode()) + token)
    while b"\r\n\r\n" not in outcome["received"]:  # type: ignore[operator]
        outcome["received"] += line.recv(4096)  # type: ignore[operator]
    started_s = time.monotonic()

    def read() -> None:
        with contextlib.suppress(OSError):
            while part := line.recv(65_536):
                outcome["received"] += part  # type: ignore[operator]

    def send() -> None:
        with contextlib.suppress(OSError):
            line.sendall(begin)
            while time.monotonic() - started_s < most_s:
                line.sendall(rest)
            return
        outcome["cut_off_s"] = time.monotonic() - started_s

    threads = [threading.Thread(target=work, daemon=True) for work in (read, send)]
    for thread in threads:
        thread.start()
    try:
        yield outcome
    finally:
        threads[1].join(most_s + 10)
        line.close()
        threads[0].join(5)


def slowest_answer_s(server: Server, user: User, *, for_s: float) -> float:
    """Return how long a bystander waited at most for an answer over a socket of its own."""
    session = services.session_start(user=user)
    slowest_s, until_s = 0.0, time.monotonic() + for_s
    with socket_connect(server, session.pk, headers=bearer(user)) as client:
        while time.monotonic() < until_s:
            asked_s = time.monotonic()
            client.command("ping")
            client.next("pong", timeout_s=60)
            slowest_s = max(slowest_s, time.monotonic() - asked_s)
            time.sleep(0.1)
    return slowest_s


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_is_closed_with_its_code_and_then_dropped(server: Server, shopper: User, kind: str) -> None:
    with flooding(server, shopper, kind, most_s=10.0) as outcome:
        pass
    assert close_frame(4429) in outcome["received"]  # type: ignore[operator]
    assert float(outcome["cut_off_s"]) < 5.0


def test_a_bystander_waits_long_only_where_nothing_bounds_the_flood(
    server: Server, unbounded_server: Server, shopper: User, stranger: User
) -> None:
    waits_s = []
    for each in (server, unbounded_server):
        with flooding(each, shopper, "empty parts", most_s=4.0) as outcome:
            waits_s.append(slowest_answer_s(each, stranger, for_s=3.0))
    assert "cut_off_s" not in outcome
    assert waits_s[1] > 3 * waits_s[0]
