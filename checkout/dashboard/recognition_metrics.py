"""The metrics of recognition: how items came into the cart, how fast, how doubtful, how wrong."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from checkout.dashboard import statistics
from checkout.dashboard.charts import Chart, bars_draw
from checkout.dashboard.formats import milliseconds, number, percentage, slot_names
from checkout.dashboard.metric import Metric, metric_counted, metric_measured
from checkout.models import ScanEvent, Source
from orders.periods import Number, Period
from orders.statistics import ratio

SOURCE_CHART_HEIGHT_PX = 200
Action = ScanEvent.Action


@dataclass(frozen=True)
class SourceShare:
    """What percentage of the added items came from one source; `kind` picks its colour in the chart."""

    kind: int
    name: str
    share: str
    before: str


def source_shares(scans: statistics.ScanCounts) -> list[SourceShare]:
    """Return what percentage of the items was seen, read from a barcode or added by hand."""
    total = scans.added_total
    before = scans.added_before
    return [
        SourceShare(
            kind=kind,
            name=str(source.label),
            share=percentage(series.total, total),
            before=percentage(series.before, before),
        )
        for kind, (source, series) in enumerate(scans.added.items())
    ]


def source_chart(scans: statistics.ScanCounts, period: Period) -> Chart:
    """Return the chart of items by day or hour, each bar stacked by source."""
    rows = list(zip(*(scans.added[source].values for source in Source), strict=True))
    titles = [
        f"{name}: "
        + ", ".join(f"{source.label} {number(value)}" for source, value in zip(Source, row, strict=True))
        for name, row in zip(slot_names(period), rows, strict=True)
    ]
    return bars_draw(
        rows=rows,
        slots=slot_names(period, short=True),
        titles=titles,
        written=number,
        height=SOURCE_CHART_HEIGHT_PX,
    )


def recognition_metrics(period: Period, scans: statistics.ScanCounts) -> list[Metric]:
    """Return how fast checkout was, how often it was in doubt or wrong, and how long frames took."""
    speed = statistics.checkout_speed_get(period=period)
    frames = statistics.frame_answers_get(period=period)
    visits = statistics.visit_counts_get(period=period)
    items_a_minute = [ratio(*pair) for pair in zip(speed.pieces.values, speed.minutes.values, strict=True)]
    lost_percent = [
        ratio(100 * lost, received)
        for lost, received in zip(frames.lost.values, frames.received.values, strict=True)
    ]
    disputed = reverse("admin:checkout_disputedline_changelist")
    events = reverse("admin:checkout_scanevent_changelist")
    doubts = [
        (_("Questions asked"), Action.QUESTION, events),
        (_("Not recognized"), Action.UNKNOWN, events),
        (_("Corrected"), Action.CORRECT, disputed),
        (_("Undone"), Action.UNDO, disputed),
        (_("Barcode mismatches"), Action.DISAGREE, disputed),
    ]
    return [
        metric_measured(
            _("Items per minute"),
            items_a_minute,
            period,
            now=ratio(speed.pieces.total, speed.minutes.total),
            before=ratio(speed.pieces.before, speed.minutes.before),
            written=lambda value: number(value, 1),
            note=_("from first item to payment"),
        ),
        *(
            metric_counted(
                name,
                scans.events[action],
                period,
                url=f"{url}?action__exact={action.value}",
                note=_per_hundred(scans.events[action].total, scans.added_total),
            )
            for name, action, url in doubts
        ),
        metric_measured(
            _("Response time (95th percentile)"),
            frames.p95_by_slot,
            period,
            now=frames.p95_ms,
            before=frames.p95_before_ms,
            written=milliseconds,
            note=""
            if frames.p50_ms is None
            else _("median %(time)s") % {"time": milliseconds(frames.p50_ms)},
        ),
        metric_measured(
            _("Dropped frames"),
            lost_percent,
            period,
            now=ratio(100 * frames.lost.total, frames.received.total),
            before=ratio(100 * frames.lost.before, frames.received.before),
            written=lambda value: f"{number(value, 1)}%",
            note=ngettext("of %(count)s frame", "of %(count)s frames", int(frames.received.total))
            % {"count": number(frames.received.total)},
        ),
        metric_counted(
            _("Abandoned carts"),
            visits.left_behind,
            period,
            url=f"{reverse('admin:checkout_checkoutsession_changelist')}?status__exact=expired",
            note=ngettext(
                "of %(count)s session started", "of %(count)s sessions started", int(visits.begun.total)
            )
            % {"count": number(visits.begun.total)},
        ),
    ]


def _per_hundred(count: Number, items: Number) -> str:
    rate = ratio(100 * count, items)
    return "" if rate is None else _("%(rate)s per 100 items") % {"rate": number(rate, 1)}
