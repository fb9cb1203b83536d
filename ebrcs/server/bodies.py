"""Receives bodies within bounds of size, time and number, whichever server runs the application."""

from __future__ import annotations

import asyncio
from typing import Any

from ebrcs.api.parsers import BodyTooLarge
from ebrcs.errors import EbrcsError
from ebrcs.log_context import Application, Receive, Send
from ebrcs.rate_limits import client_address_of_scope
from ebrcs.server.bodies_in_flight import bodies_in_flight
from ebrcs.server.body_limits import body_limit
from ebrcs.server.credentials import credential_of_scope
from ebrcs.server.refusals import BodyTooSlow, LengthRequired, TooManyUploads, refusal_send

# A body may take this long, and longer by a second for each so many bytes of it that have arrived.
BODY_GRACE_S = 10.0
BODY_MIN_BYTES_PER_S = 8 * 2**10
# Bodies up to this stay in memory and do not count as uploads, so that people can log in however many of
# those there are. Longer ones are spooled to the temporary folder.
SMALL_BODY_BYTES = 64 * 2**10
UPLOADS_RETRY_AFTER_S = 10
LENGTH_NEEDED = "Send the body with a Content-Length header; chunked bodies are not read."


class BoundedBodies:
    """An ASGI application that never sees a body which is too large, too slow or one too many.

    What the headers give away is refused before anything is read. Of what goes wrong while the body is being
    received, the application is told that the client has gone, and the client is told the reason.
    """

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one request; sockets pass through."""
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        body = IncomingBody(scope, receive)
        try:
            if body.refusal is None:
                await self.application(scope, body.receive, send)
        finally:
            body.release()
        if body.refusal is not None:
            await refusal_send(
                body.refusal,
                path=body.path,
                receive=receive,
                send=send,
                # Who waits for "100 Continue" has not begun to send.
                linger=not body.ended and (body.begun or b"expect" not in body.headers),
            )


class IncomingBody:
    """The body of one request while it is being received.

    Attributes
    ----------
    is_known : whether the client shows a credential, which is checked only once the body is there
    refusal : why it is not received, or not any further
    begun : whether the application has asked for it
    """

    def __init__(self, scope: Any, receive: Receive) -> None:
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.path = str(scope["path"]).removeprefix(scope.get("root_path") or "")
        self.is_known = bool(credential_of_scope(scope))
        self.limit = body_limit(self.path, is_known=self.is_known)
        self.length = int(self.headers.get(b"content-length") or 0)
        self.chunked = b"transfer-encoding" in self.headers
        self.client = client_address_of_scope(scope)
        self.begun = False
        self.ended = not (self.length or self.chunked)
        self.received = self.counted = 0
        self.started_s = asyncio.get_running_loop().time()
        self._receive = receive
        self.refusal = self._refusal_by_headers()

    def _refusal_by_headers(self) -> EbrcsError | None:
        # A proxy between protocols may send on a request without a body as one of no chunks.
        if self.chunked and b"content-type" in self.headers:
            return LengthRequired(LENGTH_NEEDED)
        if self.length > self.limit:
            return self._too_large()
        if self._is_upload and not bodies_in_flight.fits(self.client, self.length):
            return self._too_many()
        return None

    @property
    def _is_upload(self) -> bool:
        return self.length > SMALL_BODY_BYTES

    async def receive(self) -> Any:
        """Return the server's next message, or that the client has gone once the body is refused."""
        self.begun = True
        if self.ended:
            return await self._receive()
        deadline_s = self.started_s + BODY_GRACE_S + self.received / BODY_MIN_BYTES_PER_S
        try:
            async with asyncio.timeout_at(deadline_s):
                message = await self._receive()
        except TimeoutError:
            self.refusal = BodyTooSlow(
                f"{self.received} of {self.length} bytes came in time. "
                f"Send at least {BODY_MIN_BYTES_PER_S} bytes per second.",
                min_bytes_per_s=BODY_MIN_BYTES_PER_S,
            )
        else:
            self._take(message)
        return {"type": "http.disconnect"} if self.refusal else message

    def _take(self, message: Any) -> None:
        size = len(message.get("body", b""))
        self.received += size
        self.ended = not message.get("more_body", False)
        if self.chunked and size:
            self.refusal = LengthRequired(LENGTH_NEEDED)
        elif self.received > self.limit:
            self.refusal = self._too_large()
        elif self._is_upload:
            if not bodies_in_flight.fits(self.client, size):
                self.refusal = self._too_many()
            else:
                bodies_in_flight.add(self.client, size)
                self.counted += size

    def release(self) -> None:
        """Count the body no longer: whoever handled it has let go of it."""
        bodies_in_flight.add(self.client, -self.counted)
        self.counted = 0

    def _too_large(self) -> EbrcsError:
        who = "" if self.is_known else " without logging in"
        return BodyTooLarge(f"The body may have up to {self.limit} bytes here{who}.", limit=self.limit)

    def _too_many(self) -> EbrcsError:
        return TooManyUploads(
            f"Others are being received. Try again in {UPLOADS_RETRY_AFTER_S} s.",
            retry_after_s=UPLOADS_RETRY_AFTER_S,
        )
