"""The other worker of one socket: carries out commands and passes on news of the cart, in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.db import InterfaceError, OperationalError

from checkout import corrections, selectors, services
from checkout.changes import answer_of, change_of
from checkout.commands import (
    Barcode,
    Choose,
    Command,
    DebugSet,
    ItemCorrect,
    ItemSet,
    ModeSet,
    Ping,
    Undo,
    ZoneSet,
    command_parse,
)
from checkout.errors import BadCommand, QuestionUnknown
from checkout.ledger import Cause
from checkout.models import Source
from checkout.payloads import CartEvent
from checkout.seats import Place
from checkout.teller import Teller
from checkout.threads import in_database, in_vision
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
    place: Place
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
            case ItemCorrect():
                await self._item_correct(command)
            case Undo():
                event = await in_database(
                    corrections.change_undo, session_id=self.session_id, event_id=command.event_id
                )
                await self.teller.tell(event)
            case Barcode():
                await self._barcode(command)
            case ModeSet():
                await self._mode_set(command)
            case ZoneSet():
                await self._zone_set(command)
            case DebugSet():
                self.place.explains = command.is_on
                await self.send({"type": "debug.changed", "on": command.is_on})
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

    async def _item_correct(self, command: ItemCorrect) -> None:
        event = await in_database(
            corrections.item_correct,
            session_id=self.session_id,
            product_id=command.product_id,
            instead_id=command.instead_id,
            about_id=command.event_id,
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
        seat = self.place.seat
        try:
            async with seat.turn:
                seat.lane.set_mode(cast("Any", command.mode))
        except ValueError as error:
            raise BadCommand(f"{error}.") from None
        await self.send({"type": "mode.changed", "mode": command.mode})

    async def _zone_set(self, command: ZoneSet) -> None:
        seat = self.place.seat
        try:
            async with seat.turn:
                seat.set_zone(command.sides)
        except ValueError as error:
            raise BadCommand(f"{error}.") from None
        await self.send({"type": "zone.changed", "zone": seat.zone})

    async def _choose(self, command: Choose) -> None:
        seat, product_id = self.place.seat, str(command.product_id)
        async with seat.turn:
            if product_id not in seat.questions.get(command.track, ()):
                raise QuestionUnknown(f"Nothing is asked about item {command.track} and this product.")
            before = seat.lane.life(command.track)
            was_open = before is not None and before.verdict.state != "accepted"
            event = seat.lane.choose(command.track, product_id)
            if was_open:
                seat.changes.append(answer_of(seat, command.track, command.product_id))
            if event is not None:
                seat.changes.append(await in_vision(change_of, seat, event))
        await self.store()

    async def _refuse(self, code: str, detail: str, data: dict[str, Any]) -> None:
        await self.send({"type": "error", "code": code, "detail": detail, "data": data})
