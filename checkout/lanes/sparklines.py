"""The telemetry of a lane's last day as small lines, for a template to draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from checkout.models import Lane, LaneTelemetry

SPAN = timedelta(hours=24)
SLOT = timedelta(minutes=10)
SLOTS = int(SPAN / SLOT)
WIDTH, HEIGHT, EDGE = 288, 48, 3
WHOLE_FROM = 100
Row = tuple[datetime, float, float | None, float | None, int, int]


@dataclass(frozen=True)
class Sparkline:
    """One measure over a day.

    Attributes
    ----------
    path : of the line, in a box of `WIDTH` x `HEIGHT`; interrupted where nothing was measured
    newest, highest : texts; empty where nothing was measured
    """

    name: str | Promise
    path: str
    newest: str
    highest: str


def sparklines_of(*, lane: Lane, now: datetime) -> list[Sparkline]:
    """Return the measures of a lane's last 24 hours, in one query."""
    since = now - SPAN
    rows: list[Row] = list(
        LaneTelemetry.objects.filter(lane=lane, minute__gt=since, minute__lte=now)
        .order_by("minute")
        .values_list("minute", "frames_per_second", "answer_p50_ms", "answer_p95_ms", "dropped", "reconnects")
    )

    def line(
        name: str | Promise, column: int, combine: Callable[[list[float]], float], unit: str
    ) -> Sparkline:
        slots: list[list[float]] = [[] for _slot in range(SLOTS)]
        for row in rows:
            value = row[column]
            if isinstance(value, int | float):
                slots[-1 - (now - row[0]) // SLOT].append(float(value))
        return sparkline(name, [combine(slot) if slot else None for slot in slots], unit)

    return [
        line(_("Frames a second"), 1, _mean, ""),
        line(_("Answer time p50"), 2, max, " ms"),
        line(_("Answer time p95"), 3, max, " ms"),
        line(_("Dropped frames"), 4, sum, ""),
        line(_("Reconnects"), 5, sum, ""),
    ]


def sparkline(name: str | Promise, values: Sequence[float | None], unit: str = "") -> Sparkline:
    """Return a line through some values, none of which is negative; None interrupts it."""
    known = [value for value in values if value is not None]
    top = max(known, default=0.0) or 1.0
    step = WIDTH / max(1, len(values) - 1)
    parts: list[str] = []
    is_drawing = False
    for number, value in enumerate(values):
        if value is not None:
            y = HEIGHT - EDGE - value / top * (HEIGHT - 2 * EDGE)
            # A point alone is a line of no length, which round ends make visible.
            parts.append(
                f"{'L' if is_drawing else 'M'}{number * step:.1f} {y:.1f}" + ("" if is_drawing else "h0")
            )
        is_drawing = value is not None
    newest, highest = (f"{_written(value)}{unit}" for value in (known[-1], max(known))) if known else ("", "")
    return Sparkline(name, "".join(parts), newest, highest)


def _written(value: float) -> str:
    return f"{value:.0f}" if value >= WHOLE_FROM else f"{value:.3g}"


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
