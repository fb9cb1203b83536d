"""The body of a request on its way from daphne to the application."""

from __future__ import annotations

import asyncio

from twisted.web.http import _ChunkedTransferDecoder

from ebrcs.server.body_stream import WAITING_MAX_BYTES, BodyStream
from ebrcs.server.daphne_requests import NoChunks


class Reading:
    """What the stream asks of the connection."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.stream = BodyStream(
            begin=lambda: self.calls.append("begin"),
            pause=lambda: self.calls.append("pause"),
            resume=lambda: self.calls.append("resume"),
        )


async def test_pieces_that_wait_are_handed_over_as_one() -> None:
    stream = Reading().stream
    for _ in range(1000):
        stream.append(b"x")
    assert await stream.receive() == {"type": "http.request", "body": b"x" * 1000, "more_body": True}
    stream.append(b"y")
    stream.end()
    assert await stream.receive() == {"type": "http.request", "body": b"y", "more_body": False}


async def test_the_application_waits_for_a_piece_for_the_end_and_for_the_client_to_go() -> None:
    stream = Reading().stream
    for deed, message in (
        (lambda: stream.append(b"x"), {"type": "http.request", "body": b"x", "more_body": True}),
        (stream.end, {"type": "http.request", "body": b"", "more_body": False}),
        (lambda: stream.put_nowait({"type": "http.disconnect"}), {"type": "http.disconnect"}),
    ):
        waiting = asyncio.ensure_future(stream.receive())
        await asyncio.sleep(0)
        assert not waiting.done()
        deed()
        assert await waiting == message


async def test_what_daphne_says_of_the_body_is_not_passed_on() -> None:
    stream = Reading().stream
    stream.put_nowait({"type": "http.request", "body": b"", "more_body": False})
    stream.append(b"x")
    assert (await stream.receive())["body"] == b"x"


async def test_a_client_is_not_read_from_faster_than_the_application_reads() -> None:
    assert WAITING_MAX_BYTES == 128 * 2**10
    reading = Reading()
    reading.stream.append(b"x" * (WAITING_MAX_BYTES - 1))
    assert reading.calls == []
    reading.stream.append(b"x")
    reading.stream.append(b"x")
    assert reading.calls == ["pause"]
    await reading.stream.receive()
    assert reading.calls == ["pause", "begin", "resume"]
    reading.stream.append(b"x")
    await reading.stream.receive()
    assert reading.calls.count("begin") == 1


def test_tiny_chunks_are_passed_on_as_they_came_and_none_are_an_empty_body() -> None:
    passed: list[bytes] = []
    ended: list[bytes] = []
    chunks = b"1\r\nx\r\n" * 1000
    NoChunks(passed.append, ended.append).dataReceived(chunks)
    assert (passed, ended) == ([chunks], [])
    decoder = NoChunks(passed.append, ended.append)
    for byte in b"0\r\n\r\n":
        assert ended == []
        decoder.dataReceived(bytes([byte]))
    assert ended == [b""]
    NoChunks(passed.append, ended.append).dataReceived(b"0\r\n\r\nGET / HTTP/1.1")
    assert (len(passed), ended[1:]) == (1, [b"GET / HTTP/1.1"])


def test_control_twisted_decodes_each_of_them() -> None:
    passed: list[bytes] = []
    _ChunkedTransferDecoder(passed.append, passed.append).dataReceived(b"1\r\nx\r\n" * 1000)
    assert len(passed) == 1000
