"""A client that sends far too much is closed within two seconds, and costs neither memory nor the others."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from websockets.exceptions import ConnectionClosed

from accounts.models import User
from checkout.cart import services
from checkout.live.flood_guard import FloodGuard
from tests.checkout.serving import Server, SocketClient, bearer, served, socket_connect

FRAME = b"\xff\xd8" + b"\0" * 200_000


def flood(
    client: SocketClient, message: bytes | str, *, per_second: int = 1000, most_s: float = 10.0
) -> float:
    """Send until closed; return how long it took."""
    started_s = time.monotonic()
    sent = 0
    try:
        while time.monotonic() - started_s < most_s:
            client.link.send(message)
            sent += 1
            time.sleep(max(0.0, started_s + sent / per_second - time.monotonic()))
    except (ConnectionClosed, OSError):
        pass
    return time.monotonic() - started_s


def send_for_ever(raw: socket.socket, data: bytes) -> None:
    """Send without reading, until the other side hangs up."""
    deadline_s = time.monotonic() + 15
    while time.monotonic() < deadline_s:
        raw.sendall(data)


@pytest.fixture
def unguarded_server(transactional_db: None) -> Iterator[Server]:
    """Serve a consumer that awaits its work in `receive`, as consumers usually do."""
    with served("tests.checkout.live.unguarded:application", Path(settings.DATA_DIR)) as server:
        yield server


@pytest.mark.parametrize("message", [FRAME, '{"type": "ping"}', "x" * 200_000])
def test_a_flood_is_closed_within_two_seconds_and_costs_no_memory(
    server: Server, shopper: User, message: bytes | str
) -> None:
    session = services.session_start(user=shopper)
    with socket_connect(server, session.pk, headers=bearer(shopper)) as warm:
        warm.next("session.ready")
    before_mb = server.memory_mb()
    for _ in range(3):
        session = services.session_start(user=shopper)  # the one that was flooded has to wait
        with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
            client.next("session.ready")
            assert flood(client, message) < 2.0
            assert client.close_code() == 4429
    assert server.memory_mb() - before_mb < 60


def test_a_flooder_is_told_to_wait_and_let_in_again_after_a_second(
    server: Server, shopper: User, stranger: User
) -> None:
    session = services.session_start(user=shopper)
    with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
        client.next("session.ready")
        flood(client, '{"type": "ping"}')
        assert client.close_code() == 4429
    with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
        refusal = client.next()
        assert (refusal["code"], refusal["data"]) == ("too_many_connections", {"retry_after_s": 1})
        assert client.close_code() == 4429
    other = services.session_start(user=stranger)
    with socket_connect(server, other.pk, headers=bearer(stranger)) as client:
        client.next("session.ready")
    time.sleep(1.0)
    with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
        client.next("session.ready")


def test_a_flood_that_ignores_the_close_is_cut_off(server: Server, shopper: User) -> None:
    session = services.session_start(user=shopper)
    before_mb = server.memory_mb()
    with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
        client.next("session.ready")
        raw = client.link.socket.dup()  # which the client library does not close
        framed = b"\x82\xff" + len(FRAME).to_bytes(8, "big") + b"\0\0\0\0" + FRAME
        started_s = time.monotonic()
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            send_for_ever(raw, framed)
        raw.close()
        assert time.monotonic() - started_s < 5
    assert server.memory_mb() - before_mb < 100


def test_without_the_cut_off_a_flood_fills_the_memory(unguarded_server: Server, shopper: User) -> None:
    session = services.session_start(user=shopper)
    before_mb = unguarded_server.memory_mb()
    with socket_connect(unguarded_server, session.pk) as client:
        for _ in range(8):  # a busy machine takes in less at a time
            assert flood(client, FRAME, most_s=2.0) >= 2.0
            if unguarded_server.memory_mb() - before_mb > 150:
                break
        assert unguarded_server.memory_mb() - before_mb > 150


def test_a_fast_client_and_a_burst_after_a_pause_are_no_flood() -> None:
    steady = FloodGuard(30)
    assert not any(steady.is_flood(number / 30) for number in range(300))
    burst = FloodGuard(30)
    assert not any(burst.is_flood(100.0) for _ in range(72))
    assert burst.is_flood(100.1)


@pytest.mark.parametrize("per_second", [40, 100, 1000])
def test_above_the_rate_is_a_flood_within_two_seconds(per_second: int) -> None:
    guard = FloodGuard(30)
    assert any(guard.is_flood(number / per_second) for number in range(2 * per_second))
