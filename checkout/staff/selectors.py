"""Reads what the console shows: every lane of some stores with its visit, and their alerts.

However many lanes there are, the number of queries is the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TypedDict
from uuid import UUID

from django.db.models import F, OuterRef, Subquery, Window
from django.db.models.functions import RowNumber
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.stores import store_is_open
from checkout.cart.selectors import carts_get
from checkout.errors import NoPicture
from checkout.lanes.alerts import alerts_open, escalates_before
from checkout.lanes.selectors import lane_status
from checkout.models import Alert, CheckoutSession, Lane, LaneTelemetry, ScanEvent
from checkout.payloads import Cart
from checkout.staff.looks import watchers_of

PICTURES_SHOWN = 3
TELEMETRY_AGE = timedelta(minutes=3)
"""A lane tells once a minute; what is older says nothing about now."""


class PictureView(TypedDict):
    """A picture of an item before the camera of a lane, and when it was taken."""

    url: str
    at: str


class TelemetryView(TypedDict):
    """How a lane did in its last minute."""

    fps: float
    p50_ms: float | None
    p95_ms: float | None
    dropped: int


class LaneView(TypedDict):
    """A lane as the console shows it."""

    id: str
    name: str
    code: str
    store: str
    status: str
    activity: str
    camera: str
    last_seen_at: str | None
    is_open: bool
    store_is_open: bool
    session_id: str | None
    cart: Cart | None
    pictures: list[PictureView]
    telemetry: TelemetryView | None
    watched_by: list[str]


class AlertView(TypedDict):
    """An alert as the console shows it; `mine` where the reader has it."""

    id: str
    lane_id: str
    kind: str
    opened_at: str
    acknowledged_at: str | None
    acknowledged_by: str | None
    mine: bool
    escalated: bool


class ConsoleView(TypedDict):
    """All that the console shows."""

    lanes: list[LaneView]
    alerts: list[AlertView]


def console_get(*, user: User) -> ConsoleView:
    """Return what a member of staff sees: the lanes of their store, or of all stores, and the alerts."""
    now = timezone.now()
    alerts = list(alerts_open(store_ids=stores_of(user)))
    lanes = Lane.objects.select_related("store")
    if user.store_id is not None:
        lanes = lanes.filter(store=user.store_id)
    return {
        "lanes": _lanes_view(list(lanes), {alert.lane_id for alert in alerts}, now),
        "alerts": [_alert_view(alert, user, now) for alert in alerts],
    }


def stores_of(user: User) -> list[UUID] | None:
    """Return the stores at which a member of staff works; None for all."""
    return None if user.store_id is None else [user.store_id]


def lane_picture(*, lane_id: UUID, event_id: UUID) -> bytes:
    """Return the picture of something that happened at a lane, or raise `NoPicture`."""
    event = ScanEvent.objects.filter(pk=event_id, session__lane=lane_id)
    picture = event.values_list("thumbnail", flat=True).first()
    if picture is None:
        raise NoPicture(f"Lane {lane_id} has no picture {event_id}.")
    return bytes(picture)


def _lanes_view(lanes: list[Lane], calling: Collection[UUID], now: datetime) -> list[LaneView]:
    lane_ids = [lane.pk for lane in lanes]
    active = CheckoutSession.objects.filter(lane__in=lane_ids, status=CheckoutSession.Status.ACTIVE)
    visits = {lane_id: pk for pk, lane_id in active.values_list("pk", "lane_id") if lane_id is not None}
    carts = carts_get(session_ids=list(visits.values()))
    pictures = _pictures(visits)
    telemetry = _telemetry(lane_ids, now)
    watchers = watchers_of(lane_ids=lane_ids)
    return [
        {
            "id": str(lane.pk),
            "name": lane.name,
            "code": lane.code,
            "store": lane.store.name,
            "status": lane_status(lane, needs_help=lane.pk in calling, now=now),
            "activity": lane.activity,
            "camera": lane.camera_state,
            "last_seen_at": None if lane.last_seen_at is None else lane.last_seen_at.isoformat(),
            "is_open": lane.is_open,
            "store_is_open": store_is_open(lane.store),
            "session_id": str(visits[lane.pk]) if lane.pk in visits else None,
            "cart": carts[visits[lane.pk]] if lane.pk in visits else None,
            "pictures": pictures[lane.pk],
            "telemetry": telemetry.get(lane.pk),
            "watched_by": watchers[lane.pk],
        }
        for lane in lanes
    ]


def _pictures(visits: dict[UUID, UUID]) -> dict[UUID, list[PictureView]]:
    """Return the latest pictures of each lane's visit, the newest first."""
    newest_first = Window(
        RowNumber(), partition_by=F("session_id"), order_by=[F("created_at").desc(), F("id").desc()]
    )
    events = ScanEvent.objects.filter(session__in=visits.values(), thumbnail__isnull=False)
    latest = events.annotate(number=newest_first).filter(number__lte=PICTURES_SHOWN)
    lane_of = {session_id: lane_id for lane_id, session_id in visits.items()}
    found: dict[UUID, list[PictureView]] = defaultdict(list)
    rows = latest.order_by("session_id", "number").values_list("pk", "session_id", "created_at")
    for pk, session_id, created_at in rows:
        lane_id = lane_of[session_id]
        address = reverse("api-staff-lane-event-picture", args=[lane_id, pk])
        found[lane_id].append({"url": address, "at": created_at.isoformat()})
    return found


def _telemetry(lane_ids: list[UUID], now: datetime) -> dict[UUID, TelemetryView]:
    latest = LaneTelemetry.objects.filter(lane=OuterRef("lane"), minute__gte=now - TELEMETRY_AGE)
    rows = LaneTelemetry.objects.filter(
        lane__in=lane_ids, pk=Subquery(latest.order_by("-minute").values("pk")[:1])
    )
    return {
        row.lane_id: {
            "fps": row.frames_per_second,
            "p50_ms": row.answer_p50_ms,
            "p95_ms": row.answer_p95_ms,
            "dropped": row.dropped,
        }
        for row in rows
    }


def _alert_view(alert: Alert, user: User, now: datetime) -> AlertView:
    is_free = alert.acknowledged_at is None
    return {
        "id": str(alert.pk),
        "lane_id": str(alert.lane_id),
        "kind": alert.kind,
        "opened_at": alert.opened_at.isoformat(),
        "acknowledged_at": None if alert.acknowledged_at is None else alert.acknowledged_at.isoformat(),
        "acknowledged_by": None if alert.acknowledged_by is None else alert.acknowledged_by.username,
        "mine": alert.acknowledged_by_id == user.pk,
        # Housekeeping writes it down within its round; the console need not wait for it.
        "escalated": alert.escalated_at is not None or (is_free and alert.opened_at < escalates_before(now)),
    }
