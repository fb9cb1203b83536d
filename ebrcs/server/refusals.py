"""Refusals of a request because of its body, and how they are sent before the body has been read."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from django.http import HttpResponse

from ebrcs.api.exceptions import problem_of_refusal
from ebrcs.api.problems import problem_answer
from ebrcs.errors import EbrcsError
from ebrcs.log_context import Receive, Send

# A client that still sends gets the answer only if somebody reads on for a while: on a connection closed with
# unread data the kernel answers with a reset, upon which the client's side discards what it has received.
LINGER_S = 5.0
LINGER_MAX_BYTES = 64 * 2**20


class LengthRequired(EbrcsError):
    """The body comes in chunks, so that nobody knows how long it will be."""

    code: ClassVar[str] = "length_required"
    status: ClassVar[int] = 411
    title: ClassVar[str] = "The length of the body is missing"


class BodyTooSlow(EbrcsError):
    """The body does not arrive in reasonable time."""

    code: ClassVar[str] = "body_too_slow"
    status: ClassVar[int] = 408
    title: ClassVar[str] = "The request took too long to arrive"


class TooManyUploads(EbrcsError):
    """There is no room for another large body at the moment."""

    code: ClassVar[str] = "too_many_uploads"
    status: ClassVar[int] = 503
    title: ClassVar[str] = "Too many uploads at the moment"


async def refusal_send(refusal: EbrcsError, *, path: str, receive: Receive, send: Send, linger: bool) -> None:
    """Answer with a problem below /api/ and a sentence elsewhere, and close the connection after it.

    With `linger`, the rest of the body is read and discarded first, within bounds.
    """
    answer = refusal_answer(refusal, path)
    answer["Connection"] = "close"
    await send(
        {"type": "http.response.start", "status": answer.status_code, "headers": headers_encoded(answer)}
    )
    await send({"type": "http.response.body", "body": answer.content, "more_body": True})
    if linger:
        await rest_discard(receive)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def refusal_answer(refusal: EbrcsError, path: str) -> HttpResponse:
    """Write a refusal down for a program or for a person."""
    problem = problem_of_refusal(refusal)
    if path.startswith("/api/"):
        answer: HttpResponse = problem_answer(problem)
    else:
        answer = HttpResponse(
            f"{refusal.title}. {refusal.detail}\n",
            status=problem.status,
            content_type="text/plain; charset=utf-8",
            headers=problem.headers,
        )
    answer["Cache-Control"] = "no-store"
    answer["Content-Length"] = str(len(answer.content))
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def headers_encoded(answer: HttpResponse) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer as an ASGI server takes them."""
    return [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in answer.items()]


async def rest_discard(receive: Receive) -> None:
    """Read on until the body ends, the client is gone, or it has been enough."""
    left = LINGER_MAX_BYTES
    try:
        async with asyncio.timeout(LINGER_S):
            while left > 0:
                message = await receive()
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return
                left -= len(message.get("body", b""))
    except TimeoutError:
        return
