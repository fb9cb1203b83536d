"""Notices to the pages of lanes and staff; only hints, which may get lost without harm."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from checkout.cart.announce import group_announce


def lane_group(lane_id: UUID) -> str:
    """Return the name of the group that the page of a lane belongs to."""
    return f"lane.{lane_id.hex}"


def staff_group(store_id: UUID) -> str:
    """Return the name of the group that the consoles of a store belong to."""
    return f"staff.{store_id.hex}"


def lane_announce(*, lane_id: UUID, notice: dict[str, Any]) -> None:
    """Send a notice, with its `type`, to the page of a lane."""
    group_announce(lane_group(lane_id), notice)


def staff_announce(*, store_id: UUID) -> None:
    """Tell the consoles of a store that something changed: each reads lanes and alerts anew."""
    group_announce(staff_group(store_id), {"type": "store.changed"})


def lane_page_announce(*, store_id: UUID, lane_id: UUID) -> None:
    """Tell the consoles of a store that the page of a lane has come: it does not know yet who watches."""
    group_announce(staff_group(store_id), {"type": "lane.page.ready", "lane_id": str(lane_id)})
