"""The WebSocket of a session: hands frames to the frame worker and commands to the command worker."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from django.conf import settings

from accounts.logins import login_holds
from checkout.cart import selectors
from checkout.cart.announce import session_group
from checkout.live.access import NOT_AUTHENTICATED, REPLACED, Admission, SocketRefused, has_moved
from checkout.live.cart_sync import CartSync
from checkout.live.command_worker import CommandWorker
from checkout.live.commands import TEXT_MAX_CHARACTERS
from checkout.live.connections import Connection, connections
from checkout.live.engine_access import EngineAccess, engine_get
from checkout.live.flood_guard import FloodGuard
from checkout.live.frame_worker import FrameWorker
from checkout.live.limits.admissions import admissions
from checkout.live.mailbox import Mailbox
from checkout.live.sharing.socket_caps import socket_caps
from checkout.live.snapshot import (
    SessionSnapshot,
    closed_message,
    moved_message,
    ready_message,
    snapshot_read,
)
from checkout.live.socket_base import NORMAL, SocketBase, wait_for_first
from checkout.live.threads import DATABASE_AWAY, in_database, socket_flow
from checkout.models import CheckoutSession
from checkout.payloads import CartEvent
from ebrcs.fair_queue import Flow
from ebrcs.tasks import tasks_end

logger = logging.getLogger(__name__)
COMMAND_QUEUE_MAX = 200


class CheckoutConsumer(SocketBase):
    """The socket of one session."""

    def prepare(self) -> None:
        """Make the queues of frames and commands, and what tells a flood."""
        self.mailbox = Mailbox()
        self.commands: asyncio.Queue[str | CartEvent] = asyncio.Queue(COMMAND_QUEUE_MAX)
        self.frames_guard = FloodGuard(settings.FRAME_MAX_PER_SECOND)
        self.texts_guard = FloodGuard(settings.FRAME_MAX_PER_SECOND)
        self.connection: Connection | None = None

    def notice(self, message: dict[str, Any]) -> None:
        """Queue what changed the cart, or look at once whether the session has ended or moved."""
        match message["type"]:
            case "cart.changed":
                self._command_put(message["event"])
            case "session.ended" | "session.moved":
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
            await self.flood()

    def _command_put(self, item: str | CartEvent) -> bool:
        try:
            self.commands.put_nowait(item)
        except asyncio.QueueFull:
            return False
        return True

    async def refused(self, refused: SocketRefused) -> None:
        """Tell how a session ended that was asked for too late, or that it goes on elsewhere."""
        if refused.code == REPLACED:
            await self.send_message(moved_message())
        elif refused.session is not None:
            info = await in_database(selectors.session_info, session=refused.session)
            await self.send_message(closed_message(info))

    async def serve(self) -> None:
        """Serve the session until it or the connection ends."""
        admission = await admissions.admit(self.scope)
        session_id, user_id = admission.session_id, admission.user_id
        socket_flow.set(Flow(user_id, self.channel_name))
        replaces = connections.is_held(session_id, admission.camera_key)
        with (
            socket_caps.held("account", user_id, replaces=replaces),
            socket_caps.held("session", session_id, replaces=replaces),
        ):
            await self.join(session_group(session_id))
            async with admissions.turn(user_id):
                snapshot = await in_database(snapshot_read, session_id)
                self.connection = connection = await connections.enter(
                    session_id, admission.camera_key, self.give_way
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
                if has_moved(snapshot.browser, admission.browser):  # also where it has ended there
                    await self.send_message(moved_message())
                    await self.leave(REPLACED)
                    return
                if snapshot.info["status"] != CheckoutSession.Status.ACTIVE:
                    await self.send_message(closed_message(snapshot.info))
                    await self.leave(NORMAL)
                    return
                await cart_sync.sync(snapshot.cart)
            await self.wait()
