"""Keeps one client's copy of the cart up to date."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from checkout.cart import selectors
from checkout.live.threads import in_database
from checkout.models import Source
from checkout.payloads import Cart, CartEvent, CartUpdated

SENT_MAX = 256


@dataclass
class CartSync:
    """Sends the cart after each change, one at a time, so that the client never sees an older cart again.

    Attributes
    ----------
    cart : as last sent
    differed : whether the last check found another cart in the database
    sent_ids : ids of the changes sent last
    """

    session_id: UUID
    send: Callable[[Any], Awaitable[None]]
    cart: Cart
    differed: bool = False
    sent_ids: deque[str] = field(default_factory=lambda: deque(maxlen=SENT_MAX))
    sending: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def send_change(self, event: CartEvent) -> None:
        """Send the cart after a change, once for each change."""
        async with self.sending:
            if event["id"] not in self.sent_ids:
                await self._cart_send(event)

    async def sync(self, cart: Cart) -> None:
        """Send the cart if two checks in a row found it changed: its notices must have been lost."""
        async with self.sending:
            differs = cart != self.cart
            if differs and self.differed:
                await self._cart_send(
                    {
                        "id": str(uuid4()),
                        "action": "sync",
                        "product_id": None,
                        "name": "",
                        "quantity": 0,
                        "source": Source.MANUAL.value,
                        "undoable": False,
                    }
                )
                differs = False
            self.differed = differs

    async def _cart_send(self, event: CartEvent) -> None:
        self.cart = cart = await in_database(selectors.cart_get, session_id=self.session_id)
        self.sent_ids.append(event["id"])
        message: CartUpdated = {"type": "cart.updated", "event": event, "cart": cart}
        await self.send(message)
