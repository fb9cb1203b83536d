"""A WebSocket protocol on a transport in memory, and the bytes that clients send."""

from __future__ import annotations

from typing import Any

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet.testing import StringTransport

HANDSHAKE = (
    b"GET /api/ws/checkout/x HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n"
)
MASK = b"\0\0\0\0"
PING, PONG, PART, BEGIN, LAST, WHOLE = 0x89, 0x8A, 0x00, 0x02, 0x80, 0x82


def frame(kind: int, payload: bytes = b"") -> bytes:
    """Return one frame as a client sends it, masked by nothing."""
    size = len(payload)
    if size < 126:
        return bytes((kind, 0x80 | size)) + MASK + payload
    if size < 2**16:
        return bytes((kind, 0xFE)) + size.to_bytes(2, "big") + MASK + payload
    return bytes((kind, 0xFF)) + size.to_bytes(8, "big") + MASK + payload


class Transport(StringTransport):
    """Also notes that the connection was dropped."""

    dropped = False

    def abortConnection(self) -> None:  # noqa: N802 - the library's name
        self.dropped = True

    loseConnection = abortConnection  # noqa: N815 - the library's name


class ServerStub:
    """What the protocol asks of daphne's server; it is the application's queue at the same time."""

    root_path = ""
    proxy_forwarded_address_header = None
    websocket_timeout = 86_400
    websocket_connect_timeout = 20
    ping_interval = 20

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []

    def protocol_connected(self, protocol: object) -> None:
        """Keep no list."""

    protocol_disconnected = protocol_connected

    def log_action(self, *arguments: object) -> None:
        """Log nothing."""

    def create_application(self, protocol: object, scope: object) -> ServerStub:
        return self

    def put_nowait(self, message: dict[str, Any]) -> None:
        self.received.append(message)


class Wire:
    """One client's connection to a protocol."""

    def __init__(self, kind: type[WebSocketProtocol], *, headers: bytes = b"", body: bytes = b"") -> None:
        self.server = ServerStub()
        factory = WebSocketFactory(self.server)
        factory.setProtocolOptions(
            maxMessagePayloadSize=2**21, maxFramePayloadSize=2**21, allowNullOrigin=True
        )
        self.protocol: Any = kind()
        self.protocol.factory = factory
        self.protocol._raw_query_string = b""
        self.transport = Transport()
        self.transport.registerProducer(object(), True)  # noqa: FBT003 - as the HTTP channel does
        self.protocol.makeConnection(self.transport)
        self.send(HANDSHAKE + headers + b"\r\n" + body)

    def accept(self) -> bytes:
        """Accept the handshake, and return the answer to it."""
        self.protocol.serverAccept()
        return self.sent()

    def send(self, data: bytes) -> None:
        self.protocol.dataReceived(data)

    def sent(self) -> bytes:
        """Return what the server has sent since the last call."""
        data: bytes = self.transport.value()
        self.transport.clear()
        return data

    @property
    def messages(self) -> list[bytes]:
        return [each["bytes"] for each in self.server.received if each["type"] == "websocket.receive"]

    @property
    def codes(self) -> list[int]:
        """Return the codes with which the application was told that the client has gone."""
        return [each["code"] for each in self.server.received if each["type"] == "websocket.disconnect"]


def close_frame(code: int) -> bytes:
    """Return the frame with which a server closes."""
    return b"\x88\x02" + code.to_bytes(2, "big")
