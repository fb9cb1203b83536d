"""Which socket has which camera, and the cameras of broken connections, kept for clients that come back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from checkout.live.camera_state import CameraState, camera_state_make
from checkout.live.threads import in_vision

KEEP_S = 10.0
KEPT_MAX = 4
# A camera's socket from which nothing came for so long is taken for dead when its client comes back.
SILENT_S = 2.0


async def _nobody_waits() -> None:
    """Do nothing: no other socket can ask for this connection."""


@dataclass
class Connection:
    """What one socket has: its camera, and what only this client asked for.

    Attributes
    ----------
    key : by which the client knows its camera again, None where it does not say
    give_way : closes the socket and returns once the camera is free
    explains : whether answers to frames say why things are as they are
    heard_s : when something came from the client, by the clock of the event loop
    has_camera : whether a frame ever came
    """

    camera: CameraState
    key: UUID | None = None
    give_way: Callable[[], Awaitable[None]] = field(default=_nobody_waits)
    explains: bool = False
    heard_s: float = field(default_factory=time.monotonic)
    has_camera: bool = False

    @property
    def is_silent(self) -> bool:
        """Whether a camera's socket has fallen silent, as when its connection broke unnoticed."""
        return self.has_camera and time.monotonic() - self.heard_s > SILENT_S


@dataclass
class Connections:
    """Knows who sits where, and keeps the seats of broken connections for some seconds.

    A client that names its camera gets it back at once: a socket that still holds it is that client's own,
    dead without the server knowing. One that does not gets the camera that was left last, or that of a
    camera fallen silent; a second client beside a living one always gets a camera of its own. Belongs to one
    event loop.
    """

    kept: dict[tuple[UUID, UUID | None], tuple[UUID, CameraState]] = field(default_factory=dict)
    taken: dict[UUID, list[Connection]] = field(default_factory=dict)

    async def enter(
        self, session_id: UUID, key: UUID | None, give_way: Callable[[], Awaitable[None]]
    ) -> Connection:
        """Return a connection for a new socket."""
        fresh: CameraState | None = None
        while True:
            holder = self._holder(session_id, key)
            if holder is not None:
                await holder.give_way()
                continue
            _, camera = self.kept.pop((session_id, key), (None, None))
            if camera is None and key is None and fresh is not None:
                camera = self._take_over(session_id, fresh)
            camera = camera or fresh
            if camera is not None:
                break
            fresh = await in_vision(camera_state_make)
        connection = Connection(camera, key, give_way)
        self.taken.setdefault(session_id, []).append(connection)
        return connection

    def leave(self, session_id: UUID, connection: Connection) -> None:
        """Keep the camera for the client to come back."""
        connections = self.taken.get(session_id, [])
        connections.remove(connection)
        if not connections:
            del self.taken[session_id]
        name, ticket = (session_id, connection.key), uuid4()
        self.kept.pop(name, None)
        self.kept[name] = (ticket, connection.camera)
        ours = [each for each in self.kept if each[0] == session_id]
        for oldest in ours[:-KEPT_MAX]:
            del self.kept[oldest]
        asyncio.get_running_loop().call_later(KEEP_S, self._discard, name, ticket)

    def _holder(self, session_id: UUID, key: UUID | None) -> Connection | None:
        connections = self.taken.get(session_id, [])
        return next(
            (connection for connection in connections if key is not None and connection.key == key), None
        )

    def _take_over(self, session_id: UUID, fresh: CameraState) -> CameraState | None:
        """Take the camera of a silent camera; should that live after all, it goes on with a fresh one."""
        silent = [
            connection
            for connection in self.taken.get(session_id, [])
            if connection.key is None and connection.is_silent and not connection.camera.turn.locked()
        ]
        if not silent:
            return None
        newest = max(silent, key=lambda connection: connection.heard_s)
        camera, newest.camera = newest.camera, fresh
        return camera

    def _discard(self, name: tuple[UUID, UUID | None], ticket: UUID) -> None:
        if name in self.kept and self.kept[name][0] == ticket:
            del self.kept[name]


connections = Connections()
