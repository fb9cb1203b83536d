"""Periods as a shop keeper counts them: whole days in the shop's time zone, up to now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.db.models.functions import ExtractHour, TruncDate
from django.utils import timezone

Number = int | float | Decimal


@dataclass(frozen=True)
class Slot:
    """A day, or an hour of a day: what one bar of a chart stands for.

    Where clocks are set back, the two hours of the same name share a slot.
    """

    day: date
    hour: int | None = None

    @property
    def starts(self) -> datetime:
        """When it begins in local time, for display; without a time zone."""
        return datetime(self.day.year, self.day.month, self.day.day, self.hour or 0)  # noqa: DTZ001


@dataclass(frozen=True)
class Period:
    """The last `days` days including today; hour by hour if that is today alone.

    Attributes
    ----------
    now : its end, in the time zone of the shop
    """

    days: int
    now: datetime

    @classmethod
    def last(cls, days: int) -> Period:
        """Return the period that ends now."""
        return cls(days=days, now=timezone.localtime(timezone=timezone.get_default_timezone()))

    @property
    def zone(self) -> tzinfo:
        """The time zone of the shop."""
        return timezone.get_default_timezone()

    @property
    def is_hourly(self) -> bool:
        """Whether its slots are hours."""
        return self.days == 1

    @property
    def first_day(self) -> date:
        """The first day."""
        return self.now.date() - timedelta(days=self.days - 1)

    @property
    def slots(self) -> list[Slot]:
        """Every hour of today, or every day, including those without any event."""
        if self.is_hourly:
            return [Slot(self.first_day, hour) for hour in range(24)]
        return [Slot(self.first_day + timedelta(days=number)) for number in range(self.days)]

    def within(self, field: str) -> Q:
        """Return the condition that a time is in the period."""
        return self._between(field, self._midnight(self.first_day), self.now)

    def within_or_before(self, field: str) -> Q:
        """Return the condition that a time is in the period or in the one before.

        The one before has as many days, up to the same time of day: half a day is compared with half a day.
        """
        step = timedelta(days=self.days)
        earlier_now = (self.now.replace(tzinfo=None) - step).replace(tzinfo=self.zone)
        # Written so that the database scans one range of an index and leaves out the gap.
        whole = self._between(field, self._midnight(self.first_day - step), self.now)
        return whole & ~self._between(field, earlier_now, self._midnight(self.first_day))

    def grouping(self, field: str) -> dict[str, Any]:
        """Return the expressions that group rows into slots; `series` takes the grouped rows."""
        day = {"slot_day": TruncDate(field, tzinfo=self.zone)}
        return day | {"slot_hour": ExtractHour(field, tzinfo=self.zone)} if self.is_hourly else day

    def slot_of(self, row: Mapping[str, Any]) -> Slot | None:
        """Return the slot of a grouped row, None for a row of the period before."""
        return None if row["slot_day"] < self.first_day else Slot(row["slot_day"], row.get("slot_hour"))

    def series(self, rows: Iterable[Mapping[str, Any]], name: str) -> Series:
        """Return the column `name` of grouped rows, slot by slot; None counts as zero."""
        by_slot: dict[Slot, Number] = dict.fromkeys(self.slots, 0)
        before: Number = 0
        for row in rows:
            value, slot = row[name] or 0, self.slot_of(row)
            if slot is None:
                before += value
            else:
                by_slot[slot] += value
        return Series(values=list(by_slot.values()), before=before)

    def _midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.zone)

    @staticmethod
    def _between(field: str, start: datetime, end: datetime) -> Q:
        return Q(**{f"{field}__gte": start, f"{field}__lt": end})


@dataclass(frozen=True)
class Series:
    """The values of a period, slot by slot, and their sum in the period before."""

    values: list[Number]
    before: Number

    @property
    def total(self) -> Number:
        """Their sum."""
        return sum(self.values)
