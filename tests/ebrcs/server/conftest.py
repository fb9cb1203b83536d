"""Real servers for the tests of what servers do with connections and bodies."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.checkout.serving import Server, served

Serve = Callable[..., AbstractContextManager[Server]]
MIB = 2**20
RATE = "3/day"


@contextmanager
def _serve(*options: str, switches: str = "", **environment: str) -> Iterator[Server]:
    variables = {
        "DJANGO_SETTINGS_MODULE": "tests.checkout.served_settings",
        "EBRCS_TEST_SERVER": switches,
        **environment,
    }
    with served(
        "tests.ebrcs.server.served:application", Path(settings.DATA_DIR), options=options, **variables
    ) as server:
        yield server


@pytest.fixture(scope="session")
def serve(django_db_setup: None) -> Serve:
    """Return how to serve the shop for a while, with options of daphne and with something switched off."""
    return _serve


@pytest.fixture(scope="session")
def shop(serve: Serve) -> Iterator[Server]:
    """Serve the shop as it is, with short timeouts, and an option of daphne that must not matter."""
    with serve("--proxy-headers", switches="quick_timeouts", EBRCS_RATE_LOGIN=RATE) as server:
        yield server


@pytest.fixture(scope="session")
def bare_shop(serve: Serve) -> Iterator[Server]:
    """Serve the shop with daphne's own requests and no bounds: the control."""
    with serve(switches="daphne_as_it_is,bodies_unbounded") as server:
        yield server


def connected(server: Server, timeout_s: float = 20.0) -> Any:
    """Open a connection, to be closed by the caller's `with`."""
    return closing(socket.create_connection(("127.0.0.1", server.port), timeout=timeout_s))


def head(method: str, path: str, **headers: object) -> bytes:
    """Return the first lines of a request; underscores in names of headers become dashes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def answer_read(link: socket.socket) -> bytes:
    """Read until the server closes; what came before a reset counts as well."""
    received = b""
    try:
        while piece := link.recv(65_536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def exchange(server: Server, request: bytes) -> bytes:
    """Send a request, and read until the server closes."""
    with connected(server) as link:
        link.sendall(request)
        return answer_read(link)


def status_of(answer: bytes) -> int:
    """Return the status of an answer, or 0 without one."""
    return int(answer.split(b" ", 2)[1]) if answer else 0


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


def told(server: Server, path: str = "/loop-lag", **headers: str) -> dict[str, Any]:
    """Return what the server tells about itself: see `served.py`."""
    answer = exchange(server, head("GET", path, Connection="close", **headers))
    line = body_of(answer)
    found: dict[str, Any] = json.loads(line[line.index(b"{") : line.rindex(b"}") + 1])
    return found
