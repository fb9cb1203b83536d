"""How well recognition did in a period, hour by hour or day by day; counted by the database."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import (
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    Subquery,
    Sum,
)

from checkout.answer_times import percentile_ms
from checkout.models import BillingItem, CheckoutSession, FrameCount, ScanEvent, Source
from orders.models import Order
from orders.periods import Number, Period, Series, Slot

Action = ScanEvent.Action


@dataclass(frozen=True)
class ScanCounts:
    """Pieces added by each source, and scan events of each kind."""

    added: dict[Source, Series]
    events: dict[ScanEvent.Action, Series]

    @property
    def added_total(self) -> Number:
        """Pieces added, from all sources."""
        return sum(series.total for series in self.added.values())

    @property
    def added_before(self) -> Number:
        """Pieces added in the period before, from all sources."""
        return sum(series.before for series in self.added.values())


@dataclass(frozen=True)
class CheckoutSpeed:
    """Pieces sold, and the minutes they took: from the first scan event of a visit to its payment."""

    pieces: Series
    minutes: Series


@dataclass(frozen=True)
class VisitCounts:
    """Visits begun, and those of them that expired with something in the cart."""

    begun: Series
    left_behind: Series


@dataclass(frozen=True)
class FrameAnswers:
    """How fast frames were answered, and how many were not.

    Attributes
    ----------
    p50_ms, p95_ms : over the whole period; None where nothing was answered
    p95_before_ms : over the period before
    p95_by_slot : slot by slot
    received : frames that came in
    lost : those that were dropped for a newer frame, or refused
    """

    p50_ms: float | None
    p95_ms: float | None
    p95_before_ms: float | None
    p95_by_slot: list[float | None]
    received: Series
    lost: Series


def scan_counts_get(*, period: Period) -> ScanCounts:
    """Return what was scanned, in one query that reads nothing but an index."""
    rows = list(
        ScanEvent.objects.filter(period.within_or_before("created_at"))
        .values(**period.grouping("created_at"), kind=F("action"), way=F("source"))
        .annotate(count=Count("*"), pieces=Sum("quantity"))
        .order_by()
    )
    added = [row for row in rows if row["kind"] == Action.ADD]
    return ScanCounts(
        added={
            source: period.series((row for row in added if row["way"] == source), "pieces")
            for source in Source
        },
        events={
            action: period.series((row for row in rows if row["kind"] == action), "count")
            for action in Action
        },
    )


def checkout_speed_get(*, period: Period) -> CheckoutSpeed:
    """Return how fast shoppers checked out, in one query; only paid visits count."""
    events = ScanEvent.objects.filter(session=OuterRef("session")).order_by("created_at")
    used = ExpressionWrapper(F("confirmed_at") - F("begun"), output_field=DurationField())
    rows = list(
        Order.objects.filter(period.within_or_before("confirmed_at"))
        .annotate(begun=Subquery(events.values("created_at")[:1]))
        .values(**period.grouping("confirmed_at"))
        .annotate(pieces=Sum("total_items"), used=Sum(used))
        .order_by()
    )
    timed = [row | {"minutes": (row["used"] or timedelta()) / timedelta(minutes=1)} for row in rows]
    return CheckoutSpeed(pieces=period.series(rows, "pieces"), minutes=period.series(timed, "minutes"))


def visit_counts_get(*, period: Period) -> VisitCounts:
    """Return how many visits were begun, and how many left a filled cart behind, in one query."""
    filled = Exists(BillingItem.objects.filter(session=OuterRef("pk")))
    abandoned = Q(status=CheckoutSession.Status.EXPIRED) & Q(filled)
    rows = list(
        CheckoutSession.objects.filter(period.within_or_before("created_at"))
        .values(**period.grouping("created_at"))
        .annotate(begun=Count("pk"), left=Count("pk", filter=abandoned))
        .order_by()
    )
    return VisitCounts(begun=period.series(rows, "begun"), left_behind=period.series(rows, "left"))


def frame_answers_get(*, period: Period) -> FrameAnswers:
    """Return how long frames waited for answers and how many got none, in one query.

    Counts are kept by whole hours of UTC: where the shop's clock is off by half an hour, so are these days.
    """
    rows = list(
        FrameCount.objects.filter(period.within_or_before("hour"))
        .values(**period.grouping("hour"), result=F("outcome"), at=F("step"))
        .annotate(count=Sum("frames"))
        .order_by()
    )
    answered = [row for row in rows if row["result"] == FrameCount.Outcome.ANSWERED]
    by_slot: dict[Slot | None, Counter[int]] = {slot: Counter() for slot in [None, *period.slots]}
    for row in answered:
        by_slot[period.slot_of(row)][row["at"]] += row["count"]
    before = by_slot.pop(None)
    whole = sum(by_slot.values(), Counter())
    return FrameAnswers(
        p50_ms=percentile_ms(whole, 0.5),
        p95_ms=percentile_ms(whole, 0.95),
        p95_before_ms=percentile_ms(before, 0.95),
        p95_by_slot=[percentile_ms(counts, 0.95) for counts in by_slot.values()],
        received=period.series(rows, "count"),
        lost=period.series((row for row in rows if row["result"] != FrameCount.Outcome.ANSWERED), "count"),
    )
