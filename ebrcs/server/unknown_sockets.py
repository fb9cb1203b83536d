"""Closes a WebSocket that asks for an unknown address."""

from __future__ import annotations

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, Scope

NO_SUCH_ADDRESS = 4404


async def unknown_address(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Accept, then close with 4404: browsers report a refused handshake as a bare 1006."""
    await receive()
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    await send({"type": "websocket.close", "code": NO_SUCH_ADDRESS, "reason": "There is nothing here."})
    while (await receive())["type"] != "websocket.disconnect":
        pass  # what a flood costs is noted with its end
