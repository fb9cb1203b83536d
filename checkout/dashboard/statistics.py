"""How well the till saw what was put before it, by time and by product; counted by the database."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import (
    Case,
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    Subquery,
    Sum,
    When,
)

from catalog.models import Product
from catalog.selectors import pictures_by_product
from checkout.live.answer_times import percentile_ms
from checkout.models import BillingItem, CheckoutSession, FrameCount, ScanEvent, Source
from checkout.review.disputes import DISPUTES
from orders.models import Order
from orders.periods import Number, Period, Series, Slot

Action = ScanEvent.Action
DOUBTFUL_PRODUCTS_MAX = 8


@dataclass(frozen=True)
class Scanning:
    """What was scanned in a period: pieces added by each source, and events of each kind."""

    added: dict[Source, Series]
    events: dict[ScanEvent.Action, Series]

    @property
    def added_total(self) -> Number:
        """All pieces added, however they came."""
        return sum(series.total for series in self.added.values())

    @property
    def added_before(self) -> Number:
        """All pieces added in the period before."""
        return sum(series.before for series in self.added.values())


@dataclass(frozen=True)
class Pace:
    """Pieces sold, and the minutes from the first thing scanned in a visit to its being paid."""

    pieces: Series
    minutes: Series


@dataclass(frozen=True)
class Visits:
    """Visits begun in a period, and those of them that expired with something in the cart."""

    begun: Series
    left_behind: Series


@dataclass(frozen=True)
class AnswerCounts:
    """Answer times and losses of frames.

    Attributes
    ----------
    p50_ms, p95_ms : over the whole period; None where nothing was answered
    p95_before_ms : over the period before
    p95_by_slot : slot by slot
    received : all frames that came in
    lost : those of them that were dropped for a newer one, or refused
    """

    p50_ms: float | None
    p95_ms: float | None
    p95_before_ms: float | None
    p95_by_slot: list[float | None]
    received: Series
    lost: Series


@dataclass(frozen=True)
class Doubtful:
    """A product about which the till was asked back or corrected: how often, and in which way."""

    product: Product
    picture: str | None
    corrected: int
    undone: int
    disagreed: int
    asked: int


def scanning_get(*, period: Period) -> Scanning:
    """Return what was scanned, in one query that reads an index alone."""
    rows = list(
        ScanEvent.objects.filter(period.within_or_before("created_at"))
        .values(**period.grouping("created_at"), kind=F("action"), way=F("source"))
        .annotate(count=Count("*"), pieces=Sum("quantity"))
        .order_by()
    )
    added = [row for row in rows if row["kind"] == Action.ADD]
    return Scanning(
        added={
            source: period.series((row for row in added if row["way"] == source), "pieces")
            for source in Source
        },
        events={
            action: period.series((row for row in rows if row["kind"] == action), "count")
            for action in Action
        },
    )


def pace_get(*, period: Period) -> Pace:
    """Return how fast shoppers got their things through, in one query; only paid visits count."""
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
    return Pace(pieces=period.series(rows, "pieces"), minutes=period.series(timed, "minutes"))


def visits_get(*, period: Period) -> Visits:
    """Return how many visits were begun, and how many left a filled cart behind, in one query."""
    filled = Exists(BillingItem.objects.filter(session=OuterRef("pk")))
    abandoned = Q(status=CheckoutSession.Status.EXPIRED) & Q(filled)
    rows = list(
        CheckoutSession.objects.filter(period.within_or_before("created_at"))
        .values(**period.grouping("created_at"))
        .annotate(begun=Count("pk"), left=Count("pk", filter=abandoned))
        .order_by()
    )
    return Visits(begun=period.series(rows, "begun"), left_behind=period.series(rows, "left"))


def answers_get(*, period: Period) -> AnswerCounts:
    """Return how long frames waited for their answers and how many got none, in one query.

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
    return AnswerCounts(
        p50_ms=percentile_ms(whole, 0.5),
        p95_ms=percentile_ms(whole, 0.95),
        p95_before_ms=percentile_ms(before, 0.95),
        p95_by_slot=[percentile_ms(counts, 0.95) for counts in by_slot.values()],
        received=period.series(rows, "count"),
        lost=period.series((row for row in rows if row["result"] != FrameCount.Outcome.ANSWERED), "count"),
    )


def doubtful_products(*, period: Period) -> list[Doubtful]:
    """Return the products that were corrected, undone, contradicted or asked about most, in three queries.

    Where barcode and picture disagree, the product in doubt is the one the picture was taken for. Only the
    undoing of an addition speaks against the till.
    """
    kinds = (Action.ANSWER, *DISPUTES)  # those of the index
    against = ~Q(action=Action.UNDO) | Q(about__action=Action.ADD)
    rows = list(
        ScanEvent.objects.filter(period.within("created_at"), against, action__in=kinds)
        .values(
            suspect=Case(When(action=Action.DISAGREE, then=F("other_product_id")), default=F("product_id"))
        )
        .annotate(
            count=Count("pk"),
            corrected=Count("pk", filter=Q(action=Action.CORRECT)),
            undone=Count("pk", filter=Q(action=Action.UNDO)),
            disagreed=Count("pk", filter=Q(action=Action.DISAGREE)),
            asked=Count("pk", filter=Q(action=Action.ANSWER)),
        )
        .filter(suspect__isnull=False)
        .order_by("-count", "suspect")[:DOUBTFUL_PRODUCTS_MAX]
    )
    products: dict[UUID, Product] = Product.objects.in_bulk([row["suspect"] for row in rows])
    pictures = pictures_by_product(products)
    return [
        Doubtful(
            product=products[row["suspect"]],
            picture=pictures.get(row["suspect"]),
            corrected=row["corrected"],
            undone=row["undone"],
            disagreed=row["disagreed"],
            asked=row["asked"],
        )
        for row in rows
    ]
