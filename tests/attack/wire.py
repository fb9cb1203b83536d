"""HTTP and WebSocket bytes as cheap as they come, so that attackers take little of the machine's own time.

Every client names its own address in `X-Forwarded-For`, as the proxy in front of a shop would.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

HOST = "127.0.0.1"
ANSWER_S = 30.0
CHUNK = 2**16
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FINAL, MASKED = 0x80, 0x80
NO_MASK = bytes(4)  # a legal mask that leaves the payload as it is
LOST = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)


@dataclass
class Caller:
    """Somebody with an address of their own on this machine, and perhaps a token."""

    port: int
    address: str = HOST
    token: str = ""
    answers: Counter[str] = field(default_factory=Counter)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection from the caller's address."""
        return await asyncio.open_connection(HOST, self.port, local_addr=(self.address, 0))

    def head(self, method: str, path: str, *, forwarded: str = "", **headers: object) -> bytes:
        """Return the first lines of a request."""
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {HOST}:{self.port}",
            f"X-Forwarded-For: {forwarded or self.address}",
            *([f"Authorization: Bearer {self.token}"] if self.token else []),
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        content_type: str = "application/json",
        forwarded: str = "",
    ) -> tuple[str, Any]:
        """Send a request; return the status and the JSON of the answer, and count the status."""
        head = self.head(
            method,
            path,
            forwarded=forwarded,
            Connection="close",
            Content_Type=content_type,
            Content_Length=len(body),
        )
        status, content = await self.exchange([head, body])
        return status, content

    async def exchange(self, parts: Iterable[bytes]) -> tuple[str, Any]:
        """Send bytes until the server answers; return and count what it says."""
        status, content = "refused", None
        try:
            reader, writer = await self.connect()
        except OSError:
            self.answers[status] += 1
            return status, content
        sending = asyncio.create_task(send_all(writer, parts))
        try:
            async with asyncio.timeout(ANSWER_S):
                status, content = await answer_read(reader)
        except TimeoutError:
            status = "no answer"
        finally:
            sending.cancel()
            writer.transport.abort()
            with suppress(asyncio.CancelledError):
                await sending
        self.answers[status] += 1
        return status, content

    async def session(self) -> str:
        """Start a checkout session and return its id; raises `ConnectionError` where that is refused."""
        status, content = await self.ask("POST", "/api/sessions")
        self.answers[status] -= 1
        if status != "201":
            raise ConnectionError(f"no session: {status}")
        return str(content["session_id"])

    @asynccontextmanager
    async def socket(self, session_id: str, seat: str = "") -> AsyncIterator[Socket]:
        """Open the socket of a session; raises `ConnectionError` where that is refused."""
        reader, writer = await self.connect()
        socket = Socket(reader, writer, self.answers)
        try:
            await socket.shake_hands(self, f"/api/ws/checkout/{session_id}{f'?seat={seat}' if seat else ''}")
            socket.reading = asyncio.create_task(socket.read_all())
            yield socket
        finally:
            if socket.reading:
                socket.reading.cancel()
                await asyncio.wait([socket.reading])
            writer.transport.abort()


async def send_all(writer: asyncio.StreamWriter, parts: Iterable[bytes]) -> None:
    """Send bytes as fast as the server takes them."""
    with suppress(OSError):
        for part in parts:
            for start in range(0, len(part), CHUNK):
                writer.write(part[start : start + CHUNK])
                await writer.drain()


async def answer_read(reader: asyncio.StreamReader) -> tuple[str, Any]:
    """Return status and JSON of an answer; "closed" where the server hung up without one."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, length = head.split(" ", 2)[1], 0
        for line in head.lower().split("\r\n"):
            if line.startswith("content-length:"):
                length = int(line.partition(":")[2])
        body = await reader.readexactly(length)
    except LOST:
        return "closed", None
    with suppress(ValueError):
        return status, json.loads(body)
    return status, None


def websocket_frame(opcode: int, payload: bytes = b"", *, is_final: bool = True) -> bytes:
    """Return a frame as a client sends it."""
    first, size = opcode | (FINAL if is_final else 0), len(payload)
    if size < 126:
        head = bytes([first, MASKED | size])
    elif size < 2**16:
        head = bytes([first, MASKED | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([first, MASKED | 127]) + size.to_bytes(8, "big")
    return head + NO_MASK + payload


@dataclass
class Socket:
    """An open socket, whose messages are counted: by type, errors by code, and the close by its code."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    answers: Counter[str]
    reading: asyncio.Task[None] | None = None
    seen: Counter[str] = field(default_factory=Counter)

    @property
    def is_open(self) -> bool:
        """Whether the server still listens."""
        return self.reading is None or not self.reading.done()

    async def shake_hands(self, caller: Caller, path: str) -> None:
        """Ask for the socket."""
        key = "dGhlIHNhbXBsZSBub25jZQ=="
        self.writer.write(
            caller.head(
                "GET",
                path,
                Upgrade="websocket",
                Connection="Upgrade",
                Sec_WebSocket_Key=key,
                Sec_WebSocket_Version=13,
            )
        )
        try:
            async with asyncio.timeout(ANSWER_S):
                head = await self.reader.readuntil(b"\r\n\r\n")
        except (*LOST, TimeoutError):
            self.answers["closed"] += 1
            raise ConnectionError("no handshake") from None
        if b" 101 " not in head.partition(b"\r\n")[0]:
            self.answers[head.split(b" ")[1].decode("latin-1")] += 1
            raise ConnectionError("refused")

    async def send(self, *frames: bytes) -> None:
        """Send frames; raises `ConnectionError` once the server has closed."""
        if not self.is_open:
            raise ConnectionError("closed")
        self.writer.writelines(frames)
        await self.writer.drain()

    async def read_all(self) -> None:
        """Count what the server sends, until it closes."""
        try:
            while True:
                opcode, payload = await self.frame_read()
                if opcode == CLOSE:
                    self.answers[str(int.from_bytes(payload[:2], "big"))] += 1
                    return
                if opcode == TEXT:
                    message = json.loads(payload)
                    self.seen[message.get("code") or message["type"]] += 1
        except LOST:
            self.answers["closed"] += 1

    async def frame_read(self) -> tuple[int, bytes]:
        """Read one frame; the server sends whole messages without a mask."""
        first, second = await self.reader.readexactly(2)
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
        return first & 0x0F, await self.reader.readexactly(size)


def seat() -> str:
    """Return the key of a camera that was never seen before."""
    text = os.urandom(16).hex()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"
