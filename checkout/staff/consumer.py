"""The socket of a staff console: shows lanes and alerts as they stand, and carries out what staff ask for."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from accounts.logins import Login, login_holds
from accounts.models import Store, User
from checkout.errors import NotWatched, TooManyWatched
from checkout.lanes.alerts import alert_acknowledge, alert_resolve
from checkout.lanes.announce import lane_announce, staff_group
from checkout.live.access import FORBIDDEN, NOT_AUTHENTICATED, SocketRefused, login_enter
from checkout.live.flood_guard import FloodGuard
from checkout.live.limits.admissions import admissions
from checkout.live.message_fields import fields_read
from checkout.live.sharing.socket_caps import socket_caps
from checkout.live.socket_base import SocketBase, wait_for_first
from checkout.live.threads import DATABASE_AWAY, DATABASE_SILENT, in_database, socket_flow
from checkout.staff.actions import action_do, lane_get
from checkout.staff.commands import (
    TEXT_MAX_CHARACTERS,
    Acknowledge,
    AtLane,
    Command,
    Ping,
    Resolve,
    SignalLane,
    Unwatch,
    Watch,
    command_parse,
    request_of,
)
from checkout.staff.looks import LOOKS_MAX, look_end, look_start, watcher_note
from checkout.staff.selectors import ConsoleView, console_get
from ebrcs.errors import EbrcsError
from ebrcs.fair_queue import Flow
from ebrcs.tasks import tasks_end

logger = logging.getLogger(__name__)
QUEUE_MAX = 200
MESSAGES_PER_SECOND = 30
GATHER_S = 0.1
"""Changes that come together are shown together."""


@dataclass(frozen=True)
class Notice:
    """Something that the page of a lane tells a watcher."""

    lane_id: str
    data: Any


@dataclass(frozen=True)
class PageReady:
    """The page of a lane has come again, and does not know who watches."""

    lane_id: str


@dataclass(frozen=True)
class StaffAdmission:
    """Who opened an accepted socket, and what they are logged in by."""

    login: Login
    user: User

    @property
    def user_id(self) -> UUID:
        """The id of the account."""
        return self.user.pk


def staff_enter(scope: Any) -> StaffAdmission:
    """Admit a member of staff, or raise `SocketRefused`."""
    login = login_enter(scope)
    return StaffAdmission(login, staff_get(login))


def staff_get(login: Login) -> User:
    """Return who is logged in, as long as that holds and they help shoppers, or raise `SocketRefused`."""
    if not login_holds(login):
        raise SocketRefused(NOT_AUTHENTICATED, "You are logged out.")
    user = User.objects.get(pk=login.user_id)
    if not user.helps_shoppers:
        raise SocketRefused(FORBIDDEN, "The console is for members of staff.")
    return user


def groups_of(user: User) -> list[str]:
    """Return the groups in which changes of the user's stores are announced."""
    if user.store_id is not None:
        return [staff_group(user.store_id)]
    return [staff_group(pk) for pk in Store.objects.values_list("pk", flat=True)]


