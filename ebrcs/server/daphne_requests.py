"""daphne's requests and connections, without what lets one client hold up the others.

daphne, on Twisted, spools a body before it calls the application, parses forms in the event loop although
nobody asks for them, then reads the whole body into memory at once. Here the application is called when the
headers are complete, and receives the body as it arrives, no faster than it reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import Any

from daphne.http_protocol import HTTPFactory, WebRequest
from twisted.internet.protocol import connectionDone
from twisted.web.http import HTTPChannel, _GenericHTTPChannelProtocol

from ebrcs.rate_limits import proxies_trusted
from ebrcs.server.body_stream import BodyStream

# How long a client may take over the headers of a request.
HEADERS_WITHIN_S = 10.0
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class StreamedRequest(WebRequest):
    """A request whose body goes to the application as it arrives."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments, parsePOSTFormSubmission=False)
        self.body: BodyStream | None = None

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - the library's name
        """Begin to process a request with a body as soon as its headers are complete."""
        self.content = BytesIO()
        # By this header daphne would let any client move the site to another path.
        self.requestHeaders.removeHeader(b"Daphne-Root-Path")
        if length == 0:
            return
        channel = self.channel
        if self.requestHeaders.hasHeader(b"Upgrade"):
            # A WebSocket has no body; what followed would be read as frames.
            channel._respondToBadRequestAndDisconnect()
            return
        if length is None:
            channel._transferDecoder = NoChunks(self.handleContentChunk, channel._finishRequestBody)
        expected = channel._version == b"HTTP/1.1" and self.requestHeaders.getRawHeaders(b"Expect")
        self.body = BodyStream(
            begin=self._continue if expected == [b"100-continue"] else lambda: None,
            pause=self.transport.pauseProducing,
            resume=self.transport.resumeProducing,
        )
        super().requestReceived(channel._command, channel._path, channel._version)
        # Twisted would answer "100 Continue" at once; here it is answered when the application reads.
        self.requestHeaders.removeHeader(b"Expect")

    def _continue(self) -> None:
        if not (self._response_started or self._disconnected):
            self.channel._send100Continue()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 - the library's name
        """Pass a piece of the body on."""
        if self.body is not None:
            self.body.append(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:  # noqa: N802 - the library's name
        """Process a request without a body; with one, it is being processed and only the body has ended."""
        if self.body is None:
            super().requestReceived(command, path, version)
        else:
            self.body.end()

    def finish(self) -> None:
        """End the answer, and the connection if the answer says so or the body is still to come."""
        closing = self.responseHeaders.getRawHeaders(b"Connection") == [b"close"]
        if closing or (self.body is not None and not self.body.ended):
            self.channel.persistent = False
        super().finish()


class NoChunks:
    """Reads a chunked body without chunks; of any other it passes on the bytes as they are, to be refused.

    Twisted's decoder takes a tiny chunk for a few microseconds: 64 kB of them hold the event loop for 50 ms.
    """

    END = b"0\r\n\r\n"

    def __init__(self, pass_on: Callable[[bytes], None], finish: Callable[[bytes], None]) -> None:
        self._pass_on, self._finish = pass_on, finish
        self._held = b""

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - the library's name
        """Take what has arrived."""
        self._held += data
        if self._held.startswith(self.END):
            self._finish(self._held.removeprefix(self.END))
        elif not self.END.startswith(self._held):
            self._pass_on(self._held)
            self._held = b""


class StreamingServer:
    """daphne's server as its requests see it: it gives the application the body's stream to receive from."""

    def __init__(self, server: Any) -> None:
        self._server = server

    def __getattr__(self, name: str) -> Any:
        return getattr(self._server, name)

    def create_application(self, request: StreamedRequest, scope: dict[str, Any]) -> Any:
        """Call the application and return what daphne puts its own messages into."""
        if request.body is None:
            return self._server.create_application(request, scope)
        scope.setdefault("asgi", {"version": "3.0"})
        running = self._server.application(
            scope=scope, receive=request.body.receive, send=partial(self._server.handle_reply, request)
        )
        self._server.connections[request]["application_instance"] = asyncio.ensure_future(running)
        return request.body


class TimedChannel(HTTPChannel):
    """A connection that is closed when the headers of a request take too long.

    Twisted counts the time since the last byte only, so that a byte now and then keeps a connection for ever.
    """

    _headers_timeout: Any = None

    def connectionMade(self) -> None:  # noqa: N802 - the library's name
        """Wait for the first request."""
        super().connectionMade()
        self._headers_await()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - the library's name
        """Wait for the rest of the next request's headers."""
        if not self.requests and self._headers_timeout is None:
            self._headers_await()
        super().dataReceived(data)

    def allHeadersReceived(self) -> None:  # noqa: N802 - the library's name
        """Stop waiting."""
        self._headers_arrived()
        super().allHeadersReceived()

    def connectionLost(self, reason: Any = connectionDone) -> None:  # noqa: N802 - the library's name
        """Stop waiting."""
        self._headers_arrived()
        super().connectionLost(reason)

    def _headers_await(self) -> None:
        self._headers_timeout = self.callLater(HEADERS_WITHIN_S, self._headers_too_slow)

    def _headers_arrived(self) -> None:
        if self._headers_timeout is not None and self._headers_timeout.active():
            self._headers_timeout.cancel()
        self._headers_timeout = None

    def _headers_too_slow(self) -> None:
        if self.requests:
            self.transport.write(TOO_SLOW)
        self.loseConnection()


class BoundedHTTPFactory(HTTPFactory):
    """Makes these connections and requests in place of daphne's."""

    def __init__(self, server: Any) -> None:
        super().__init__(StreamingServer(server))
        # Whatever its options say: the header is read if there are proxies to append to it, and only then.
        server.proxy_forwarded_address_header = "X-Forwarded-For" if proxies_trusted() else None

    def protocol(self) -> _GenericHTTPChannelProtocol:
        """Return a new connection."""
        return _GenericHTTPChannelProtocol(TimedChannel())

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802 - the library's name
        """Return a new connection that makes requests of the class above."""
        connection = super().buildProtocol(addr)
        connection.requestFactory = StreamedRequest
        return connection
