"""The numbers of the dashboard as they are written, each with its course and what it was before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from checkout.dashboard import statistics
from checkout.dashboard.charts import Chart, bars_draw
from checkout.models import ScanEvent, Source
from orders.periods import Number, Period, Series
from orders.statistics import Sales, ratio
from orders.templatetags.money import money, money_whole

FIGURE_HEIGHT_PX = 96
Action = ScanEvent.Action


@dataclass(frozen=True)
class Figure:
    """A number of the period with its course and the number of the period before; all as it is written."""

    name: str
    value: str
    change: str
    before: str
    note: str = ""
    chart: Chart | None = None
    values: Sequence[str] = ()
    url: str = ""


@dataclass(frozen=True)
class Share:
    """How much of what was added came by one way."""

    kind: int
    name: str
    share: str
    before: str


def period_name(days: int) -> str:
    """Return what a period is called."""
    return _("Today") if days == 1 else ngettext("%(days)d day", "%(days)d days", days) % {"days": days}


def slot_names(period: Period, *, short: bool = False) -> list[str]:
    """Return the name of each slot in the reader's language."""
    if period.is_hourly:
        return [date_format(slot.starts, _("G:i")) for slot in period.slots]
    form = _("M j") if short else "DATE_FORMAT"
    return [date_format(slot.starts, form) for slot in period.slots]


def number(value: Number, places: int = 0) -> str:
    """Write a number as the reader's language does."""
    return str(number_format(round(Decimal(value), places), places, use_l10n=True, force_grouping=True))


def change(now: Number | None, before: Number | None) -> str:
    """Write how much more or less a number is than before; nothing where there was nothing."""
    if not now or not before:
        return ""
    percent = round(100 * (float(now) / float(before) - 1))
    sign = "+" if percent > 0 else "\N{MINUS SIGN}" if percent < 0 else "±"
    return f"{sign}{number(abs(percent))}%"


def sales_figures(sales: Sales, period: Period) -> list[Figure]:
    """Return takings, orders and average basket."""

    def amount(value: Number | None) -> str:
        return "–" if value is None or not sales.is_priced else money(Decimal(value), sales.currency)

    baskets = [
        ratio(total, count)
        for total, count in zip(sales.amount.values, sales.priced_orders.values, strict=True)
    ]
    return [
        Figure(
            name=_("Sales"),
            value=amount(sales.amount.total),
            change=change(sales.amount.total, sales.amount.before),
            before=amount(sales.amount.before),
            values=[amount(value) for value in sales.amount.values],
        ),
        _counted(_("Orders"), sales.orders, period, url=reverse("admin:orders_order_changelist")),
        Figure(
            name=_("Average order"),
            value=amount(sales.basket),
            change=change(sales.basket, sales.basket_before),
            before=amount(sales.basket_before),
            values=[amount(value) for value in baskets],
            note=_items_per_order(sales),
        ),
    ]


def _items_per_order(sales: Sales) -> str:
    items = ratio(sales.items.total, sales.orders.total)
    return "" if items is None else _("%(items)s items per order") % {"items": number(items, 1)}


def sales_chart(sales: Sales, period: Period) -> tuple[str, Chart]:
    """Return sales by day or hour with what to call them; of a shop without prices the orders."""
    if not sales.is_priced:
        name = _("Orders by hour") if period.is_hourly else _("Orders by day")
        return name, _chart(sales.orders.values, period, number, height=240)
    name = _("Sales by hour") if period.is_hourly else _("Sales by day")
    return name, _chart(
        sales.amount.values,
        period,
        lambda value: money_whole(value, sales.currency),
        titled=lambda value: str(money(Decimal(value), sales.currency)),
        height=240,
    )


def source_shares(scanning: statistics.Scanning) -> list[Share]:
    """Return which part of the items was seen, read or put in by hand."""
    total = scanning.added_total
    before = scanning.added_before
    return [
        Share(
            kind=kind,
            name=str(source.label),
            share=_percent(series.total, total),
            before=_percent(series.before, before),
        )
        for kind, (source, series) in enumerate(scanning.added.items())
    ]


