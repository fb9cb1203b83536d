"""The bystander: plays frames at a steady pace, polls /healthz and its orders, and tells how long each took.

Runs in a process of its own, so that its clock is not held up by anything but the server.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.attack.wire import BINARY, TEXT, Caller, Socket, seat, websocket_frame

FRAMES_PER_SECOND = 5.0
HEALTH_EVERY_S, ORDERS_EVERY_S = 0.05, 0.5


def tell(**what: Any) -> None:
    """Write an event."""
    sys.stdout.write(json.dumps({**what, "at": time.monotonic()}) + "\n")
    sys.stdout.flush()


class Bystander:
    """Somebody who shops while others attack."""

    def __init__(self, port: int, token: str, frames: str) -> None:
        self.caller = Caller(port, token=token)
        # Recorded at ten frames a second.
        self.frames = [
            websocket_frame(BINARY, path.read_bytes()) for path in sorted(Path(frames).glob("*.jpg"))[::2]
        ]
        self.sent = 0

    async def poll(self, kind: str, path: str, every_s: float) -> None:
        """Ask for an address again and again."""
        while True:
            started_s = time.monotonic()
            status, _ = await self.caller.ask("GET", path)
            tell(kind=kind, status=status, began=started_s)
            await asyncio.sleep(every_s)

    async def shop(self) -> None:
        """Play frames, again from another socket where one is lost."""
        camera = seat()
        while True:
            try:
                session = await self.caller.session()
                async with self.caller.socket(session, camera) as socket:
                    tell(kind="open")
                    await self.play(socket)
            except OSError as error:
                tell(kind="lost", status=f"socket lost: {error}")
            await asyncio.sleep(0.5)

    async def play(self, socket: Socket) -> None:
        """Play the clip over and over, and tell when each frame was sent and when it was answered."""
        offset = self.sent
        socket.seen.clear()
        if socket.reading:  # this reader wants the numbers of the frames
            socket.reading.cancel()
        socket.reading = asyncio.create_task(self.results(socket, offset))
        due_s = time.monotonic()
        for frame in itertools.cycle(self.frames):
            await socket.send(frame)
            self.sent += 1
            tell(kind="sent", number=self.sent)
            due_s = max(due_s + 1 / FRAMES_PER_SECOND, time.monotonic() - 1.0)
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))

    async def results(self, socket: Socket, offset: int) -> None:
        """Tell of each answer; only a result is one, not that a frame came too late."""
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                opcode, payload = await socket.frame_read()
                message = json.loads(payload) if opcode == TEXT else {}
                if message.get("type") == "frame.result":
                    tell(kind="result", number=offset + message["frame"])
                elif message.get("type") == "error":
                    tell(kind="refused", code=message["code"])

    async def run(self) -> None:
        """Shop until the process is ended."""
        await asyncio.gather(
            self.shop(),
            self.poll("health", "/healthz", HEALTH_EVERY_S),
            self.poll("orders", "/api/orders", ORDERS_EVERY_S),
        )


if __name__ == "__main__":
    asyncio.run(Bystander(int(sys.argv[1]), sys.argv[2], sys.argv[3]).run())
