"""Connections to a real daphne: refusals arrive, slow ones are cut, orderly ones are kept."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from ebrcs.server import daphne_requests
from tests.checkout.serving import Server
from tests.ebrcs.server.conftest import (
    MIB,
    answer_read,
    body_of,
    connected,
    exchange,
    head,
    status_of,
    told,
)

SLOW_COUNT = 40
# Twice the short timeouts of the served shop, and much patience with a busy machine.
CUT_WITHIN_S = 8.0


def test_who_asks_before_sending_is_told_without_having_to_send(shop: Server) -> None:
    with connected(shop) as link:
        link.sendall(head("POST", "/healthz", Content_Length=MIB + 1, Expect="100-continue"))
        answer = answer_read(link)
    assert status_of(answer) == 413
    assert b"100 Continue" not in answer


def test_who_asks_before_sending_what_is_allowed_may_go_on(shop: Server) -> None:
    with connected(shop) as link:
        link.sendall(
            head("POST", "/api/auth/login", Content_Length=2, Expect="100-continue", Connection="close")
        )
        assert link.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        link.sendall(b"{}")
        assert status_of(answer_read(link)) == 415


def test_control_daphne_tells_everybody_to_go_on(bare_shop: Server) -> None:
    with connected(bare_shop) as link:
        link.sendall(head("POST", "/healthz", Content_Length=MIB + 1, Expect="100-continue"))
        assert link.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize("size", [MIB + 1, 20 * MIB])
def test_a_client_that_sends_everything_first_still_reads_the_refusal(shop: Server, size: int) -> None:
    answer = exchange(shop, head("POST", "/healthz", Content_Length=size) + b"x" * size)
    assert status_of(answer) == 413
    assert body_of(answer).startswith(b"The request is too large.")


class TemporaryFolder:
    """A folder for temporary files, and the most that open ones took there."""

    def __init__(self, server: Server) -> None:
        self.descriptors = Path(f"/proc/{server.process.pid}/fd")
        self.most = 0
        self.stopped = threading.Event()

    def watch(self) -> None:
        while not self.stopped.is_set():
            self.most = max(self.most, sum(self.sizes()))
            time.sleep(0.001)

    def sizes(self) -> Iterator[int]:
        for link in self.descriptors.iterdir():
            try:
                if str(link.readlink()).startswith(tempfile.gettempdir()) and link.stat().st_nlink == 0:
                    yield link.stat().st_size
            except OSError:
                continue


def spooled_by(server: Server, request: bytes) -> int:
    """Send a request; return how many bytes of temporary files the server had open at most."""
    folder = TemporaryFolder(server)
    watching = threading.Thread(target=folder.watch)
    watching.start()
    try:
        exchange(server, request)
    finally:
        folder.stopped.set()
        watching.join()
    return folder.most


def test_nothing_of_a_refused_body_is_spooled(shop: Server, bare_shop: Server) -> None:
    request = head("POST", "/healthz", Content_Length=40 * MIB, Connection="close") + b"x" * 40 * MIB
    assert spooled_by(shop, request) == 0
    assert spooled_by(bare_shop, request) > 10 * MIB  # control


def cut_count(
    server: Server, beginning: bytes, *, count: int = SLOW_COUNT, within_s: float = CUT_WITHIN_S
) -> int:
    """Open connections that send a byte at a time; return how many were closed in time."""
    deadline_s = time.monotonic() + within_s
    with ExitStack() as stack:
        links = []
        for _ in range(count):
            link = socket.create_connection(("127.0.0.1", server.port), timeout=1)
            links.append(stack.enter_context(closing(link)))
            link.sendall(beginning)
        open_links = list(links)
        while open_links and time.monotonic() < deadline_s:
            open_links = [link for link in open_links if is_open(link)]
            time.sleep(0.2)
        return count - len(open_links)


def is_open(link: socket.socket) -> bool:
    """Send another byte; tell whether the server still reads."""
    try:
        link.sendall(b"x")
        link.settimeout(0)
        while link.recv(65_536):
            pass
    except BlockingIOError:
        link.settimeout(1)
        return True
    except OSError:
        return False
    return False


SLOW = {
    "headers": b"GET /healthz HTTP/1.1\r\nX-Slow: ",
    "a line": b"GET /heal",
    "a body": head("POST", "/healthz", Content_Length=10_000),
}


@pytest.mark.parametrize("beginning", SLOW.values(), ids=SLOW)
def test_slow_requests_are_cut(shop: Server, beginning: bytes) -> None:
    assert cut_count(shop, beginning) == SLOW_COUNT


@pytest.mark.parametrize("beginning", SLOW.values(), ids=SLOW)
def test_control_daphne_never_cuts_them(bare_shop: Server, beginning: bytes) -> None:
    assert cut_count(bare_shop, beginning, count=3, within_s=2.0) == 0


def test_a_silent_connection_is_closed_and_one_that_is_kept_alive_is_not(shop: Server) -> None:
    assert daphne_requests.HEADERS_WITHIN_S == 10.0
    with connected(shop) as silent, connected(shop) as kept:
        kept.sendall(head("GET", "/healthz"))
        assert b"alive" in kept.recv(65_536)
        assert answer_read(silent) == b""
        kept.sendall(head("GET", "/healthz", Connection="close"))
        assert b"alive" in answer_read(kept)


def test_requests_with_bodies_may_follow_each_other_on_one_connection(shop: Server) -> None:
    requests = [head("POST", "/api/auth/login", Content_Length=2) + b"{}"] * 3
    requests.append(head("GET", "/healthz", Connection="close"))
    answer = exchange(shop, b"".join(requests))
    assert (answer.count(b"HTTP/1.1 415 "), answer.count(b"HTTP/1.1 200 ")) == (3, 1)


@pytest.mark.parametrize(
    "request_sent",
    [
        head("POST", "/healthz", Content_Length=5, X="a\x0bb") + b"hello",
        head("POST", "/healthz", Content_Length="five"),
        head("GET", "/api/ws/nothing", Content_Length=5, Upgrade="websocket", Connection="Upgrade")
        + b"hello",
    ],
    ids=["a bad header", "no number", "a socket with a body"],
)
def test_what_makes_no_sense_is_refused_and_the_connection_closed(shop: Server, request_sent: bytes) -> None:
    assert status_of(exchange(shop, request_sent)) == 400
    assert told(shop)["in_flight"] == 0


def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(shop: Server) -> None:
    known = head("POST", "/api/products", Content_Length=2 * MIB, Authorization="Bearer unchecked")
    with connected(shop) as link:
        link.sendall(known + b"x" * MIB)
        deadline_s = time.monotonic() + CUT_WITHIN_S
        while told(shop)["in_flight"] == 0:
            assert time.monotonic() < deadline_s
    while told(shop)["in_flight"]:
        assert time.monotonic() < deadline_s