def source_chart(scanning: statistics.Scanning, period: Period) -> Chart:
    """Return items by day or hour, each bar in parts of where they came from."""
    rows = list(zip(*(scanning.added[source].values for source in Source), strict=True))
    titles = [
        f"{name}: "
        + ", ".join(f"{source.label} {number(value)}" for source, value in zip(Source, row, strict=True))
        for name, row in zip(slot_names(period), rows, strict=True)
    ]
    return bars_draw(
        rows=rows, slots=slot_names(period, short=True), titles=titles, written=number, height=200
    )


def recognition_figures(period: Period, scanning: statistics.Scanning) -> list[Figure]:
    """Return how fast, how doubtful and how wrong the till was."""
    pace = statistics.pace_get(period=period)
    answers = statistics.answers_get(period=period)
    visits = statistics.visits_get(period=period)
    paces = [ratio(*pair) for pair in zip(pace.pieces.values, pace.minutes.values, strict=True)]
    lost = [
        ratio(100 * gone, came)
        for gone, came in zip(answers.lost.values, answers.received.values, strict=True)
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
        _measured(
            _("Items per minute"),
            paces,
            period,
            now=ratio(pace.pieces.total, pace.minutes.total),
            before=ratio(pace.pieces.before, pace.minutes.before),
            written=lambda value: number(value, 1),
            note=_("from first item to payment"),
        ),
        *(
            _counted(
                name,
                scanning.events[action],
                period,
                url=f"{url}?action__exact={action.value}",
                note=_per_hundred(scanning.events[action].total, scanning.added_total),
            )
            for name, action, url in doubts
        ),
        _measured(
            _("Response time (95th percentile)"),
            answers.p95_by_slot,
            period,
            now=answers.p95_ms,
            before=answers.p95_before_ms,
            written=_milliseconds,
            note=""
            if answers.p50_ms is None
            else _("median %(time)s") % {"time": _milliseconds(answers.p50_ms)},
        ),
        _measured(
            _("Dropped frames"),
            lost,
            period,
            now=ratio(100 * answers.lost.total, answers.received.total),
            before=ratio(100 * answers.lost.before, answers.received.before),
            written=lambda value: f"{number(value, 1)}%",
            note=ngettext("of %(count)s frame", "of %(count)s frames", int(answers.received.total))
            % {"count": number(answers.received.total)},
        ),
        _counted(
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


def _counted(name: str, series: Series, period: Period, *, url: str = "", note: str = "") -> Figure:
    return Figure(
        name=name,
        value=number(series.total),
        change=change(series.total, series.before),
        before=number(series.before),
        note=note,
        chart=_chart(series.values, period, number, small=True),
        values=[number(value) for value in series.values],
        url=url,
    )


def _measured(
    name: str,
    values: Sequence[Number | None],
    period: Period,
    *,
    now: Number | None,
    before: Number | None,
    written: Callable[[Number], str],
    note: str,
) -> Figure:
    return Figure(
        name=name,
        value="–" if now is None else written(now),
        change=change(now, before),
        before="–" if before is None else written(before),
        note=note,
        chart=_chart(values, period, written, small=True, whole=False),
        values=["–" if value is None else written(value) for value in values],
    )


def _chart(
    values: Sequence[Number | None],
    period: Period,
    written: Callable[[Any], str],
    *,
    titled: Callable[[Any], str] | None = None,
    height: int = FIGURE_HEIGHT_PX,
    small: bool = False,
    whole: bool = True,
) -> Chart:
    say = titled or written
    titles = [
        f"{name}: {'–' if value is None else say(value)}"
        for name, value in zip(slot_names(period), values, strict=True)
    ]
    return bars_draw(
        rows=[[value] for value in values],
        slots=slot_names(period, short=True),
        titles=titles,
        written=written,
        height=height,
        lines_max=2 if small else 4,
        labels_max=3 if small else 8,
        whole=whole,
    )


def _percent(part: Number, whole: Number) -> str:
    share = ratio(100 * part, whole)
    return "–" if share is None else f"{number(share)}%"


def _per_hundred(count: Number, items: Number) -> str:
    rate = ratio(100 * count, items)
    return "" if rate is None else _("%(rate)s per 100 items") % {"rate": number(rate, 1)}


def _milliseconds(value: Number) -> str:
    return _("%(number)s ms") % {"number": number(value)}
