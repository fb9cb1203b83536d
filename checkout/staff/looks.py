"""Who looks through the camera of which lane: written down, shown at the lane, and over with the console.

Who watches at this moment stands in the shared cache, where it is renewed while the console's socket is open:
a server that dies leaves nobody watching for long.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from functools import partial
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from redis.exceptions import RedisError

from accounts.models import User
from checkout.lanes.announce import lane_announce, staff_announce
from checkout.lanes.log import lane_event_record
from checkout.lanes.selectors import lane_session
from checkout.models import Lane, LaneEvent
from checkout.staff.actions import lane_get

logger = logging.getLogger(__name__)
LOOKS_MAX = 4
"""Lanes that one console watches at once."""
HELD_S = 20.0


def look_start(*, lane_id: UUID, by: User, peer: str, mode: str, is_new: bool) -> None:
    """Tell a lane that a member of staff watches its camera, and by which way; the log names them once.

    Raises `LaneNotFound` for a lane of another store.
    """
    lane = lane_get(lane_id=lane_id, by=by)
    if is_new:
        _record(lane, by, LaneEvent.Kind.WATCHED)
    watcher_note(lane_id=lane_id, peer=peer, name=by.username)
    notice = {
        "type": "watch.started",
        "peer": peer,
        "by": by.username,
        "mode": mode,
        "ice_servers": settings.ICE_SERVERS,
    }
    transaction.on_commit(partial(lane_announce, lane_id=lane_id, notice=notice))
    staff_announce(store_id=lane.store_id)


def look_end(*, lane_id: UUID, by: User, peer: str) -> None:
    """Tell a lane that a member of staff no longer watches, whether or not they still work there."""
    watcher_forget(lane_id=lane_id, peer=peer)
    try:
        lane = Lane.objects.filter(pk=lane_id).first()
        if lane is not None:
            _record(lane, by, LaneEvent.Kind.UNWATCHED)
    finally:  # even while the database is away: the lane must not go on showing what nobody watches
        lane_announce(lane_id=lane_id, notice={"type": "watch.ended", "peer": peer})
    if lane is not None:
        staff_announce(store_id=lane.store_id)


def _record(lane: Lane, by: User, kind: LaneEvent.Kind) -> None:
    lane_event_record(lane=lane, kind=kind, actor=by, session=lane_session(lane))


def watcher_note(*, lane_id: UUID, peer: str, name: str) -> None:
    """Note that someone watches a lane; to be repeated within `HELD_S`."""
    _watchers_change(lane_id, peer, {peer: (name, time.time() + HELD_S)})


def watcher_forget(*, lane_id: UUID, peer: str) -> None:
    """Note that someone no longer watches a lane."""
    _watchers_change(lane_id, peer, {})


def _watchers_change(lane_id: UUID, peer: str, now: dict[str, tuple[str, float]]) -> None:
    """Put what is known of a watcher now in the place of what was."""
    try:
        watchers = _fresh(cache.get(_key(lane_id)))
        watchers.pop(peer, None)
        cache.set(_key(lane_id), watchers | now, HELD_S)
    except (RedisError, OSError) as error:
        logger.warning("Who watches lane %s cannot be noted: %s", lane_id, error)


def watchers_of(*, lane_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """Return the names of who watches each lane, in one question to the cache; nobody while it is away."""
    try:
        found = cache.get_many([_key(lane_id) for lane_id in lane_ids])
    except (RedisError, OSError) as error:
        logger.warning("Who watches cannot be read: %s", error)
        found = {}
    return {
        lane_id: sorted({name for name, _ in _fresh(found.get(_key(lane_id))).values()})
        for lane_id in lane_ids
    }


def _fresh(stored: object) -> dict[str, tuple[str, float]]:
    """Return those watchers who were noted lately."""
    watchers = stored if isinstance(stored, dict) else {}
    return {peer: held for peer, held in watchers.items() if held[1] > time.time()}


def _key(lane_id: UUID) -> str:
    return f"lane-watchers:{lane_id}"
