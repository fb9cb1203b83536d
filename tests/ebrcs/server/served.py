"""The shop's ASGI application as the tests of the server serve it: it tells how long its event loop was held.

`EBRCS_TEST_SERVER` names what is switched off or made small, separated by commas.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import Any

import daphne.http_protocol
import daphne.server
import daphne.ws_protocol
from daphne.utils import parse_x_forwarded_for

from ebrcs import asgi
from ebrcs.server import bodies, daphne_requests, refusals
from ebrcs.server.bodies_in_flight import bodies_in_flight

PROBE_EVERY_S = 0.002


class LoopLag:
    """The longest time that the event loop was late since it was last asked."""

    def __init__(self) -> None:
        self.longest_s = 0.0
        self.running: asyncio.Task[None] | None = None

    async def watch(self) -> None:
        while True:
            before_s = time.perf_counter()
            await asyncio.sleep(PROBE_EVERY_S)
            self.longest_s = max(self.longest_s, time.perf_counter() - before_s - PROBE_EVERY_S)

    def take(self) -> float:
        self.running = self.running or asyncio.ensure_future(self.watch())
        longest_s, self.longest_s = self.longest_s, 0.0
        return longest_s


lag = LoopLag()
shop: Any = asgi.application


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer /loop-lag with seconds and what is known of the client; everything else is the shop's."""
    if scope["type"] == "lifespan" or not scope["path"].endswith("/loop-lag"):
        await shop(scope, receive, send)
        return
    told = {
        "lag_s": lag.take(),
        "client": scope["client"][0],
        "scheme": scope.get("scheme"),
        "root_path": scope["root_path"],
        "in_flight": bodies_in_flight.total,
    }
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": json.dumps(told)})
        await send({"type": "websocket.close"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(told).encode()})


def daphne_as_it_is() -> None:
    from daphne.http_protocol import HTTPFactory

    daphne.server.HTTPFactory = HTTPFactory


def addresses_as_daphne_reads_them() -> None:
    daphne.http_protocol.parse_x_forwarded_for = parse_x_forwarded_for
    daphne.ws_protocol.parse_x_forwarded_for = parse_x_forwarded_for


def bodies_unbounded() -> None:
    shop.application = shop.application.application


def quick_timeouts() -> None:
    bodies.BODY_GRACE_S = 0.5
    daphne_requests.HEADERS_WITHIN_S = 0.5
    refusals.LINGER_S = 0.5


for name in filter(None, os.environ.get("EBRCS_TEST_SERVER", "").split(",")):
    globals()[name]()
