"""Opens the sockets of consoles and lanes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from websockets.sync.client import connect

from tests.checkout.serving import PATIENCE_S, Link, Server, SocketClient

requests = count(1)


class Console(SocketClient):
    """One open socket, which keeps what it was shown last."""

    shown: dict[str, Any] | None = None

    def next(self, kind: str | None = None, timeout_s: float = PATIENCE_S) -> dict[str, Any]:
        """Return the next message, or the next of a kind."""
        while True:
            message = super().next(None, timeout_s)
            if message["type"] == "lanes":
                self.shown = message
            if kind is None or message["type"] == kind:
                return message


@contextmanager
def link_open(server: Server, path: str, headers: dict[str, str]) -> Iterator[Console]:
    """Open a socket of no session."""
    with connect(
        f"ws://127.0.0.1:{server.port}{path}",
        additional_headers=headers,
        max_queue=None,
        close_timeout=1,
        create_connection=Link,
    ) as link:
        yield Console(link)


def ask(client: Console, kind: str, **fields: Any) -> dict[str, Any]:
    """Send a command, and return the answer to it."""
    request = str(next(requests))
    client.command(kind, request=request, **fields)
    while True:
        message = client.next()
        if message.get("request") == request:
            return message


def lanes_until(client: Console, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return the first picture of lanes and alerts for which something holds."""
    while client.shown is None or not holds(client.shown):
        client.next("lanes")
    return client.shown
