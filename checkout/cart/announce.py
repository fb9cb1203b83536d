"""Notifies open sockets and whoever follows the visits of lanes; only hints, which may get lost unharmed."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.dispatch import Signal

from checkout.payloads import CartEvent

logger = logging.getLogger(__name__)
SEND_TIMEOUT_S = 2.0
lane_cart_changed = Signal()
"""Sent after a change of the cart of a lane's visit: `lane_id`, `session_id`, `event`."""
lane_visit_ended = Signal()
"""Sent after the end of a lane's visit: `lane_id`, `session_id`."""
staff_missed = Signal()
"""Sent where a shopper was refused what only staff may do: `session_id`, and `pays`, whether by paying."""


def session_group(session_id: UUID) -> str:
    """Return the name of the group that the sockets of a session belong to."""
    return f"checkout.{session_id.hex}"


def cart_announce(*, session_id: UUID, event: CartEvent, lane_id: UUID | None = None) -> None:
    """Notify every socket of the session that its cart changed; each reads the cart from the database."""
    group_announce(session_group(session_id), {"type": "cart.changed", "event": event})
    if lane_id is not None:
        lane_cart_changed.send_robust(None, lane_id=lane_id, session_id=session_id, event=event)


def session_closed_announce(*, session_id: UUID, lane_id: UUID | None = None) -> None:
    """Notify every socket of the session that it ended."""
    group_announce(session_group(session_id), {"type": "session.ended"})
    if lane_id is not None:
        lane_visit_ended.send_robust(None, lane_id=lane_id, session_id=session_id)


def staff_missed_announce(*, session_id: UUID, pays: bool) -> None:
    """Say that a shopper was refused what only staff may do."""
    staff_missed.send_robust(None, session_id=session_id, pays=pays)


def session_moved_announce(*, session_id: UUID) -> None:
    """Notify every socket of the session that it goes on in another browser."""
    group_announce(session_group(session_id), {"type": "session.moved"})


def group_announce(group: str, notice: dict[str, Any]) -> None:
    """Send a notice to a group of sockets; a failure is logged, since sockets look by themselves as well."""
    try:
        async_to_sync(_send)(group, notice)
    except Exception:
        # What was committed stays committed, and sockets check the database every few seconds.
        logger.exception("The sockets of %s could not be notified of %s.", group, notice["type"])


async def _send(group: str, notice: dict[str, Any]) -> None:
    layer = get_channel_layer()
    if layer is not None:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await layer.group_send(group, notice)
