"""The WebSocket of a lane's page: heartbeats, telemetry, calls for staff, and looks at its camera."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings

from checkout.cart.announce import SEND_TIMEOUT_S
from checkout.errors import LanePictureRefused, NotWatching
from checkout.lanes.admission import LaneAdmission, LaneState, lane_admission_read, lane_state_read
from checkout.lanes.announce import lane_group
from checkout.lanes.calls import help_call, help_cancel, page_ready, trouble_tell
from checkout.lanes.commands import (
    TEXT_MAX_CHARACTERS,
    Heartbeat,
    Help,
    HelpCancel,
    LaneCommand,
    Ping,
    Signal,
    Telemetry,
    Trouble,
    lane_command_parse,
)
from checkout.lanes.newest_page import page_take
from checkout.lanes.pictures import PICTURE_MAX_BYTES, picture_put
from checkout.lanes.presence import lane_seen
from checkout.lanes.telemetry import telemetry_record
from checkout.live.flood_guard import FloodGuard
from checkout.live.limits.admissions import admissions
from checkout.live.sharing.socket_caps import socket_caps
from checkout.live.socket_base import SocketBase, wait_for_first
from checkout.live.threads import DATABASE_AWAY, DATABASE_SILENT, in_database, socket_flow
from ebrcs import metrics
from ebrcs.errors import EbrcsError
from ebrcs.fair_queue import Flow
from ebrcs.tasks import tasks_end

logger = logging.getLogger(__name__)
COMMAND_QUEUE_MAX = 200
PICTURE_EVERY_S = 0.9
"""One a second, less a jitter."""
PICTURES = "pictures"


class LaneConsumer(SocketBase):
    """The socket of one lane's page.

    Attributes
    ----------
    page : names this page among those of the lane
    is_taken : whether it was made the newest of them
    watchers : how each member of staff watches, by the name of their channel
    """

    def prepare(self) -> None:
        """Make the queues of what the page says and is told, and what tells a flood."""
        self.page = uuid4().hex
        self.is_taken = False
        self.commands: asyncio.Queue[str | bytes | EbrcsError] = asyncio.Queue(COMMAND_QUEUE_MAX)
        self.notices: asyncio.Queue[dict[str, Any]] = asyncio.Queue(COMMAND_QUEUE_MAX)
        self.guard = FloodGuard(settings.FRAME_MAX_PER_SECOND)
        self.watchers: dict[str, str] = {}
        self.picture_at_s = float("-inf")

    def notice(self, message: dict[str, Any]) -> None:
        """Pass on what staff want of the page; look at the lane at once when it changed."""
        match message["type"]:
            case "lane.command" | "watch.started" | "watch.ended" | "signal":
                self._notice_put(message)
            case "lane.page" if message.get("page") == self.page:
                pass
            case _:
                self.wake.set()

    def _notice_put(self, message: dict[str, Any]) -> None:
        peer = str(message.get("peer") or message.get("channel") or "")
        if message["type"] == "watch.started":
            self.watchers[peer] = str(message.get("mode"))
        elif message["type"] == "watch.ended":
            self.watchers.pop(peer, None)
        told = {name: value for name, value in message.items() if name != "channel"}
        if message["type"] != "lane.command":
            told["peer"] = peer
        try:
            self.notices.put_nowait(told)
        except asyncio.QueueFull:
            logger.warning("A lane is told too much at once; %s is left out.", message["type"])

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Queue what the page says; close on a flood."""
        if self.closing:
            return
        now_s = time.monotonic()
        item: str | bytes | EbrcsError = (text_data or "")[: TEXT_MAX_CHARACTERS + 1]
        if bytes_data is not None:
            item = self._picture_refusal(bytes_data, now_s) or bytes_data
        if self.guard.is_flood(now_s) or not self._command_put(item):
            await self.flood()

    def _command_put(self, item: str | bytes | EbrcsError) -> bool:
        try:
            self.commands.put_nowait(item)
        except asyncio.QueueFull:
            return False
        return True

    def _picture_refusal(self, picture: bytes, now_s: float) -> EbrcsError | None:
        if PICTURES not in self.watchers.values():
            return NotWatching("Nobody watches the lane by pictures.")
        if len(picture) > PICTURE_MAX_BYTES:
            return LanePictureRefused(f"A picture may have up to {PICTURE_MAX_BYTES} bytes.")
        if now_s - self.picture_at_s < PICTURE_EVERY_S:
            return LanePictureRefused("One picture a second is passed on.")
        self.picture_at_s = now_s
        return None

    async def serve(self) -> None:
        """Serve the page until it is replaced, logged out or gone."""
        admission = await admissions.admit_by(lane_admission_read, self.scope)
        socket_flow.set(Flow(admission.user_id, self.channel_name))
        with socket_caps.held("account", admission.user_id), metrics.LANES_CONNECTED.track_inprogress():
            await self.join(lane_group(admission.lane_id))
            await self._page_take(admission.lane_id)
            async with admissions.turn(admission.user_id):
                state = await in_database(lane_state_read, admission, self.page)
                session_id = await in_database(page_ready, lane_id=admission.lane_id)
            await self.send_message(ready_message(admission, state, session_id))
            tasks = [
                asyncio.create_task(work)
                for work in (self._carry_out_all(admission), self._tell_all(), self._watch(admission, state))
            ]
            try:
                await wait_for_first(tasks)
            finally:
                await tasks_end(tasks)

    async def _page_take(self, lane_id: UUID) -> None:
        """Make this page the newest of its lane, once: a cache that was away may remember an older one."""
        if not self.is_taken:
            self.is_taken = await in_database(page_take, lane_id=lane_id, page=self.page)

    async def _watch(self, admission: LaneAdmission, told: LaneState) -> None:
        """Look at login and lane every few seconds and after each notice, since notices may get lost."""
        while True:
            await self.wait()
            try:
                await self._page_take(admission.lane_id)
                state = await in_database(lane_state_read, admission, self.page)
            except DATABASE_AWAY as error:
                logger.warning("Lane %s cannot be read: %s", admission.lane_id, error)
                continue
            if state.settings != told.settings:
                await self.send_message({"type": "lane.settings", "settings": state.settings})
            if state.alerts != told.alerts:
                await self.send_message({"type": "lane.alerts", "alerts": state.alerts})
            told = state

    async def _tell_all(self) -> None:
        while True:
            await self.send_message(await self.notices.get())

    async def _carry_out_all(self, admission: LaneAdmission) -> None:
        """Carry out what the page says, in order; failures are answered and end nothing."""
        while True:
            item = await self.commands.get()
            try:
                if isinstance(item, EbrcsError):
                    raise item
                if isinstance(item, bytes):
                    await in_database(picture_put, admission.lane_id, item)
                else:
                    await self._carry_out(lane_command_parse(item), admission.lane_id)
            except EbrcsError as error:
                await self._refuse(error.code, error.detail, error.data)
            except DATABASE_AWAY:
                logger.warning(DATABASE_SILENT, exc_info=True)
                await self._refuse("database_unavailable", DATABASE_SILENT, {})
            except Exception:
                logger.exception("A message of lane %s failed.", admission.lane_id)
                await self._refuse("internal_error", "The message could not be processed.", {})

    async def _carry_out(self, command: LaneCommand, lane_id: UUID) -> None:
        match command:
            case Heartbeat(activity, camera_state):
                await in_database(lane_seen, lane_id=lane_id, activity=activity, camera_state=camera_state)
            case Telemetry(measured):
                await in_database(telemetry_record, lane_id=lane_id, measured=measured)
            case Help(unresolved_id):
                await in_database(help_call, lane_id=lane_id, unresolved_id=unresolved_id)
            case HelpCancel():
                await in_database(help_cancel, lane_id=lane_id)
            case Trouble(kind):
                await in_database(trouble_tell, lane_id=lane_id, kind=kind)
            case Signal(peer, data):
                await self._signal(lane_id, peer, data)
            case Ping():
                await self.send_message({"type": "pong"})

    async def _signal(self, lane_id: UUID, peer: str, data: dict[str, Any]) -> None:
        """Pass a message of WebRTC on to a member of staff, but only to one who watches this lane."""
        if peer not in self.watchers:
            raise NotWatching(f"{peer} does not watch this lane.")
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self.layer.send(peer, {"type": "signal", "lane_id": str(lane_id), "data": data})
        except Exception as error:  # noqa: BLE001 - the layer may fail in any way; the page is told
            logger.warning("A signal of lane %s could not be sent: %r", lane_id, error)
            raise NotWatching("The member of staff cannot be reached at the moment.") from None

    async def _refuse(self, code: str, detail: str, data: dict[str, Any]) -> None:
        await self.send_message({"type": "error", "code": code, "detail": str(detail), "data": data})


def ready_message(admission: LaneAdmission, state: LaneState, session_id: UUID) -> dict[str, Any]:
    """Return what a page is told first."""
    return {
        "type": "lane.ready",
        "lane": {**state.settings, "id": str(admission.lane_id)},
        "alerts": state.alerts,
        "session_id": str(session_id),
    }
