"""Unlocks a lane for the member of staff who stands at it: by staff number and PIN, for two minutes of use.

What is unlocked is one browser's login session at one lane in one visit. The session holds a random token;
who is behind it stands in the shared cache, so locking in one window also locks in all others, whatever they
are about to write.
"""

from __future__ import annotations

import secrets
from typing import TypedDict

from django.contrib.sessions.backends.base import SessionBase
from django.core.cache import cache
from django.utils.crypto import constant_time_compare

from accounts.errors import PinRefused
from accounts.models import User
from accounts.pins import pin_user
from checkout.errors import LaneLocked
from checkout.lanes.log import lane_event_record
from checkout.lanes.selectors import lane_session
from checkout.models import CheckoutSession, Lane, LaneEvent

UNLOCKED_S = 120
TOKEN = "staff_unlock"  # noqa: S105 - the name of a key, not a secret


class Unlock(TypedDict):
    """Who unlocked which lane in which visit (None: between two), and the hash of the PIN they used.

    Plain text throughout: the cache keeps JSON.
    """

    lane_id: str
    visit_id: str | None
    user_id: str
    pin: str


def lane_unlock(*, lane: Lane, session: SessionBase, staff_number: int, pin: str) -> User:
    """Unlock a lane for who has this staff number and PIN; the log of the lane names them.

    Raises `PinRefused`, which the log keeps too, and `TooManyRequests`.
    """
    try:
        user = pin_user(store_id=lane.store_id, staff_number=staff_number, pin=pin, place=f"lane:{lane.pk}")
    except PinRefused:
        lane_event_record(lane=lane, kind=LaneEvent.Kind.REFUSED, session=lane_session(lane))
        raise
    lane_lock(session=session)
    visit = lane_session(lane)
    token = secrets.token_urlsafe(32)
    unlock = Unlock(lane_id=str(lane.pk), visit_id=_id_of(visit), user_id=str(user.pk), pin=user.pin)
    cache.set(_key(token), unlock, UNLOCKED_S)
    session[TOKEN] = token
    lane_event_record(lane=lane, kind=LaneEvent.Kind.UNLOCKED, actor=user, session=visit)
    return user


def lane_lock(*, session: SessionBase) -> None:
    """Lock the lane again; locking a locked one changes nothing."""
    if token := session.pop(TOKEN, None):
        cache.delete(_key(token))


def unlocked_by(*, lane: Lane, session: SessionBase) -> User:
    """Return who unlocked a lane, and give them two minutes from now.

    Raises `LaneLocked` where nobody did, where two minutes passed without use, where the visit is another by
    now, and where they no longer work there or have another PIN.
    """
    token = session.get(TOKEN)
    unlock: Unlock | None = cache.get(_key(token)) if token else None
    if token and unlock is not None and unlock["lane_id"] == str(lane.pk):
        user = User.objects.filter(pk=unlock["user_id"]).first()
        is_same_visit = unlock["visit_id"] == _id_of(lane_session(lane))
        if user is not None and is_same_visit and _still_holds(user, unlock, lane):
            cache.touch(_key(token), UNLOCKED_S)
            return user
    lane_lock(session=session)
    raise LaneLocked("A member of staff has to unlock this lane with staff number and PIN.")


def _still_holds(user: User, unlock: Unlock, lane: Lane) -> bool:
    return user.works_at(lane.store_id) and constant_time_compare(user.pin, unlock["pin"])


def _id_of(visit: CheckoutSession | None) -> str | None:
    return None if visit is None else str(visit.pk)


def _key(token: str) -> str:
    return f"staff-unlock:{token}"
