"""The socket of a session: passes frames to the till, texts to the clerk, and never waits for either."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import InterfaceError, OperationalError

from checkout import ledger, selectors, services
from checkout.announce import SEND_TIMEOUT_S, session_group
from checkout.clerk import Clerk
from checkout.commands import TEXT_MAX_CHARACTERS
from checkout.flood_guard import FloodGuard
from checkout.mailbox import Mailbox
from checkout.models import CheckoutSession
from checkout.payloads import Cart, CartEvent, Limits, SessionClosed, SessionInfo, SessionReady
from checkout.seats import Place, Seat, seating
from checkout.socket_access import (
    FAILED,
    FLOODING,
    NOT_AUTHENTICATED,
    REPLACED,
    SocketRefused,
    language,
    seat_key,
    socket_enter,
)
from checkout.teller import Teller
from checkout.threads import in_database, in_vision, tasks_end
from checkout.till import Till
from recognition import runtime
from recognition.models import IndexState

if TYPE_CHECKING:
    from recognition.runtime import Recognition

logger = logging.getLogger(__name__)
PROTOCOL = 1
NORMAL = 1000
DESK_MAX = 200
LAYER_PAUSE_S = 1.0


@dataclass(frozen=True)
class Entry:
    """What a socket comes with.

    Attributes
    ----------
    index_seq : how new the index has to be to show no less than there was
    seat_key : the seat the client had before, if it says so
    language : in which it is told why things are as they are
    """

    session_id: UUID
    index_seq: int
    seat_key: UUID | None
    language: str


@dataclass(frozen=True)
class Look:
    """The state of a session at one moment."""

    info: SessionInfo
    user_is_active: bool
    cart: Cart


def entry_read(scope: Any) -> Entry:
    """Let a client in, or raise `SocketRefused`."""
    session = socket_enter(scope)
    seq = IndexState.objects.values_list("last_seq", flat=True).first()
    return Entry(session.pk, seq or 0, seat_key(scope), language(scope))


def look_read(session_id: UUID) -> Look:
    """Read the state of a session, ending it if it was idle for too long."""
    stored = CheckoutSession.objects.select_related("user").get(pk=session_id)
    session = services.session_current(session=stored)
    info = selectors.session_info(session=session)
    return Look(info, session.user.is_active, selectors.cart_get(session_id=session_id))


class CheckoutConsumer(AsyncWebsocketConsumer):
    """Translates between one WebSocket and the services.

    Channels hands over one message at a time and daphne's queue has no bound, so no handler here awaits
    anything slow: what a handler cannot do at once it leaves to the tasks below `_serve`.
    """

    watch_every_s = 5.0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        self.scope = scope
        self.base_send = send
        self.layer = cast("Any", get_channel_layer())
        self.channel_name: str = await self.layer.new_channel()
        self.mailbox = Mailbox()
        self.desk: asyncio.Queue[str | CartEvent] = asyncio.Queue(DESK_MAX)
        self.wake = asyncio.Event()
        self.frames_guard = FloodGuard(settings.FRAME_MAX_PER_SECOND)
        self.texts_guard = FloodGuard(settings.FRAME_MAX_PER_SECOND)
        self.closing = False
        self.main: asyncio.Task[None] | None = None
        self.place: Place | None = None
        ears = [asyncio.create_task(self._hear(source)) for source in (receive, self._notice)]
        try:
            await wait_for_first(ears)
        except StopAsyncIteration:
            pass
        finally:
            try:
                await tasks_end(ears)
            finally:
                await self._stop()

    async def _hear(self, source: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        """Hand over whatever comes, until hung up."""
        while True:
            await self.dispatch(await source())

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Hand a message to its handler, without the database housekeeping of the base class."""
        match message["type"]:
            case "websocket.connect":
                await self.accept()
                self.main = asyncio.create_task(self._run())
            case "websocket.receive":
                await self.receive(message.get("text"), message.get("bytes"))
            case "websocket.disconnect":
                raise StopAsyncIteration
            case "cart.changed":
                self._desk_put(message["event"])
            case "session.ended":
                self.wake.set()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Leave a frame or a command where its worker finds it; close on a flood."""
        if self.closing:
            return
        now_s = time.monotonic()
        if self.place is not None:
            self.place.heard_s = now_s
            self.place.has_camera = self.place.has_camera or bytes_data is not None
        if bytes_data is not None:
            flood = self.frames_guard.is_flood(now_s)
            self.mailbox.put(bytes_data, now_s)
        else:
            flood = self.texts_guard.is_flood(now_s) or not self._desk_put(
                (text_data or "")[: TEXT_MAX_CHARACTERS + 1]
            )
        if flood:
            logger.warning("A client sends more than %d messages a second.", settings.FRAME_MAX_PER_SECOND)
            await self._leave(FLOODING)

    async def send_message(self, message: Any) -> None:
        """Send a message of the protocol, unless the socket is being closed."""
        if not self.closing:
            await self.send(text_data=json.dumps(message, ensure_ascii=False))

    def _desk_put(self, item: str | CartEvent) -> bool:
        try:
            self.desk.put_nowait(item)
        except asyncio.QueueFull:
            return False
        return True

    async def _notice(self) -> Any:
        """Wait for a notice of the channel layer; while the layer is away there are none."""
        while True:
            try:
                return await self.layer.receive(self.channel_name)
            except Exception as error:  # noqa: BLE001 - the layer may fail in any way; the socket lives on
                logger.warning("No notices at the moment: %r", error)
                await asyncio.sleep(LAYER_PAUSE_S)

    async def _run(self) -> None:
        """Serve until the session or the connection ends; whatever goes wrong is said and logged."""
        try:
            await self._serve()
        except SocketRefused as refused:
            if refused.session is not None:
                info = await in_database(selectors.session_info, session=refused.session)
                await self.send_message(closed_message(info))
            await self._leave(refused.code)
        except Exception:
            logger.exception("A socket failed.")
            await self._leave(FAILED)

    async def _serve(self) -> None:
        entry = await in_database(entry_read, self.scope)
        self.group = session_group(entry.session_id)
        await self._join()
        look = await in_database(look_read, entry.session_id)
        self.place = place = await seating.enter(entry.session_id, entry.seat_key, self._give_way)
        try:
            await self._work(entry, look, place)
        finally:
            seating.leave(entry.session_id, place)

    async def _work(self, entry: Entry, look: Look, place: Place) -> None:
        teller = Teller(entry.session_id, self.send_message, look.cart)
        till = Till(
            session_id=entry.session_id,
            place=place,
            mailbox=self.mailbox,
            recognize=lambda crops: recognize(crops, entry.index_seq),
            send=self.send_message,
            tell=teller.tell,
            language=entry.language,
        )
        clerk = Clerk(
            session_id=entry.session_id,
            place=place,
            send=self.send_message,
            store=till.store,
            teller=teller,
            desk=self.desk,
        )
        if self.closing:  # and the cancellation got lost in one of the calls above
            return
        await self.send_message(ready_message(look, place.seat))
        tasks = [
            asyncio.create_task(work)
            for work in (till.run(), clerk.run(), self._watch(entry.session_id, teller), engine_warm())
        ]
        try:
            await wait_for_first(tasks[:3])
        finally:
            await tasks_end(tasks)

    async def _watch(self, session_id: UUID, teller: Teller) -> None:
        """Look every few seconds, and when told, whether the session goes on; notices alone may get lost."""
        while True:
            try:
                look = await in_database(look_read, session_id)
            except (OperationalError, InterfaceError) as error:
                logger.warning("Session %s cannot be looked up: %s", session_id, error)
            else:
                if not look.user_is_active:
                    raise SocketRefused(NOT_AUTHENTICATED, "The user may not log in any more.")
                if look.info["status"] != CheckoutSession.Status.ACTIVE:
                    await self.send_message(closed_message(look.info))
                    await self._leave(NORMAL)
                    return
                await teller.sync(look.cart)
            try:
                await asyncio.wait_for(self.wake.wait(), self.watch_every_s)
            except TimeoutError:
                await self._join()
            self.wake.clear()

    async def _join(self) -> None:
        """Enter the session's group; again and again, because the layer forgets after a day or a restart."""
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self.layer.group_add(self.group, self.channel_name)
        except Exception as error:  # noqa: BLE001 - without notices the watch still keeps the client in step
            logger.warning("No notices for the moment: %r", error)

    async def _leave(self, code: int) -> None:
        """Close the socket; what still comes in before the client has gone is thrown away."""
        if not self.closing:
            self.closing = True
            await self.close(code)
            if self.main is not asyncio.current_task():
                self._main_cancel()

    async def _give_way(self) -> None:
        """Leave the seat to a newer socket of the same client."""
        await self._leave(REPLACED)
        if self.main is not None:
            await tasks_end([self.main])

    def _main_cancel(self) -> None:
        """Cancel the main task, once: again would interrupt its clearing up."""
        if self.main is not None and not self.main.cancelling():
            self.main.cancel()

    async def _stop(self) -> None:
        """End the tasks of this connection and leave its group."""
        self.closing = True
        if self.main is not None:
            await tasks_end([self.main])
        if hasattr(self, "group"):
            try:
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await self.layer.group_discard(self.group, self.channel_name)
            except Exception as error:  # noqa: BLE001 - the layer forgets the channel by itself
                logger.warning("The group could not be left: %r", error)


