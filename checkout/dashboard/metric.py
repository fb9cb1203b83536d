"""A metric of the dashboard: a number of the period, its chart, and the number of the period before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from checkout.dashboard.charts import Chart, bars_draw
from checkout.dashboard.formats import ABSENT, change, number, slot_names
from orders.periods import Number, Period, Series

METRIC_HEIGHT_PX = 96


@dataclass(frozen=True)
class Metric:
    """A metric as it is written on the page.

    Attributes
    ----------
    value, before : of the period, and of the period before
    change : between them, as a percentage; empty without a number to compare
    note : what the value is measured against
    values : of each slot, for the table
    url : the list of what was counted
    """

    name: str
    value: str
    change: str
    before: str
    note: str = ""
    chart: Chart | None = None
    values: Sequence[str] = ()
    url: str = ""


def metric_counted(name: str, series: Series, period: Period, *, url: str = "", note: str = "") -> Metric:
    """Return a metric that counts: its value is the sum over its slots."""
    return Metric(
        name=name,
        value=number(series.total),
        change=change(series.total, series.before),
        before=number(series.before),
        note=note,
        chart=metric_chart(series.values, period, number),
        values=[number(value) for value in series.values],
        url=url,
    )


def metric_measured(
    name: str,
    values: Sequence[Number | None],
    period: Period,
    *,
    now: Number | None,
    before: Number | None,
    written: Callable[[Number], str],
    note: str,
) -> Metric:
    """Return a metric that measures, such as a rate or a time: slots do not add up to its value, `now`."""
    return Metric(
        name=name,
        value=ABSENT if now is None else written(now),
        change=change(now, before),
        before=ABSENT if before is None else written(before),
        note=note,
        chart=metric_chart(values, period, written, whole=False),
        values=[ABSENT if value is None else written(value) for value in values],
    )


def metric_chart(
    values: Sequence[Number | None], period: Period, written: Callable[[Any], str], *, whole: bool = True
) -> Chart:
    """Return the small chart below a metric."""
    return slots_chart(
        values,
        period,
        written=written,
        titled=written,
        height=METRIC_HEIGHT_PX,
        lines_max=2,
        labels_max=3,
        whole=whole,
    )


def slots_chart(
    values: Sequence[Number | None],
    period: Period,
    *,
    written: Callable[[Any], str],
    titled: Callable[[Any], str],
    height: int,
    lines_max: int = 4,
    labels_max: int = 8,
    whole: bool = True,
) -> Chart:
    """Return a chart with a bar for each slot; `written` labels the scale, `titled` the bars."""
    titles = [
        f"{name}: {ABSENT if value is None else titled(value)}"
        for name, value in zip(slot_names(period), values, strict=True)
    ]
    return bars_draw(
        rows=[[value] for value in values],
        slots=slot_names(period, short=True),
        titles=titles,
        written=written,
        height=height,
        lines_max=lines_max,
        labels_max=labels_max,
        whole=whole,
    )
