"""Reads lanes: whose account one is, how it stands, and what its page needs to know."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal, TypedDict

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from accounts.stores import store_is_open
from checkout.models import CheckoutSession, Lane

OFFLINE_AFTER = timedelta(seconds=15)
"""Three heartbeats."""
Status = Literal["offline", "needs_help", "busy", "online"]


class LaneSettings(TypedDict):
    """What the page of a lane is told of it; `store` is its name.

    A lane takes shoppers while it is open and its store is, by the store's hours.
    """

    name: str
    code: str
    store: str
    mode: str
    zone: list[float] | None
    camera_label: str
    language: str
    sound: bool
    is_open: bool
    store_is_open: bool
    idle_after_s: int
    idle_countdown_s: int
    receipt_leaves_after_s: int


class LaneInfo(LaneSettings):
    """The same with the lane's id."""

    id: str


def lane_of(user: User | AnonymousUser | Any) -> Lane | None:
    """Return the lane whose account this is, with its store; None for shoppers, staff and nobody."""
    if not isinstance(user, User) or not user.is_device:
        return None
    return Lane.objects.select_related("store", "account").filter(account=user).first()


def lane_is_silent(lane: Lane, *, now: datetime) -> bool:
    """Whether a lane has not been heard of for longer than `OFFLINE_AFTER`, or never."""
    return lane.last_seen_at is None or now - lane.last_seen_at > OFFLINE_AFTER


def lane_status(lane: Lane, *, needs_help: bool, now: datetime) -> Status:
    """Return how a lane stands, the most urgent first."""
    if lane_is_silent(lane, now=now):
        return "offline"
    if needs_help:
        return "needs_help"
    return "online" if lane.activity == Lane.Activity.WAITING else "busy"


def lane_settings(lane: Lane) -> LaneSettings:
    """Return the settings of a lane that was read with its store."""
    return {
        "name": lane.name,
        "code": lane.code,
        "store": lane.store.name,
        "mode": lane.mode,
        "zone": lane.zone,
        "camera_label": lane.camera_label,
        "language": lane.language or lane.store.language,
        "sound": lane.sound,
        "is_open": lane.is_open,
        "store_is_open": store_is_open(lane.store),
        "idle_after_s": lane.idle_after_s,
        "idle_countdown_s": lane.idle_countdown_s,
        "receipt_leaves_after_s": lane.receipt_leaves_after_s,
    }


def lane_info(lane: Lane) -> LaneInfo:
    """Return the settings of a lane with its id."""
    return {**lane_settings(lane), "id": str(lane.pk)}


def lane_session(lane: Lane) -> CheckoutSession | None:
    """Return the active visit of a lane, if there is one."""
    return CheckoutSession.objects.filter(lane=lane, status=CheckoutSession.Status.ACTIVE).first()
