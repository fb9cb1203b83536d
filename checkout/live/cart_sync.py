"""Keeps one client's picture of the cart up to date."""

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

TOLD_MAX = 256


@dataclass
class CartSync:
    """Sends the cart after each change, one after another, so that the cart a client sees never goes back."""

    session_id: UUID
    send: Callable[[Any], Awaitable[None]]
    cart: Cart
    differed: bool = False
    told: deque[str] = field(default_factory=lambda: deque(maxlen=TOLD_MAX))
    telling: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def tell(self, event: CartEvent) -> None:
        """Send the cart after a change; a change already told of is not told again."""
        async with self.telling:
            if event["id"] not in self.told:
                await self._cart_send(event)

    async def sync(self, cart: Cart) -> None:
        """Send the cart if the client lacked it at two looks in a row: the notices must have got lost."""
        async with self.telling:
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
        self.told.append(event["id"])
        message: CartUpdated = {"type": "cart.updated", "event": event, "cart": cart}
        await self.send(message)
