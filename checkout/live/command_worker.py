"""The command worker of one socket: carries out commands and passes on cart changes, in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast
from uuid import UUID, uuid4

from checkout.cart import corrections, items, selectors, unresolved
from checkout.cart.reasons import barcode_reason
from checkout.cart.scan_events import Cause
from checkout.errors import BadCommand, QuestionUnknown
from checkout.live.cart_sync import CartSync
from checkout.live.commands import (
    Barcode,
    Choose,
    Command,
    DebugSet,
    ItemCorrect,
    ItemSet,
    ModeSet,
    Ping,
    Undo,
    UnresolvedDismiss,
    UnresolvedResolve,
    ZoneSet,
    command_parse,
)
from checkout.live.connections import Connection
from checkout.live.threads import DATABASE_AWAY, DATABASE_SILENT, in_database, in_vision
from checkout.models import Source
from checkout.payloads import CartEvent
from ebrcs.errors import EbrcsError

logger = logging.getLogger(__name__)


@dataclass
class CommandWorker:
    """Works through text messages and cart notices one at a time.

    Parameters
    ----------
    store : stores the changes that wait in the camera state
    """

    session_id: UUID
    connection: Connection
    send: Callable[[Any], Awaitable[None]]
    store: Callable[[], Awaitable[None]]
    cart_sync: CartSync
    commands: asyncio.Queue[str | CartEvent]

    async def run(self) -> None:
        """Work until cancelled; failures are answered and do not end the worker."""
        while True:
            item = await self.commands.get()
            named: dict[str, Any] = {}
            try:
                if isinstance(item, str):
                    command = command_parse(item)
                    named = _name_of(command)
                    await self._carry_out(command)
                else:
                    await self.cart_sync.send_change(item)
            except EbrcsError as error:
                await self._refuse(error.code, error.detail, error.data | named)
            except DATABASE_AWAY:
                logger.warning(DATABASE_SILENT, exc_info=True)
                await self._refuse("database_unavailable", DATABASE_SILENT, named)
            except Exception:
                logger.exception("A message of session %s failed.", self.session_id)
                await self._refuse("internal_error", "The message could not be processed.", named)

    async def _carry_out(self, command: Command) -> None:
        if service := _service_of(command):
            await self._change(service)
            return
        match command:
            case Ping():
                await self.send({"type": "pong"})
            case Barcode():
                await self._barcode(command)
            case ModeSet():
                await self._mode_set(command)
            case ZoneSet():
                await self._zone_set(command)
            case DebugSet():
                self.connection.explains = command.is_on
                await self.send({"type": "debug.changed", "on": command.is_on})
            case Choose():
                await self._choose(command)

    async def _barcode(self, command: Barcode) -> None:
        """Add what a barcode names, or say that it was added before under the id of the command."""
        product = await in_database(selectors.product_by_barcode, code=command.code)
        reason = barcode_reason(str(product.barcode))
        cause = Cause(source=Source.BARCODE, reason=reason, event_id=command.event_id or uuid4())
        if not await self._change(partial(items.item_add, product_id=product.pk, cause=cause)):
            await self.send({"type": "barcode.added", **_name_of(command)})

    async def _change(self, service: Callable[..., CartEvent | None]) -> bool:
        """Call a service that changes the cart of this session, and send the change; False for none."""
        event = await in_database(service, session_id=self.session_id)
        if event is not None:
            await self.cart_sync.send_change(event)
        return event is not None

    async def _mode_set(self, command: ModeSet) -> None:
        camera = self.connection.camera
        try:
            async with camera.lock:
                camera.lane.set_mode(cast("Any", command.mode))
        except ValueError as error:
            raise BadCommand(f"{error}.") from None
        await self.send({"type": "mode.changed", "mode": command.mode})

    async def _zone_set(self, command: ZoneSet) -> None:
        camera = self.connection.camera
        try:
            async with camera.lock:
                camera.set_zone(command.sides)
        except ValueError as error:
            raise BadCommand(f"{error}.") from None
        await self.send({"type": "zone.changed", "zone": camera.zone})

    async def _choose(self, command: Choose) -> None:
        camera, product_id = self.connection.camera, str(command.product_id)
        async with camera.lock:
            if product_id not in camera.questions.get(command.track, ()):
                raise QuestionUnknown(f"Nothing is asked about item {command.track} and this product.")
            before = camera.lane.life(command.track)
            was_open = before is not None and before.verdict.state != "accepted"
            event = camera.lane.choose(command.track, product_id)
            if was_open:
                camera.take_answer(command.track, command.product_id)
            if event is not None:
                await in_vision(camera.take_event, event)
            elif was_open:
                camera.take_choice(command.track, command.product_id)
        await self.store()

    async def _refuse(self, code: str, detail: str, data: dict[str, Any]) -> None:
        await self.send({"type": "error", "code": code, "detail": detail, "data": data})


def _name_of(command: Command) -> dict[str, Any]:
    """Return what every answer to a command repeats, so that a client knows what it answers."""
    if isinstance(command, Barcode) and command.event_id is not None:
        return {"event_id": str(command.event_id)}
    return {}


def _service_of(command: Command) -> Callable[..., CartEvent | None] | None:
    """Return the service of a command that changes the cart by ids alone, None for any other."""
    service: Callable[..., CartEvent | None] | None = None
    match command:
        case ItemSet(product_id, quantity):
            service = partial(items.item_set, product_id=product_id, quantity=quantity)
        case ItemCorrect(wrong_id, instead_id, event_id):
            service = partial(
                corrections.item_correct, product_id=wrong_id, instead_id=instead_id, about_id=event_id
            )
        case Undo(event_id):
            service = partial(corrections.change_undo, event_id=event_id)
        case UnresolvedResolve(unresolved_id, None, str(code)):
            service = partial(
                unresolved.unresolved_resolve_by_barcode, unresolved_id=unresolved_id, code=code
            )
        case UnresolvedResolve(unresolved_id, UUID() as product_id):
            service = partial(
                unresolved.unresolved_resolve, unresolved_id=unresolved_id, product_id=product_id
            )
        case UnresolvedDismiss(unresolved_id, reason):
            service = partial(unresolved.unresolved_dismiss, unresolved_id=unresolved_id, reason=reason)
    return service
