"""The WebSocket of a session: hands frames to the frame worker and commands to the command worker."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from django.conf import settings

from accounts.logins import login_holds
from checkout.cart import selectors
from checkout.cart.announce import SEND_TIMEOUT_S, session_group
from checkout.live.access import (
    FAILED,
    FLOODING,
    NOT_AUTHENTICATED,
    REPLACED,
    Admission,
    SocketRefused,
)
from checkout.live.cart_sync import CartSync
from checkout.live.command_worker import CommandWorker
from checkout.live.commands import TEXT_MAX_CHARACTERS
from checkout.live.connections import Connection, connections
from checkout.live.engine_access import EngineAccess, engine_get
from checkout.live.flood_guard import FloodGuard
from checkout.live.frame_worker import FrameWorker
from checkout.live.limits.admissions import admissions
from checkout.live.limits.gate import Opening
from checkout.live.mailbox import Mailbox
from checkout.live.sharing.socket_caps import TooManySockets, socket_caps
from checkout.live.snapshot import SessionSnapshot, closed_message, ready_message, snapshot_read
from checkout.live.threads import DATABASE_AWAY, in_database, socket_flow
from checkout.models import CheckoutSession
from checkout.payloads import CartEvent
from ebrcs import metrics
from ebrcs.fair_queue import Flow
from ebrcs.rate_limits import client_address_of_scope
from ebrcs.tasks import tasks_end

logger = logging.getLogger(__name__)
NORMAL = 1000
COMMAND_QUEUE_MAX = 200
LAYER_PAUSE_S = 1.0


class CheckoutConsumer(AsyncWebsocketConsumer):
    """Translates between one WebSocket and the services.

    Channels hands over one message at a time and daphne's queue is unbounded, so no handler awaits anything
    slow: it leaves such work to the tasks that `_work` starts.
    """

    watch_every_s = 5.0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        self.scope = scope
        self.base_send = send
        self.layer = cast("Any", get_channel_layer())
        self.channel_name: str = await self.layer.new_channel()
        self.mailbox = Mailbox()
        self.commands: asyncio.Queue[str | CartEvent] = asyncio.Queue(COMMAND_QUEUE_MAX)
        self.wake = asyncio.Event()
        self.frames_guard = FloodGuard(settings.FRAME_MAX_PER_SECOND)
        self.texts_guard = FloodGuard(settings.FRAME_MAX_PER_SECOND)
        self.closing = False
        self.main: asyncio.Task[None] | None = None
        self.connection: Connection | None = None
        metrics.OPEN_SOCKETS.inc()
        receivers = [asyncio.create_task(self._dispatch_all(source)) for source in (receive, self._notice)]
        try:
            await wait_for_first(receivers)
        except StopAsyncIteration:
            pass
        finally:
            metrics.OPEN_SOCKETS.dec()
            try:
                await tasks_end(receivers)
            finally:
                await self._stop()

    async def _dispatch_all(self, source: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        """Dispatch the messages of a source until the client disconnects."""
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
                self._command_put(message["event"])
            case "session.ended":
                self.wake.set()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Queue a frame or a command for its worker; close on a flood."""
        if self.closing:
            return
        now_s = time.monotonic()
        if self.connection is not None:
            self.connection.last_message_s = now_s
            self.connection.sends_frames = self.connection.sends_frames or bytes_data is not None
        if bytes_data is not None:
            flood = self.frames_guard.is_flood(now_s)
            self.mailbox.put(bytes_data, now_s)
        else:
            flood = self.texts_guard.is_flood(now_s) or not self._command_put(
                (text_data or "")[: TEXT_MAX_CHARACTERS + 1]
            )
        if flood:
            logger.warning("A client sends more than %d messages a second.", settings.FRAME_MAX_PER_SECOND)
            await self._leave(FLOODING)

    async def send_message(self, message: Any) -> None:
        """Send a message of the protocol, unless the socket is being closed."""
        if not self.closing:
            await self.send(text_data=json.dumps(message, ensure_ascii=False))

    def _command_put(self, item: str | CartEvent) -> bool:
        try:
            self.commands.put_nowait(item)
        except asyncio.QueueFull:
            return False
        return True

    async def _notice(self) -> Any:
        """Wait for a notice from the channel layer; while the layer is down there are none."""
        while True:
            try:
                return await self.layer.receive(self.channel_name)
            except Exception as error:  # noqa: BLE001 - the layer may fail in any way; the socket lives on
                logger.warning("No notices at the moment: %r", error)
                await asyncio.sleep(LAYER_PAUSE_S)

    async def _run(self) -> None:
        """Serve until the session or the connection ends; close with a code for what went wrong."""
        address = client_address_of_scope(self.scope)
        socket_flow.set(Flow(address, self.channel_name))  # until its account is known
        try:
            with socket_caps.held("address", address):
                await self._serve()
        except SocketRefused as refused:
            if refused.session is not None:
                info = await in_database(selectors.session_info, session=refused.session)
                await self.send_message(closed_message(info))
            await self._leave(refused.code, str(refused))
        except TooManySockets as excess:
            await self.send_message(
                {"type": "error", "code": excess.code, "detail": excess.detail, "data": excess.data}
            )
            opening = cast("Opening | None", self.scope.get("opening"))
            if opening:
                opening.is_noted = True  # one too many is no flood
            await self._leave(FLOODING, excess.detail)
        except Exception:
            logger.exception("A socket failed.")
            await self._leave(FAILED)

    async def _serve(self) -> None:
        admission = await admissions.admit(self.scope)
        session_id, user_id = admission.session_id, admission.user_id
        socket_flow.set(Flow(user_id, self.channel_name))
        replaces = connections.is_held(session_id, admission.camera_key)
        with (
            socket_caps.held("account", user_id, replaces=replaces),
            socket_caps.held("session", session_id, replaces=replaces),
        ):
            self.group = session_group(session_id)
            await self._join()
            async with admissions.turn(user_id):
                snapshot = await in_database(snapshot_read, session_id)
                self.connection = connection = await connections.enter(
                    session_id, admission.camera_key, self._give_way
                )
            try:
                await self._work(admission, snapshot, connection)
            finally:
                connections.leave(session_id, connection)

    async def _work(self, admission: Admission, snapshot: SessionSnapshot, connection: Connection) -> None:
        cart_sync = CartSync(admission.session_id, self.send_message, snapshot.cart)
        frame_worker = FrameWorker(
            session_id=admission.session_id,
            connection=connection,
            mailbox=self.mailbox,
            engine=EngineAccess(admission.index_seq),
            send=self.send_message,
            cart_changed=cart_sync.send_change,
            language=admission.language,
        )
        command_worker = CommandWorker(
            session_id=admission.session_id,
            connection=connection,
            send=self.send_message,
            store=frame_worker.store,
            cart_sync=cart_sync,
            commands=self.commands,
        )
        if self.closing:  # and the cancellation was lost in one of the calls above
            return
        await self.send_message(ready_message(snapshot, connection.camera))
        tasks = [
            asyncio.create_task(work)
            for work in (
                frame_worker.run(),
                command_worker.run(),
                self._watch(admission, cart_sync),
                engine_get(),
            )
        ]
        try:
            await wait_for_first(tasks[:3])
        finally:
            await tasks_end(tasks)

    async def _watch(self, admission: Admission, cart_sync: CartSync) -> None:
        """Check session and login every few seconds and after each notice, since notices may get lost."""
        while True:
            try:
                is_logged_in = await in_database(login_holds, admission.login)
                snapshot = await in_database(snapshot_read, admission.session_id)
            except DATABASE_AWAY as error:
                logger.warning("Session %s cannot be read: %s", admission.session_id, error)
            else:
                if not is_logged_in:
                    raise SocketRefused(NOT_AUTHENTICATED, "You are logged out.")
                if snapshot.info["status"] != CheckoutSession.Status.ACTIVE:
                    await self.send_message(closed_message(snapshot.info))
                    await self._leave(NORMAL)
                    return
                await cart_sync.sync(snapshot.cart)
            try:
                await asyncio.wait_for(self.wake.wait(), self.watch_every_s)
            except TimeoutError:
                await self._join()
            self.wake.clear()

    async def _join(self) -> None:
        """Join the session's group; repeated, because the layer forgets members after a day or a restart."""
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self.layer.group_add(self.group, self.channel_name)
        except Exception as error:  # noqa: BLE001 - without notices, `_watch` still syncs the client
            logger.warning("No notices for the moment: %r", error)

    async def _leave(self, code: int, reason: str | None = None) -> None:
        """Close the socket; messages that arrive before the client has gone are discarded."""
        if not self.closing:
            self.closing = True
            await self.close(code, reason)  # daphne sends the code only
            if self.main is not asyncio.current_task():
                self._main_cancel()

    async def _give_way(self) -> None:
        """Close for a newer socket of the same client, and return once the camera state is free."""
        await self._leave(REPLACED)
        if self.main is not None:
            await tasks_end([self.main])

    def _main_cancel(self) -> None:
        """Cancel the main task, but only once: a second cancellation would interrupt its cleanup."""
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
    """Wait until one of the tasks ends, and raise what it raised."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