class StaffConsumer(SocketBase):
    """The socket of one console."""

    def prepare(self) -> None:
        """Make the queue of messages, what tells a flood, and the list of lanes that are watched."""
        self.messages: asyncio.Queue[str | Notice | PageReady] = asyncio.Queue(QUEUE_MAX)
        self.guard = FloodGuard(MESSAGES_PER_SECOND)
        self.user: User | None = None
        self.looks: dict[UUID, str] = {}

    def notice(self, message: dict[str, Any]) -> None:
        """Look at once what changed, or queue what a watched lane says."""
        match message["type"]:
            case "store.changed":
                self.wake.set()
            case "signal":
                if not self.messages.full():
                    self.messages.put_nowait(Notice(str(message.get("lane_id")), message.get("data")))
            case "lane.page.ready":
                if not self.messages.full():
                    self.messages.put_nowait(PageReady(str(message.get("lane_id"))))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Queue a message; close on a flood."""
        if self.closing:
            return
        text = (text_data or "")[: TEXT_MAX_CHARACTERS + 1]
        if self.guard.is_flood(time.monotonic()) or self.messages.full():
            await self.flood()
        else:
            self.messages.put_nowait(text)

    async def serve(self) -> None:
        """Serve the console until the login or the connection ends."""
        admission = await admissions.admit_by(staff_enter, self.scope)
        self.user = user = admission.user
        socket_flow.set(Flow(user.pk, self.channel_name))
        with socket_caps.held("account", user.pk):
            await self.join(*await in_database(groups_of, user))
            await self.send_message(
                {
                    "type": "staff.ready",
                    "staff": {"id": str(user.pk), "name": user.username},
                    "ice_servers": settings.ICE_SERVERS,
                }
            )
            tasks = [asyncio.create_task(work) for work in (self._work(), self._watch(admission.login))]
            try:
                await wait_for_first(tasks)
            finally:
                await tasks_end(tasks)

    async def _stop(self) -> None:
        """End the tasks of this connection, and what it watched."""
        try:
            await super()._stop()
        finally:
            for lane_id in list(self.looks):
                await self._unwatch(lane_id)

    async def _watch(self, login: Login) -> None:
        """Show lanes and alerts whenever they changed; look every few seconds, since notices may get lost."""
        shown: object = None
        while True:
            try:
                user = await in_database(staff_get, login)
                if self.user is not None and user.store_id != self.user.store_id:
                    raise SocketRefused(NOT_AUTHENTICATED, "You work at another store now.")
                view = await in_database(console_get, user=user)
                for lane_id in list(self.looks):
                    note = {"peer": self.channel_name, "name": user.username}
                    await in_database(watcher_note, lane_id=lane_id, **note)
            except DATABASE_AWAY as error:
                logger.warning("The lanes cannot be read: %s", error)
            else:
                self.user = user
                compared = what_matters(view)
                if compared != shown:
                    await self.send_message({"type": "lanes", **view})
                    shown = compared
            await self.wait()
            await asyncio.sleep(GATHER_S)

    async def _work(self) -> None:
        """Carry messages out, one at a time; failures are answered and do not end the worker."""
        while True:
            message = await self.messages.get()
            named: dict[str, str] = {}
            try:
                if isinstance(message, Notice):
                    await self._pass_on(message)
                    continue
                if isinstance(message, PageReady):
                    await self._look_again(message.lane_id)
                    continue
                fields = fields_read(message, characters_max=TEXT_MAX_CHARACTERS)
                named = request_of(fields)
                command = command_parse(fields)
                await self._carry_out(command)
            except EbrcsError as error:
                await self._refuse(error.code, error.detail, error.data, named)
            except DATABASE_AWAY:
                logger.warning(DATABASE_SILENT, exc_info=True)
                await self._refuse("database_unavailable", DATABASE_SILENT, {}, named)
            except Exception:
                logger.exception("A message of a console failed.")
                await self._refuse("internal_error", "The message could not be processed.", {}, named)
            else:
                if not isinstance(command, Ping):
                    await self.send_message({"type": "done", **named})
                    self.wake.set()

    async def _carry_out(self, command: Command) -> None:
        user = self.user
        assert user is not None
        if isinstance(command, AtLane | Acknowledge | Resolve | Watch):
            # As they are now: the watch looks every few seconds, and a role may have been withdrawn since.
            user = await in_database(User.objects.get, pk=user.pk)
        match command:
            case Ping():
                await self.send_message({"type": "pong"})
            case Acknowledge(alert_id):
                await in_database(alert_acknowledge, alert_id=alert_id, by=user)
            case Resolve(alert_id):
                await in_database(alert_resolve, alert_id=alert_id, by=user)
            case AtLane(lane_id, action):
                await in_database(_act, lane_id, user, action)
            case Watch(lane_id, mode):
                await self._look(lane_id, user, mode)
            case Unwatch(lane_id):
                self._watched(str(lane_id))
                await self._unwatch(lane_id)
            case SignalLane(lane_id, data):
                self._watched(str(lane_id))
                notice = {"type": "signal", "peer": self.channel_name, "data": data}
                await in_database(lane_announce, lane_id=lane_id, notice=notice)

    async def _look(self, lane_id: UUID, user: User, mode: str) -> None:
        is_new = lane_id not in self.looks
        if is_new and len(self.looks) >= LOOKS_MAX:
            raise TooManyWatched(f"{LOOKS_MAX} lanes can be watched at once.", limit=LOOKS_MAX)
        # Known before it is told: whatever happens meanwhile, the end is told too.
        await in_database(lane_get, lane_id=lane_id, by=user)
        self.looks[lane_id] = mode
        await in_database(
            look_start, lane_id=lane_id, by=user, peer=self.channel_name, mode=mode, is_new=is_new
        )

    async def _look_again(self, lane_id: str) -> None:
        """Tell the page of a watched lane, which has come again, that it is watched."""
        for watched, mode in list(self.looks.items()):
            if str(watched) == lane_id and self.user is not None:
                await self._look(watched, self.user, mode)

    async def _unwatch(self, lane_id: UUID) -> None:
        self.looks.pop(lane_id, None)
        if self.user is not None:
            try:
                await in_database(look_end, lane_id=lane_id, by=self.user, peer=self.channel_name)
            except DATABASE_AWAY:
                logger.warning("The end of a look at lane %s was not written down.", lane_id)

    def _watched(self, lane_id: str) -> None:
        if lane_id not in {str(one) for one in self.looks}:
            raise NotWatched(lane_id=lane_id)

    async def _pass_on(self, notice: Notice) -> None:
        """Pass on what a lane says, if this console watches it."""
        if notice.lane_id in {str(one) for one in self.looks}:
            await self.send_message({"type": "signal", "lane_id": notice.lane_id, "data": notice.data})

    async def _refuse(self, code: str, detail: str, data: dict[str, Any], named: dict[str, str]) -> None:
        await self.send_message({"type": "error", "code": code, "detail": detail, "data": data, **named})


def what_matters(view: ConsoleView) -> object:
    """Return a view without what changes by itself all the time: when each lane was last heard."""
    return [{**lane, "last_seen_at": None} for lane in view["lanes"]], view["alerts"]


def _act(lane_id: UUID, by: User, action: Any) -> None:
    action_do(lane=lane_get(lane_id=lane_id, by=by), by=by, action=action)
