"""Which request and which session a log line belongs to, and how a line is written.

Both ids are context variables, set once around the whole ASGI application, so that what the framework logs
about a request has them too. Tasks inherit them, threads that are handed a copy of the context as well; the
threads that all callers share (the engine's, the replica's) have none.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from asgiref.typing import Scope

REQUEST_ID_HEADER = b"x-request-id"
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
SESSION_IN_PATH = re.compile(r"/(?:checkout|sessions)/([0-9A-Fa-f-]{32,36})(?:/|$)")
NONE = "-"
LINE = "{asctime} {levelname} {name} session={session_id} request={request_id}: {message}"
# What would begin a new line, steer a terminal or turn the direction of writing, and halves of characters,
# which no stream can write.
UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

request_id: ContextVar[str] = ContextVar("request_id", default=NONE)
session_id: ContextVar[str] = ContextVar("session_id", default=NONE)

# Messages of the server are dictionaries of many kinds; nothing here depends on which.
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Any, Receive, Send], Awaitable[None]]


class LogContextApplication:
    """An ASGI application whose log lines say which request and which session they belong to.

    A request keeps a valid id that it came with, so that lines of the proxy and lines here meet; else it gets
    a new one. Answers carry it as `X-Request-ID`. The session is the one that the address names, whether or
    not the client may see it.
    """

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one socket."""
        if scope["type"] == "lifespan":
            await self.application(scope, receive, send)
            return
        chosen = request_id_of(list(scope["headers"]))

        async def send_with_id(message: dict[str, Any]) -> None:
            if message["type"] in {"http.response.start", "websocket.accept"}:
                headers = [*(message.get("headers") or ()), (REQUEST_ID_HEADER, chosen.encode())]
                message = {**message, "headers": headers}
            await send(message)

        request_token, session_token = request_id.set(chosen), session_id.set(session_named(scope["path"]))
        try:
            await self.application(scope, receive, send_with_id)
        finally:
            session_id.reset(session_token)
            request_id.reset(request_token)


def request_id_of(headers: list[tuple[bytes, bytes]]) -> str:
    """Return the id a request came with, or a new one.

    Valid is one header of 1 to 64 letters, digits, dots, dashes and underscores.
    """
    sent = [value for name, value in headers if name.lower() == REQUEST_ID_HEADER]
    if len(sent) == 1 and REQUEST_ID.fullmatch(sent[0]):
        return sent[0].decode("ascii")
    return uuid4().hex


def session_named(path: str) -> str:
    """Return the checkout session that an address names, or a dash."""
    found = SESSION_IN_PATH.search(path)
    try:
        return str(UUID(found[1])) if found else NONE
    except ValueError:
        return NONE


class LogContextFilter(logging.Filter):
    """Puts both ids into every record of a handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        record.request_id, record.session_id = request_id.get(), session_id.get()
        return True


def printable(text: str) -> str:
    """Return the text with escapes in place of line breaks, control characters and halves of characters."""
    return UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def indented(text: str) -> str:
    """Return the text with every line indented, and printable."""
    return "\n".join(f"    {printable(line)}" for line in text.split("\n"))


class TextFormatter(logging.Formatter):
    """One line for each record, whatever the message holds; the lines of a traceback are indented."""

    def __init__(self) -> None:
        super().__init__(LINE, style="{")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """Write line breaks and control characters as escapes, so that no text of a client begins a line."""
        return printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the library's name
        """Indent every line, those of the exception's own text included."""
        return indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - the library's name
        """Indent every line."""
        return indented(super().formatStack(stack_info))


class JsonFormatter(logging.Formatter):
    """One JSON object a line, in ASCII, with these members; `exception` and `stack` where there are any."""

    def format(self, record: logging.LogRecord) -> str:
        """Write down one record."""
        members = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "session": getattr(record, "session_id", NONE),
            "request": getattr(record, "request_id", NONE),
            "message": record.getMessage(),
        }
        if record.exc_info:
            members["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            members["stack"] = record.stack_info
        return json.dumps(members)
