"""The other worker of one socket: carries out commands and passes on news of the cart, in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.db import InterfaceError, OperationalError

from checkout import selectors, services
from checkout.commands import Barcode, Choose, Command, ItemSet, ModeSet, Ping, command_parse
from checkout.errors import BadCommand, QuestionUnknown
from checkout.models import Source
from checkout.payloads import CartEvent
from checkout.seats import Seat
from checkout.services import Cause
from checkout.teller import Teller
from checkout.threads import in_database, in_vision
from checkout.till import change_of
from ebrcs.errors import EbrcsError

logger = logging.getLogger(__name__)


@dataclass
class Clerk:
    """Works off text messages and notices one after another.

    Parameters
    ----------
    store : stores what the lane has seen
    """

    session_id: UUID
    seat: Seat
    send: Callable[[Any], Awaitable[None]]
    store: Callable[[], Awaitable[None]]
    teller: Teller
    desk: asyncio.Queue[str | CartEvent]

    async def run(self) -> None:
        """Work until cancelled; what goes wrong is answered and never the end."""
        while True:
            item = await self.desk.get()
            try:
                if isinstance(item, str):
                    await self._carry_out(command_parse(item))
                else:
                    await self.teller.tell(item)
            except EbrcsError as error:
                await self._refuse(error.code, error.detail, error.data)
            except (OperationalError, InterfaceError):
                logger.warning("The database does not answer.", exc_info=True)
                await self._refuse("database_unavailable", "The database does not answer.", {})
            except Exception:
                logger.exception("A message of session %s failed.", self.session_id)
                await self._refuse("internal_error", "The message could not be worked on.", {})

    async def _carry_out(self, command: Command) -> None:
        match command:
            case Ping():
                await self.send({"type": "pong"})
            case ItemSet():
                await self._item_set(command)
            case Barcode():
                await self._barcode(command)
            case ModeSet():
                await self._mode_set(command)
            case Choose():
                await self._choose(command)

    async def _item_set(self, command: ItemSet) -> None:
        event = await in_database(
            services.item_set,
            session_id=self.session_id,
            product_id=command.product_id,
            quantity=command.quantity,
        )
        if event is not None:
            await self.teller.tell(event)

    async def _barcode(self, command: Barcode) -> None:
        product = await in_database(selectors.product_by_barcode, code=command.code)
        event = await in_database(
            services.item_add,
            session_id=self.session_id,
            product_id=product.pk,
            cause=Cause(source=Source.BARCODE, reason=f"barcode {command.code.strip()}"),
        )
        if event is not None:
            await self.teller.tell(event)

    async def _mode_set(self, command: ModeSet) -> None:
        try:
            async with self.seat.turn:
                self.seat.lane.set_mode(cast("Any", command.mode))
        except ValueError as error:
            raise BadCommand(f"{error}.") from None
        await self.send({"type": "mode.changed", "mode": command.mode})

    async def _choose(self, command: Choose) -> None:
        product_id = str(command.product_id)
        async with self.seat.turn:
            if product_id not in self.seat.questions.get(command.track, ()):
                raise QuestionUnknown(f"Nothing is asked about item {command.track} and this product.")
            event = self.seat.lane.choose(command.track, product_id)
            if event is not None:
                self.seat.changes.append(await in_vision(change_of, event))
        await self.store()

    async def _refuse(self, code: str, detail: str, data: dict[str, Any]) -> None:
        await self.send({"type": "error", "code": code, "detail": detail, "data": data})
