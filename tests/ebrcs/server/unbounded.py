"""The control of the floods below the level of messages: the shop, served by daphne's own protocol."""

from __future__ import annotations

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

from tests.checkout.served import application

__all__ = ["application"]

WebSocketFactory.protocol = WebSocketProtocol
