"""Stands before all sockets: refuses who opens too many, or comes back too soon after a flood.

A refusal costs no database, no task of a socket and no notices: the client is accepted, told when to come
back, and closed. It is told so after a second, so that a client that asks again at once is slowed down.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from checkout.live.access import FLOODING
from checkout.live.limits.flooders import flood_note, flood_wait_s
from checkout.live.limits.token_buckets import TokenBuckets
from checkout.live.threads import database_pool
from ebrcs.rate_limits import client_address_of_scope

# A shop behind one address: fifty lanes that come back four times in a minute are no flood.
ADDRESS_BURST, ADDRESS_PER_SECOND = 200, 10.0
# One lane: a shopper who reloads the page again and again, or walks out of the network's reach.
SESSION_BURST, SESSION_PER_SECOND = 20, 1.0
# What a flood costs of the openings of its address, where it is not known whose it is.
FLOOD_COST = 20
REFUSED_AFTER_S = 1.0
WAITING_MAX = 64

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Any, Receive, Send], Awaitable[None]]


@dataclass
class Opening:
    """One socket at the gate.

    Attributes
    ----------
    address : where it comes from
    session : the session it asks for; empty if its address names none
    is_admitted : whether the client has shown that the session is its own
    is_noted : whether the flood that closed it has been noted, or it was none
    """

    address: str
    session: str
    is_admitted: bool = False
    is_noted: bool = False


class SocketGate:
    """An ASGI application before that of the sockets; what it knows of a socket is `scope["opening"]`."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.addresses = TokenBuckets(ADDRESS_BURST, ADDRESS_PER_SECOND)
        self.sessions = TokenBuckets(SESSION_BURST, SESSION_PER_SECOND)
        self.waiting: Counter[str] = Counter()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one socket, or refuse it."""
        opening = Opening(client_address_of_scope(scope), session_asked_for(scope["path"]))
        wait_s = await self._wait_s(opening)
        if wait_s:
            await self._refuse(opening, wait_s, receive, send)
            return

        async def receive_noting() -> Any:
            message = await receive()
            if message["type"] == "websocket.disconnect" and message.get("code") == FLOODING:
                await self._flooded(opening)
            return message

        async def send_noting(message: Message) -> None:
            await send(message)
            if message["type"] == "websocket.close" and message.get("code") == FLOODING:
                await self._flooded(opening)

        await self.application({**scope, "opening": opening}, receive_noting, send_noting)

    async def _wait_s(self, opening: Opening) -> float:
        """Return 0 for a socket that may be opened, else how many seconds it has to wait."""
        now_s = time.monotonic()
        if wait_s := self.addresses.take(opening.address, now_s):
            return wait_s
        if not opening.session:
            return 0.0
        if wait_s := self.sessions.take((opening.address, opening.session), now_s):
            return wait_s
        return await asyncio.get_running_loop().run_in_executor(
            database_pool, lambda: flood_wait_s(address=opening.address, session=opening.session)
        )

    async def _refuse(self, opening: Opening, wait_s: float, receive: Receive, send: Send) -> None:
        await receive()
        if self.waiting[opening.address] >= WAITING_MAX:
            await send({"type": "websocket.close", "code": FLOODING})  # which refuses the handshake
            return
        self.waiting[opening.address] += 1
        try:
            await asyncio.sleep(REFUSED_AFTER_S)
        finally:
            self.waiting[opening.address] -= 1
            if not self.waiting[opening.address]:
                del self.waiting[opening.address]
        await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        await send({"type": "websocket.send", "text": refusal(wait_s)})
        await send({"type": "websocket.close", "code": FLOODING, "reason": "Too many connections."})

    async def _flooded(self, opening: Opening) -> None:
        """Note a flood once: against the session if the client was admitted, else against the address."""
        if opening.is_noted:
            return
        opening.is_noted = True
        if opening.is_admitted:
            await asyncio.get_running_loop().run_in_executor(
                database_pool, lambda: flood_note(address=opening.address, session=opening.session)
            )
        else:
            self.addresses.fine(opening.address, FLOOD_COST, time.monotonic())


def session_asked_for(path: str) -> str:
    """Return the id of the session whose socket an address is, in one spelling; empty if it is none."""
    try:
        return str(UUID(path.rstrip("/").rpartition("/")[2]))
    except ValueError:
        return ""


def refusal(wait_s: float) -> str:
    """Return the message that says when the client may come back."""
    seconds = math.ceil(wait_s)
    return json.dumps(
        {
            "type": "error",
            "code": "too_many_connections",
            "detail": f"This socket was opened too often or flooded before. Try again in {seconds} s.",
            "data": {"retry_after_s": seconds},
        }
    )
