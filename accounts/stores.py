"""The stores of the shop; one is there from the first start, made from the settings."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from accounts.models import Store

FIRST_STORE_ID = UUID("00000000-0000-4000-8000-000000000001")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALL_DAY = ["00:00", "00:00"]


def store_default() -> Store:
    """Return the oldest store, which is made from the settings where there is none; safe at any time."""
    store = Store.objects.order_by("created_at", "pk").first()
    if store is None:
        store, _ = Store.objects.get_or_create(pk=FIRST_STORE_ID, defaults=first_store_fields())
    return store


def first_store_fields() -> dict[str, str]:
    """Return what the settings say of the first store."""
    return {
        "name": settings.STORE_NAME,
        "currency": settings.CURRENCY,
        "time_zone": settings.TIME_ZONE,
        "language": settings.LANGUAGE_CODE,
    }


def store_is_open(store: Store, *, at: datetime | None = None) -> bool:
    """Whether a store is open at a time, by default now, by the clocks of its place.

    Hours that close at or before the time they open last into the next day. A closing time that its clock
    shows twice, where clocks are set back, is the second one; a time that is skipped comes an hour later.
    """
    if not store.opening_hours:
        return True
    moment = at or timezone.now()
    zone = ZoneInfo(store.time_zone)
    today = moment.astimezone(zone).date()
    return any(
        opens <= moment < closes
        for day in (today, today - timedelta(days=1))
        for opens, closes in _hours_of(store, day, zone)
    )


def _hours_of(store: Store, day: date, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """Return when a store opens and closes on a day, in UTC; empty where it stays closed."""
    hours = store.opening_hours.get(DAYS[day.weekday()])
    if not hours:
        return []
    opening, closing = (time.fromisoformat(text) for text in hours)
    last_day = day if closing > opening else day + timedelta(days=1)
    opens = datetime.combine(day, opening, tzinfo=zone).astimezone(UTC)
    closes = datetime.combine(last_day, closing, tzinfo=zone)
    return [(opens, max(closes.replace(fold=fold).astimezone(UTC) for fold in (0, 1)))]
