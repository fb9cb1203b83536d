"""How lanes did, minute by minute: kept for thirty days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.utils import timezone

from checkout.errors import BadCommand
from checkout.models import LaneTelemetry

KEPT = timedelta(days=30)
LATE_MAX = timedelta(days=1)
"""A page that was without a connection tells afterwards."""
EARLY_MAX = timedelta(minutes=5)
"""Clocks of devices are never quite right."""


@dataclass(frozen=True)
class Minute:
    """What the page of a lane measured in one minute; times in ms, None where no frame was answered."""

    minute: datetime
    frames_per_second: float
    answer_p50_ms: float | None
    answer_p95_ms: float | None
    dropped: int
    reconnects: int
    camera_state: str


def telemetry_record(*, lane_id: UUID, measured: Minute) -> None:
    """Store one minute of a lane; told again, it replaces what was stored.

    Raises `BadCommand` for a minute that lies too far from now.
    """
    now = timezone.now()
    if not now - LATE_MAX <= measured.minute <= now + EARLY_MAX:
        raise BadCommand("minute must lie within the last day.")
    LaneTelemetry.objects.update_or_create(
        lane_id=lane_id,
        # In UTC: by an offset with seconds, one minute would be many.
        minute=measured.minute.astimezone(UTC).replace(second=0, microsecond=0),
        defaults={
            "frames_per_second": measured.frames_per_second,
            "answer_p50_ms": measured.answer_p50_ms,
            "answer_p95_ms": measured.answer_p95_ms,
            "dropped": measured.dropped,
            "reconnects": measured.reconnects,
            "camera_state": measured.camera_state,
        },
    )


def telemetry_prune() -> int:
    """Delete telemetry that is older than thirty days, and return how many rows; safe to run at any time."""
    deleted, _ = LaneTelemetry.objects.filter(minute__lt=timezone.now() - KEPT).delete()
    return deleted
