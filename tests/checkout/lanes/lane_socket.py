"""A client of a lane's socket in this process."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

from accounts.models import User
from checkout.lanes.consumer import LaneConsumer
from tests.checkout.serving import bearer


class LaneSocket:
    """A page of a lane."""

    def __init__(self, user: User | None, *, consumer: type[LaneConsumer] = LaneConsumer) -> None:
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        headers = (
            [(name.lower().encode(), value.encode()) for name, value in bearer(user).items()] if user else []
        )
        scope: dict[str, Any] = {"type": "websocket", "headers": headers, "query_string": b""}
        served: Any = consumer.as_asgi()
        self.serving = asyncio.create_task(served(scope, self.inbox.get, self.outbox.put))
        self.inbox.put_nowait({"type": "websocket.connect"})

    async def sent_next(self) -> dict[str, Any]:
        """Return what the consumer sent next, after its accepting."""
        sent = await asyncio.wait_for(self.outbox.get(), 20)
        return sent if sent["type"] != "websocket.accept" else await self.sent_next()

    async def message(self, kind: str | None = None) -> dict[str, Any]:
        """Return the next message of the protocol, or the next one of a kind."""
        while True:
            sent = await self.sent_next()
            assert sent["type"] == "websocket.send", sent
            message = cast("dict[str, Any]", json.loads(sent["text"]))
            if kind is None or message["type"] == kind:
                return message

    async def close_code(self) -> int:
        """Return the code with which the consumer closes, whatever it sends before."""
        while True:
            sent = await self.sent_next()
            if sent["type"] == "websocket.close":
                return int(sent["code"])

    def say(self, **command: Any) -> None:
        """Send a command."""
        self.say_text(json.dumps(command))

    def say_text(self, text: str) -> None:
        """Send a text."""
        self.inbox.put_nowait({"type": "websocket.receive", "text": text})

    def show(self, picture: bytes) -> None:
        """Send a picture."""
        self.inbox.put_nowait({"type": "websocket.receive", "bytes": picture})

    async def heard(self) -> None:
        """Wait until all that was said before has been carried out."""
        self.say(type="ping")
        await self.message("pong")

    async def error(self) -> dict[str, Any]:
        """Return the next refusal."""
        return await self.message("error")

    async def leave(self) -> None:
        """Hang up and wait until the consumer has ended."""
        self.inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(self.serving, 20)
