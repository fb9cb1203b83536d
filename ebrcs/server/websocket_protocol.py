"""Cuts off a WebSocket client whose traffic below the level of messages costs more than messages may.

An application sees whole messages only. Pings, pongs, parts of messages and single bytes never reach it, but
cost daphne 15 to 30 µs each: one client that sends nothing else takes the whole event loop. So they are
counted here, where they are read, and nothing more is read of a client that sends too many.

uvicorn bounds sizes and queues by options (`--ws-max-size`, `--ws-max-queue`, `--ws-per-message-deflate`) and
reads no faster than its queue is emptied, but counts neither control frames nor parts.
"""

from __future__ import annotations

import time
from typing import Any

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from django.conf import settings
from twisted.internet import reactor

from checkout.live.access import FLOODING
from checkout.live.flood_guard import FloodGuard

TOO_SLOW = 4408
# Browsers send messages in parts of up to 64 kB: 16 for 1 MiB.
FRAMES_PER_MESSAGE = 20
# Browsers only answer the server's pings, one in 20 s; other programs ping about as often.
CONTROL_FRAMES_PER_SECOND = 10
# Networks deliver 536 bytes or more at a time, except for the end of a frame, a command or a pong.
SHORT_READ_BYTES = 512
SHORT_READS_PER_MESSAGE = 4
# A frame of 1 MiB over 300 kbit/s; a client slower than that could not check out by camera.
MESSAGE_MAX_S = 30.0
# How long a client may leave unread what waits for it.
UNREAD_MAX_S = 30.0
# Reads of up to 64 kB that are thrown away once a client has been cut off, and then how often one more.
DISCARDS_AT_ONCE = 500
DISCARD_EVERY_S = 0.02


class BoundedWebSocketProtocol(WebSocketProtocol):
    """daphne's protocol with bounds on frames, control frames, short reads, and the time of one message."""

    muted: bool = False  # as daphne has it
    is_cut_off = False
    discards = 0
    message_began_s: float | None = None
    unread_since_s: float | None = None

    def connectionMade(self) -> None:  # noqa: N802 - the library's name
        """Begin to count, and to notice whether the client reads its answers."""
        self.frames_guard = FloodGuard(settings.FRAME_MAX_PER_SECOND * FRAMES_PER_MESSAGE)
        self.short_reads_guard = FloodGuard(settings.FRAME_MAX_PER_SECOND * SHORT_READS_PER_MESSAGE)
        self.control_guard = FloodGuard(CONTROL_FRAMES_PER_SECOND)
        self.transport.unregisterProducer()
        self.transport.registerProducer(self, True)  # noqa: FBT003 - the library's signature
        super().connectionMade()

    def onConnect(self, request: Any) -> Any:  # noqa: N802
        """Take up the handshake; a body that came with it is not read as frames."""
        self.data = b""
        return super().onConnect(request)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """Take what was read; of a client that has been cut off, throw it away."""
        if self.is_cut_off:
            self.discards += 1
            if self.discards > DISCARDS_AT_ONCE:
                self.transport.pauseProducing()
                reactor.callLater(DISCARD_EVERY_S, self.transport.resumeProducing)
            return
        speaks_early = self.state == self.STATE_CONNECTING and hasattr(self, "request")
        if speaks_early or (
            len(data) < SHORT_READ_BYTES and self.short_reads_guard.is_flood(time.monotonic())
        ):
            self.cut_off(FLOODING)
        else:
            super().dataReceived(data)

    def processData(self) -> bool:  # noqa: N802
        """Process one frame or part of one; nothing more of a client that has been cut off."""
        return not self.is_cut_off and super().processData()

    def onFrameBegin(self) -> None:  # noqa: N802
        """Count a frame before anything is done for it."""
        guard = self.control_guard if self.current_frame.opcode > 7 else self.frames_guard
        if guard.is_flood(time.monotonic()):
            self.cut_off(FLOODING)
        else:
            super().onFrameBegin()

    def onMessageBegin(self, isBinary: bool) -> None:  # noqa: N802, N803
        """Note when a message begins."""
        self.message_began_s = time.monotonic()
        super().onMessageBegin(isBinary)

    def onMessageEnd(self) -> None:  # noqa: N802
        """Hand a message on."""
        self.message_began_s = None
        super().onMessageEnd()

    def pauseProducing(self) -> None:  # noqa: N802
        """Note since when the client leaves unread what was sent; the transport says so."""
        self.unread_since_s = time.monotonic()

    def resumeProducing(self) -> None:  # noqa: N802
        """Note that the client has read it."""
        self.unread_since_s = None

    def stopProducing(self) -> None:  # noqa: N802
        """Do nothing: the connection is lost."""

    def check_timeouts(self) -> None:
        """Cut off a client that does not finish its message, or does not read; called every two seconds."""
        super().check_timeouts()
        now_s = time.monotonic()
        if self.message_began_s is not None and now_s - self.message_began_s > MESSAGE_MAX_S:
            self.cut_off(TOO_SLOW)
        if self.unread_since_s is not None and now_s - self.unread_since_s > UNREAD_MAX_S:
            self.dropConnection(abort=True)

    def serverClose(self, code: int | None = None) -> None:  # noqa: N802
        """Close for the application; of a flooding client, read nothing more."""
        if code == FLOODING:
            self.cut_off(code)
        else:
            super().serverClose(code)

    def cut_off(self, code: int) -> None:
        """Close, and throw away what still comes; a second later the connection is dropped.

        Parsed, it would cost as much as before. Not taken off the line at all, it would block a client that
        could otherwise read why it was closed.
        """
        if self.is_cut_off:
            return
        self.is_cut_off = True
        self.data = b""
        self.message_began_s = None
        if not self.muted and hasattr(self, "application_queue"):
            self.application_queue.put_nowait({"type": "websocket.disconnect", "code": code})
        self.muted = True
        if self.state == self.STATE_OPEN:
            self.sendClose(code=code)
        else:
            self.dropConnection(abort=True)


def websocket_protocol_install() -> None:
    """Let daphne speak with every WebSocket client by the bounded protocol."""
    WebSocketFactory.protocol = BoundedWebSocketProtocol
