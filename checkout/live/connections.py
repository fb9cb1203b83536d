"""Which socket uses which camera state, and the states of broken connections, kept for reconnects."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from checkout.live.camera_state import CameraState, camera_state_make
from checkout.live.left_changes import left_changes_take
from checkout.live.threads import in_vision

KEEP_S = 10.0
KEPT_MAX = 4
# When a client reconnects, a socket that has sent frames but nothing for this long is taken for dead.
SILENT_S = 2.0


async def _never_replaced() -> None:
    """Do nothing: no other socket can take over this connection."""


@dataclass
class Connection:
    """One open socket: its camera state, and what only this client asked for.

    Attributes
    ----------
    key : names the client's camera across reconnects; None where the client gives none
    give_way : closes the socket, and returns once its tasks have ended and the camera state is free
    explains : whether answers to frames carry explanations
    last_message_s : when the client sent something last, on the monotonic clock
    sends_frames : whether the client has sent a frame
    """

    camera: CameraState
    key: UUID | None = None
    give_way: Callable[[], Awaitable[None]] = field(default=_never_replaced)
    explains: bool = False
    last_message_s: float = field(default_factory=time.monotonic)
    sends_frames: bool = False

    @property
    def is_silent(self) -> bool:
        """Whether it sent frames and has fallen silent, as when its connection broke unnoticed."""
        return self.sends_frames and time.monotonic() - self.last_message_s > SILENT_S


@dataclass
class Connections:
    """Assigns camera states to sockets, and keeps those of closed sockets for ten seconds (``KEEP_S``).

    A client that names its camera gets that state back at once: a socket that still holds it is the client's
    own, dead without the server knowing, and has to give way. A client that names none gets the unnamed state
    released last, or takes over that of an unnamed socket fallen silent; beside a live one it always gets a
    state of its own. Belongs to one event loop.

    Attributes
    ----------
    kept : states of closed sockets by session and key, each with a token that tells its timer from later ones
    open : the connections of each session
    """

    kept: dict[tuple[UUID, UUID | None], tuple[UUID, CameraState]] = field(default_factory=dict)
    open: dict[UUID, list[Connection]] = field(default_factory=dict)

    async def enter(
        self, session_id: UUID, key: UUID | None, give_way: Callable[[], Awaitable[None]]
    ) -> Connection:
        """Return the connection of a new socket."""
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
        self.open.setdefault(session_id, []).append(connection)
        return connection

    def leave(self, session_id: UUID, connection: Connection) -> None:
        """Release a connection, keep its camera state for a reconnect, and store what it could not."""
        left_changes_take(session_id, connection.camera)
        connections = self.open.get(session_id, [])
        connections.remove(connection)
        if not connections:
            del self.open[session_id]
        name, token = (session_id, connection.key), uuid4()
        self.kept.pop(name, None)
        self.kept[name] = (token, connection.camera)
        ours = [each for each in self.kept if each[0] == session_id]
        for oldest in ours[:-KEPT_MAX]:
            del self.kept[oldest]
        asyncio.get_running_loop().call_later(KEEP_S, self._discard, name, token)

    def is_held(self, session_id: UUID, key: UUID | None) -> bool:
        """Whether a socket is open that a new one of this key would replace."""
        return self._holder(session_id, key) is not None

    def _holder(self, session_id: UUID, key: UUID | None) -> Connection | None:
        connections = self.open.get(session_id, [])
        return next(
            (connection for connection in connections if key is not None and connection.key == key), None
        )

    def _take_over(self, session_id: UUID, fresh: CameraState) -> CameraState | None:
        """Take the state of a silent socket, which goes on with a fresh one if it is alive after all."""
        silent = [
            connection
            for connection in self.open.get(session_id, [])
            if connection.key is None and connection.is_silent and not connection.camera.lock.locked()
        ]
        if not silent:
            return None
        newest = max(silent, key=lambda connection: connection.last_message_s)
        camera, newest.camera = newest.camera, fresh
        return camera

    def _discard(self, name: tuple[UUID, UUID | None], token: UUID) -> None:
        if name in self.kept and self.kept[name][0] == token:
            del self.kept[name]


connections = Connections()
