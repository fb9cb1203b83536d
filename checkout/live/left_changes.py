"""Stores what was counted for a socket that closed while the database was away."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from functools import partial
from uuid import UUID

from checkout.live.camera_state import CameraState
from checkout.live.pending_changes import Change, change_store
from checkout.live.threads import DATABASE_AWAY, in_database
from ebrcs.errors import EbrcsError

logger = logging.getLogger(__name__)
RETRY_S = 2.0
# An outage may outlast the camera's state; what was counted must not end with it.
GIVE_UP_S = 600.0

_running: set[asyncio.Task[None]] = set()  # the event loop itself keeps no task alive


def left_changes_take(session_id: UUID, camera: CameraState) -> None:
    """Go on storing what a closed socket has left, if anything."""
    if camera.changes:
        task = asyncio.get_running_loop().create_task(_store_all(session_id, camera))
        _running.add(task)
        task.add_done_callback(_running.discard)


async def _store_all(session_id: UUID, camera: CameraState) -> None:
    """Try until everything is stored; a socket that has the camera again stores from the same queue."""
    deadline_s = time.monotonic() + GIVE_UP_S
    while camera.changes and time.monotonic() < deadline_s:
        with suppress(*DATABASE_AWAY):
            await camera.store_changes(partial(_store_one, session_id))
        if camera.changes:
            await asyncio.sleep(RETRY_S)
    if camera.changes:
        logger.error("%d changes of session %s could not be stored.", len(camera.changes), session_id)


async def _store_one(session_id: UUID, change: Change) -> None:
    try:
        await in_database(change_store, session_id=session_id, change=change)
    except EbrcsError as error:  # nobody is there to be told
        logger.info("A change of session %s was refused: %s", session_id, error.detail)
