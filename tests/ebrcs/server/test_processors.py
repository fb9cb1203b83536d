"""A server does not let one call, or a crowd of new connections, keep the others from its processors."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from twisted.internet import tcp
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactorClock

import ebrcs.asgi  # noqa: F401 - installs what is tested

THREADS = """
import json, sys
if "server" in sys.argv:
    import ebrcs.settings
    ebrcs.settings.ENGINE_AT_START = ebrcs.settings.HOUSEKEEPING = False
    import ebrcs.asgi
import numpy, threadpoolctl
print(json.dumps([library["num_threads"] for library in threadpoolctl.threadpool_info()]))
"""
CONNECTIONS = 10


def library_threads(folder: Path, *arguments: str, **environment: str) -> set[int]:
    """Return how many threads the libraries of a process use for one call."""
    known = {
        key: value
        for key, value in os.environ.items()
        if not key.endswith("_NUM_THREADS") and key != "DJANGO_SETTINGS_MODULE"
    }
    told = subprocess.run(
        [sys.executable, "-c", THREADS, *arguments],
        env={**known, "EBRCS_DATA_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(told.stdout.splitlines()[-1]))


def test_libraries_of_a_server_use_one_thread_for_a_call(tmp_path: Path) -> None:
    assert library_threads(tmp_path, "server") == {1}


@pytest.mark.skipif(os.cpu_count() == 1, reason="needs two processors")
def test_control_by_themselves_they_use_all_processors(tmp_path: Path) -> None:
    assert library_threads(tmp_path) == {os.cpu_count()}


def test_who_sets_the_number_is_believed(tmp_path: Path) -> None:
    assert library_threads(tmp_path, "server", OMP_NUM_THREADS="2", OPENBLAS_NUM_THREADS="2") == {2}


class Greeted(Protocol):
    """Notes its connection."""

    def connectionMade(self) -> None:  # noqa: N802 - the library's name
        assert isinstance(self.factory, Greeting)
        self.factory.made += 1
        self.transport.socket.close()


class Greeting(Factory):
    """Counts connections."""

    protocol = Greeted
    made = 0


def connections_taken_at_once() -> int:
    """Return how many of the connections that wait are taken in before anything else is done."""
    factory = Greeting()
    port = tcp.Port(0, factory, backlog=CONNECTIONS, interface="127.0.0.1", reactor=MemoryReactorClock())
    port.startListening()
    with ExitStack() as opened:
        opened.callback(port.socket.close)
        for _ in range(CONNECTIONS):
            opened.enter_context(socket.create_connection(("127.0.0.1", port.getHost().port)))
        port.doRead()
        taken = factory.made
        while factory.made < CONNECTIONS:
            port.doRead()  # none is lost
    return taken


def connections_waiting() -> int:
    """Return how many connections can be opened before any is taken in, 200 at most."""
    port = tcp.Port(0, Greeting(), interface="127.0.0.1", reactor=MemoryReactorClock())
    port.startListening()
    with ExitStack() as opened:
        opened.callback(port.socket.close)
        for count in range(200):
            try:
                address = ("127.0.0.1", port.getHost().port)
                opened.enter_context(socket.create_connection(address, timeout=0.5))
            except TimeoutError:
                return count
    return 200


def test_a_crowd_of_connections_waits_without_being_turned_away() -> None:
    assert connections_waiting() == 200


def test_control_twisted_leaves_room_for_fifty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp.Port, "backlog", 50)
    assert connections_waiting() < 60


def test_connections_are_taken_in_one_by_one() -> None:
    assert connections_taken_at_once() == 1


def test_control_twisted_takes_all_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp.Port, "numberAccepts", 100)
    assert connections_taken_at_once() == CONNECTIONS
