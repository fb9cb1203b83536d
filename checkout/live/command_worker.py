"""The command worker of one socket: carries out commands and passes on cart changes, in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast
from uuid import UUID

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
from checkout.live.threads import DATABASE_AWAY, in_database, in_vision
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
            try:
                if isinstance(item, str):
                    await self._carry_out(command_parse(item))
                else:
                    await self.cart_sync.send_change(item)
            except EbrcsError as error:
                await self._refuse(error.code, error.detail, error.data)
            except DATABASE_AWAY:
                logger.warning("The database does not answer.", exc_info=True)
                await self._refuse("database_unavailable", "The database does not answer.", {})
            except Exception:
                logger.exception("A message of session %s failed.", self.session_id)
                await self._refuse("internal_error", "The message could not be processed.", {})

    async def _carry_out(self, command: Command) -> None:
        if service := _service_of(command):
            await self._change(service)
            return
        match command:
            case Ping():
                await self.send({"type": "pong"})
            case Barcode(code):
                product = await in_database(selectors.product_by_barcode, code=code)
                cause = Cause(source=Source.BARCODE, reason=barcode_reason(code.strip()))
                await self._change(partial(items.item_add, product_id=product.pk, cause=cause))
            case ModeSet():
                await self._mode_set(command)
            case ZoneSet():
                await self._zone_set(command)
            case DebugSet():
                self.connection.explains = command.is_on
                await self.send({"type": "debug.changed", "on": command.is_on})
            case Choose():
                await self._choose(command)

    async def _change(self, service: Callable[..., CartEvent | None]) -> None:
        """Call a service that changes the cart of this session, and send the change."""
        event = await in_database(service, session_id=self.session_id)
        if event is not None:
            await self.cart_sync.send_change(event)

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
