"""Notifies open sockets; only a hint, which may get lost without harm."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from checkout.payloads import CartEvent

logger = logging.getLogger(__name__)
SEND_TIMEOUT_S = 2.0


def session_group(session_id: UUID) -> str:
    """Return the name of the group that the sockets of a session belong to."""
    return f"checkout.{session_id.hex}"


def cart_announce(*, session_id: UUID, event: CartEvent) -> None:
    """Notify every socket of the session that its cart changed; each reads the cart from the database."""
    group_announce(session_group(session_id), {"type": "cart.changed", "event": event})


def session_closed_announce(*, session_id: UUID) -> None:
    """Notify every socket of the session that it ended."""
    group_announce(session_group(session_id), {"type": "session.ended"})


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
