"""Unlocks a lane for the member of staff who stands at it: by staff number and PIN, for two minutes of use.

What is unlocked is one browser's login session at one lane in one visit. The session holds a random token;
who is behind it stands in the shared cache, so locking in one window also locks in all others, whatever they
are about to write.
"""

from __future__ import annotations

import secrets

from django.contrib.sessions.backends.base import SessionBase
from django.core.cache import cache
from django.utils.crypto import salted_hmac

from accounts.errors import PinRefused
from accounts.models import User
from accounts.pins import pin_user
from checkout.errors import LaneLocked
from checkout.lanes.log import lane_event_record
from checkout.lanes.selectors import lane_session
from checkout.models import CheckoutSession, Lane, LaneEvent

UNLOCKED_S = 120
TOKEN = "staff_unlock"  # noqa: S105 - the name of a key, not a secret


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
    cache.set(_key(token), {"user": str(user.pk), **_holds_for(lane, visit, user)}, UNLOCKED_S)
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
    kept = cache.get(_key(token)) if token else None
    if token and kept is not None:
        user = User.objects.filter(pk=kept["user"]).first()
        if user is not None and user.works_at(lane.store_id):
            holds_for = {"user": str(user.pk), **_holds_for(lane, lane_session(lane), user)}
            if kept == holds_for:
                cache.touch(_key(token), UNLOCKED_S)
                return user
    lane_lock(session=session)
    raise LaneLocked("A member of staff has to unlock this lane with staff number and PIN.")


def _holds_for(lane: Lane, visit: CheckoutSession | None, user: User) -> dict[str, str | None]:
    """Return what an unlock is bound to: the lane, its visit (None: between two), and the PIN as it was."""
    return {
        "lane": str(lane.pk),
        "visit": None if visit is None else str(visit.pk),
        "pin": salted_hmac("checkout.staff.unlocks", user.pin, algorithm="sha256").hexdigest(),
    }


def _key(token: str) -> str:
    return f"staff-unlock:{token}"
