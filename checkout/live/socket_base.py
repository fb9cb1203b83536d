"""What every socket of the shop does: accept, serve in a task of its own, hear notices, close with a code."""

from __future__ import annotations

import asyncio
import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from django.conf import settings

from checkout.cart.announce import SEND_TIMEOUT_S
from checkout.live.access import FAILED, FLOODING, REPLACED, SocketRefused
from checkout.live.limits.gate import Opening
from checkout.live.sharing.socket_caps import TooManySockets, socket_caps
from checkout.live.threads import socket_flow
from ebrcs import metrics
from ebrcs.fair_queue import Flow
from ebrcs.rate_limits import client_address_of_scope
from ebrcs.tasks import tasks_end

logger = logging.getLogger(__name__)
NORMAL = 1000
LAYER_PAUSE_S = 1.0


class SocketBase(AsyncWebsocketConsumer, ABC):
    """Translates between one WebSocket and the services; subclasses say what it serves.

    Channels hands over one message at a time and daphne's queue is unbounded, so no handler awaits anything
    slow: it leaves such work to the tasks that `serve` starts.
    """

    watch_every_s = 5.0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        self.scope = scope
        self.base_send = send
        self.layer = cast("Any", get_channel_layer())
        self.channel_name: str = await self.layer.new_channel()
        self.groups_joined: list[str] = []
        self.wake = asyncio.Event()
        self.closing = False
        self.main: asyncio.Task[None] | None = None
        self.prepare()
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

    def prepare(self) -> None:
        """Make what a message may need that arrives before the socket is served."""

    @abstractmethod
    async def serve(self) -> None:
        """Serve until the session or the connection ends, or raise `SocketRefused` with a close code."""

    @abstractmethod
    def notice(self, message: dict[str, Any]) -> None:
        """Take a notice of the channel layer; must not wait."""

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
            case _:
                self.notice(message)

    async def send_message(self, message: Any) -> None:
        """Send a message of the protocol, unless the socket is being closed."""
        if not self.closing:
            await self.send(text_data=message_text(message))

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
                await self.serve()
        except SocketRefused as refused:
            await self.refused(refused)
            await self.leave(refused.code, str(refused))
        except TooManySockets as excess:
            await self.send_message(
                {"type": "error", "code": excess.code, "detail": excess.detail, "data": excess.data}
            )
            opening = cast("Opening | None", self.scope.get("opening"))
            if opening:
                opening.is_noted = True  # one too many is no flood
            await self.leave(FLOODING, excess.detail)
        except Exception:
            logger.exception("A socket failed.")
            await self.leave(FAILED)

    async def refused(self, refused: SocketRefused) -> None:
        """Tell the client what it has to know before the socket is closed."""

    async def wait(self) -> None:
        """Wait for the next look at login and database: `watch_every_s`, or until `wake` is set."""
        try:
            await asyncio.wait_for(self.wake.wait(), self.watch_every_s)
        except TimeoutError:
            await self.join(*self.groups_joined)
        self.wake.clear()

    async def join(self, *groups: str) -> None:
        """Join groups; repeated, because the layer forgets members after a day or a restart."""
        for group in groups:
            if group not in self.groups_joined:
                self.groups_joined.append(group)
            try:
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await self.layer.group_add(group, self.channel_name)
            except Exception as error:  # noqa: BLE001 - without notices, the watch still syncs the client
                logger.warning("No notices for the moment: %r", error)

    async def flood(self) -> None:
        """Close the socket of a client that sends too much."""
        logger.warning("A client sends more than %d messages a second.", settings.FRAME_MAX_PER_SECOND)
        await self.leave(FLOODING)

    async def leave(self, code: int, reason: str | None = None) -> None:
        """Close the socket; messages that arrive before the client has gone are discarded."""
        if not self.closing:
            self.closing = True
            await self.close(code, reason)  # daphne sends the code only
            if self.main is not asyncio.current_task():
                self._main_cancel()

    async def give_way(self) -> None:
        """Close for a newer socket of the same client, and return once the main task has ended."""
        await self.leave(REPLACED)
        if self.main is not None:
            await tasks_end([self.main])

    def _main_cancel(self) -> None:
        """Cancel the main task, but only once: a second cancellation would interrupt its cleanup."""
        if self.main is not None and not self.main.cancelling():
            self.main.cancel()

    async def _stop(self) -> None:
        """End the tasks of this connection and leave its groups."""
        self.closing = True
        if self.main is not None:
            await tasks_end([self.main])
        for group in self.groups_joined:
            try:
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await self.layer.group_discard(group, self.channel_name)
            except Exception as error:  # noqa: BLE001 - the layer forgets the channel by itself
                logger.warning("The group could not be left: %r", error)


def message_text(message: Any) -> str:
    """Return a message as JSON, in which half of a surrogate pair stays an escape.

    What a client said may be repeated to it or to another, and a text with such a half is no UTF-8.
    """
    return json.dumps(message, ensure_ascii=False).encode(errors="backslashreplace").decode()


async def wait_for_first(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Wait until one of the tasks ends, and raise what it raised."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
