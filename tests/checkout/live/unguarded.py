"""The control of the flood tests: a consumer that awaits its work where messages come in."""

from __future__ import annotations

import asyncio

from django.core.asgi import get_asgi_application

http_application = get_asgi_application()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter  # noqa: E402

__all__ = ["application"]


class AwaitingConsumer(AsyncWebsocketConsumer):
    """Works on each frame for 40 ms before it takes the next."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await asyncio.sleep(0.04)


application = ProtocolTypeRouter({"http": http_application, "websocket": AwaitingConsumer.as_asgi()})