async def wait_for_first(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Wait until any task ends, and raise what it raised."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


async def recognize(crops: Sequence[Any], at_least_seq: int) -> Recognition:
    """Match crops with the process's engine."""
    engine = runtime.engine_running()
    if engine is None:
        engine = await in_vision(runtime.engine)
    return await engine.recognize_async(crops, at_least_seq=at_least_seq)


async def engine_warm() -> None:
    """Start the process's engine, so that it loads while the shopper puts down the bag."""
    if runtime.engine_running() is None:
        await in_vision(runtime.engine)


def ready_message(look: Look, seat: Seat) -> SessionReady:
    """Return the first message of a socket."""
    engine = runtime.engine_running()
    limits: Limits = {
        "max_frame_bytes": settings.FRAME_MAX_BYTES,
        "max_pixels": settings.FRAME_MAX_PIXELS,
        "max_fps": settings.FRAME_MAX_PER_SECOND,
        "max_quantity": ledger.QUANTITY_MAX,
    }
    return {
        "type": "session.ready",
        "protocol": PROTOCOL,
        "session": look.info,
        "cart": look.cart,
        "encoder": (engine.state().encoder or None) if engine else None,
        "mode": seat.lane.mode,
        "zone": seat.zone,
        "limits": limits,
    }


def closed_message(info: SessionInfo) -> SessionClosed:
    """Return the last message of a socket whose session has ended."""
    return {"type": "session.closed", "status": info["status"], "order_id": info["order_id"]}
