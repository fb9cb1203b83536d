"""What one WebSocket client may send below the level of messages, and how it ends if it sends more."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from pytest_django.fixtures import Settings

import ebrcs.asgi
from ebrcs.server import websocket_protocol
from ebrcs.server.websocket_protocol import BoundedWebSocketProtocol
from tests.ebrcs.server.wire import BEGIN, LAST, PART, PING, PONG, WHOLE, Wire, close_frame, frame

FLOODING, TOO_SLOW = close_frame(4429), close_frame(4408)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time of the protocol, to be set by the test."""
    now_s = [1000.0]
    monkeypatch.setattr(websocket_protocol, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    return now_s


@pytest.fixture
def wire(clock: list[float]) -> Wire:
    """Return an open connection."""
    wire = Wire(BoundedWebSocketProtocol)
    assert wire.accept().startswith(b"HTTP/1.1 101 ")
    return wire


def open_unbounded() -> Wire:
    wire = Wire(WebSocketProtocol)
    wire.accept()
    return wire


def test_daphne_speaks_by_the_bounded_protocol() -> None:
    assert ebrcs.asgi.application
    assert WebSocketFactory.protocol is BoundedWebSocketProtocol


# 1440 frames in two seconds: 30 messages a second, in 20 parts each, and a fifth more.
@pytest.mark.parametrize(
    ("begin", "one", "allowed"),
    [
        (b"", frame(PONG), 24),
        (b"", frame(PONG, b"x" * 125), 24),
        (b"", frame(PING), 24),
        (frame(BEGIN), frame(PART), 1439),
        (frame(BEGIN), frame(PART, b"x"), 1439),
        (b"", frame(WHOLE), 1440),
    ],
)
def test_with_one_frame_too_many_nothing_more_is_read(
    wire: Wire, begin: bytes, one: bytes, allowed: int
) -> None:
    wire.send(begin + one * allowed)
    assert FLOODING not in wire.sent()
    assert wire.codes == []
    received = len(wire.messages)

    wire.send(one)
    assert wire.sent().endswith(FLOODING)
    assert wire.codes == [4429]
    wire.send(frame(WHOLE, b"a picture") * 2)
    assert (len(wire.messages), wire.sent()) == (received, b"")


def test_a_flood_in_one_read_is_processed_no_further_than_its_bound(wire: Wire) -> None:
    wire.send(frame(PING) * 10_000)
    assert wire.sent().count(b"\x8a\x00") == 24  # pongs
    unbounded = open_unbounded()
    unbounded.send(frame(PING) * 10_000)
    assert unbounded.sent().count(b"\x8a\x00") == 10_000


@pytest.mark.parametrize(("size", "is_cut_off"), [(511, True), (512, False)])
def test_of_short_reads_four_are_allowed_for_each_message(wire: Wire, size: int, is_cut_off: bool) -> None:
    wire.send(b"\x82\xff" + (2**20).to_bytes(8, "big") + b"\0\0\0\0" + b"x" * 600)
    for _ in range(287):  # and the one of the handshake: 30 messages a second, and a fifth more
        wire.send(b"x" * size)
    assert wire.codes == []
    wire.send(b"x" * size)
    assert (wire.codes == [4429]) is is_cut_off


def test_after_two_seconds_the_same_again_is_allowed(wire: Wire, clock: list[float]) -> None:
    for _ in range(5):
        wire.send(frame(PONG) * 24)
        clock[0] += 2.0
    assert wire.codes == []
    wire.send(frame(PONG) * 24)
    clock[0] += 1.9
    wire.send(frame(PONG))
    assert wire.codes == [4429]


def test_the_number_of_frames_follows_the_number_of_messages(settings: Settings, clock: list[float]) -> None:
    settings.FRAME_MAX_PER_SECOND = 1
    wire = Wire(BoundedWebSocketProtocol)
    wire.accept()
    wire.send(frame(BEGIN) + frame(PART) * 47)
    assert wire.codes == []
    wire.send(frame(PART))
    assert wire.codes == [4429]


def test_pictures_of_a_mebibyte_in_parts_arrive_whole_for_as_long_as_they_come(
    wire: Wire, clock: list[float]
) -> None:
    parts = [frame(BEGIN, b"x" * 65_536), *[frame(PART, b"x" * 65_536)] * 14, frame(LAST, b"x" * 65_535)]
    for number in range(120):  # four seconds at the full rate, which the answer to a ping interrupts
        for part in [*parts[:3], frame(PONG), *parts[3:]] if number % 30 == 0 else parts:
            wire.send(part)
        clock[0] += 1 / 30
    assert wire.codes == []
    assert [len(message) for message in wire.messages] == [2**20 - 1] * 120


def test_who_floods_on_while_being_closed_is_not_read_and_then_dropped(wire: Wire) -> None:
    wire.protocol.serverClose(1000)
    wire.send(frame(PONG) * 25)
    assert wire.transport.dropped
    assert wire.codes == [4429]


def test_when_the_application_closes_for_a_flood_nothing_more_is_read(wire: Wire) -> None:
    wire.protocol.serverClose(4429)
    assert wire.sent() == FLOODING
    wire.send(frame(PING) * 3)
    assert (wire.sent(), wire.codes) == (b"", [4429])
    wire.protocol.onCloseHandshakeTimeout()  # which comes after a second
    assert wire.transport.dropped
    assert wire.protocol.closeHandshakeTimeout == 1


def test_what_a_closed_client_still_sends_is_thrown_away_ever_more_slowly(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    later: list[tuple[float, Callable[[], None]]] = []
    stand_in = SimpleNamespace(callLater=lambda delay_s, call: later.append((delay_s, call)))
    monkeypatch.setattr(websocket_protocol, "reactor", stand_in)
    wire.protocol.serverClose(4429)
    for _ in range(500):
        wire.send(b"x" * 65_536)
    assert (later, wire.transport.producerState) == ([], "producing")
    wire.send(b"x" * 65_536)
    ((delay_s, read_on),) = later
    assert (delay_s, wire.transport.producerState) == (0.02, "paused")
    read_on()
    assert wire.transport.producerState == "producing"


def test_what_comes_before_the_handshake_is_answered_is_no_frame(clock: list[float]) -> None:
    early = Wire(BoundedWebSocketProtocol)
    early.send(frame(WHOLE, b"x" * 1000))
    assert early.transport.dropped
    with_body = Wire(BoundedWebSocketProtocol, body=frame(WHOLE, b"a picture"))
    with_body.accept()
    assert with_body.messages == []
    unbounded = Wire(WebSocketProtocol, body=frame(WHOLE, b"a picture"))
    unbounded.accept()
    assert unbounded.messages == [b"a picture"]


def test_a_message_has_thirty_seconds_to_end(wire: Wire, clock: list[float]) -> None:
    wire.send(frame(BEGIN, b"x"))
    clock[0] += 30.0
    wire.protocol.check_timeouts()
    wire.send(frame(LAST, b"y"))
    assert wire.messages == [b"xy"]
    clock[0] += 100.0
    wire.protocol.check_timeouts()
    assert wire.codes == []

    wire.send(frame(BEGIN, b"x"))
    clock[0] += 30.1
    wire.protocol.check_timeouts()
    assert wire.sent().endswith(TOO_SLOW)
    assert wire.codes == [4408]


def test_a_client_that_does_not_read_for_thirty_seconds_is_dropped(wire: Wire, clock: list[float]) -> None:
    assert wire.transport.producer == wire.protocol
    wire.protocol.pauseProducing()
    clock[0] += 30.0
    wire.protocol.check_timeouts()
    wire.protocol.resumeProducing()
    clock[0] += 30.1
    wire.protocol.check_timeouts()
    assert not wire.transport.dropped

    wire.protocol.pauseProducing()
    clock[0] += 30.1
    wire.protocol.check_timeouts()
    assert wire.transport.dropped


def test_nothing_is_ever_decompressed(clock: list[float]) -> None:
    wire = Wire(BoundedWebSocketProtocol, headers=b"Sec-WebSocket-Extensions: permessage-deflate\r\n")
    answer = wire.accept()
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"permessage-deflate" not in answer
    wire.send(frame(WHOLE | 0x40, b"compressed"))
    assert (wire.messages, wire.transport.dropped) == ([], True)
