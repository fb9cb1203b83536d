"""When a store is open, by the clocks of its place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pytest_django.fixtures import Settings

from accounts.models import Store
from accounts.stores import store_default, store_is_open

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def store_with(hours: dict[str, list[str]], zone: str = "UTC") -> Store:
    return Store(name="Shop", currency="EUR", language="en", time_zone=zone, opening_hours=hours)


def is_open(store: Store, when: str) -> bool:
    """Whether it is open at a time on its own clock."""
    moment = datetime.fromisoformat(when).replace(tzinfo=ZoneInfo(store.time_zone))
    return store_is_open(store, at=moment.astimezone(UTC))


def open_minutes(store: Store, day: str) -> int:
    """Return how many minutes of a day of 23, 24 or 25 hours it is open, walking through them in UTC."""
    zone = ZoneInfo(store.time_zone)
    begins = datetime.fromisoformat(day).replace(tzinfo=zone)
    ends = (datetime.fromisoformat(day) + timedelta(days=1)).replace(tzinfo=zone)
    moment, minutes = begins.astimezone(UTC), 0
    while moment < ends.astimezone(UTC):
        minutes += store_is_open(store, at=moment)
        moment += timedelta(minutes=1)
    return minutes


def test_a_store_without_hours_is_always_open() -> None:
    assert is_open(store_with({}), "2026-11-28 03:00")
    assert store_is_open(store_with({}))


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-11-23 07:59:59", False),  # a Monday
        ("2026-11-23 08:00:00", True),
        ("2026-11-23 21:59:59", True),
        ("2026-11-23 22:00:00", False),
        ("2026-11-24 12:00:00", False),  # a day that is missing
    ],
)
def test_a_day_has_its_hours_and_a_missing_one_none(when: str, expected: bool) -> None:
    assert is_open(store_with({"mon": ["08:00", "22:00"]}), when) is expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-11-27 17:59", False),  # a Friday
        ("2026-11-27 18:00", True),
        ("2026-11-28 01:59", True),
        ("2026-11-28 02:00", False),
        ("2026-11-28 18:30", False),
        ("2026-11-27 01:00", False),  # Thursday is closed, so nothing lasts into Friday
    ],
)
def test_hours_past_midnight_last_into_the_next_day(when: str, expected: bool) -> None:
    assert is_open(store_with({"fri": ["18:00", "02:00"]}), when) is expected


def test_sunday_lasts_into_monday() -> None:
    store = store_with({"sun": ["20:00", "04:00"]})
    assert is_open(store, "2026-11-30 03:59")
    assert not is_open(store, "2026-11-30 04:00")


def test_a_day_from_midnight_to_midnight_is_open_throughout_and_no_other() -> None:
    store = store_with({"sat": ["00:00", "00:00"]})
    assert [open_minutes(store, f"2026-11-{day}") for day in (27, 28, 29)] == [0, 24 * 60, 0]


def test_closing_at_midnight_ends_the_day() -> None:
    store = store_with({"sat": ["08:00", "00:00"]})
    assert is_open(store, "2026-11-28 23:59")
    assert not is_open(store, "2026-11-29 00:00")


@pytest.mark.parametrize(
    "zone", ["Asia/Seoul", "America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kathmandu"]
)
def test_hours_are_those_of_the_place(zone: str) -> None:
    store = store_with({"mon": ["08:00", "22:00"]}, zone)
    assert is_open(store, "2026-11-23 08:00")
    assert not is_open(store, "2026-11-23 22:00")
    assert open_minutes(store, "2026-11-23") == 14 * 60


def test_a_time_is_the_same_moment_in_any_zone() -> None:
    store = store_with({"mon": ["08:00", "22:00"]}, "Asia/Seoul")
    moment = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)  # 08:30 on Monday in Seoul
    assert store_is_open(store, at=moment)
    assert store_is_open(store, at=moment.astimezone(ZoneInfo("America/New_York")))


@pytest.mark.parametrize(
    ("day", "hours", "minutes"),
    [
        ("2026-03-29", ["00:00", "00:00"], 23 * 60),  # clocks go from 02:00 to 03:00
        ("2026-10-25", ["00:00", "00:00"], 25 * 60),  # and back from 03:00 to 02:00
        ("2026-03-29", ["08:00", "20:00"], 12 * 60),
        ("2026-10-25", ["08:00", "20:00"], 12 * 60),
        ("2026-03-29", ["00:00", "02:30"], 150),  # 02:30 does not come: as long after midnight
        ("2026-03-29", ["02:30", "06:00"], 150),
        ("2026-10-25", ["00:00", "02:30"], 210),  # it comes twice: closed after the second time,
        ("2026-10-25", ["02:30", "06:00"], 270),  # open from the first
    ],
)
def test_days_of_23_and_25_hours(day: str, hours: list[str], minutes: int) -> None:
    assert open_minutes(store_with({"sun": hours}, "Europe/Berlin"), day) == minutes


def test_it_does_not_close_for_an_hour_in_between_when_clocks_go_back() -> None:
    store = store_with({"sun": ["00:00", "02:30"]}, "Europe/Berlin")
    midnight = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
    states = [store_is_open(store, at=midnight + timedelta(minutes=10 * step)) for step in range(30)]
    assert states == [True] * 21 + [False] * 9


def test_a_night_that_ends_on_the_day_clocks_change_has_its_own_length() -> None:
    store = store_with({"sat": ["22:00", "04:00"]}, "Europe/Berlin")
    nights = {"2026-03-28": "2026-03-29", "2026-10-24": "2026-10-25"}
    lengths = [open_minutes(store, day) + open_minutes(store, after) for day, after in nights.items()]
    assert lengths == [5 * 60, 7 * 60]


@pytest.mark.django_db
def test_the_first_store_is_made_from_the_settings_and_once(settings: Settings) -> None:
    Store.objects.all().delete()
    settings.STORE_NAME, settings.CURRENCY, settings.TIME_ZONE = "Corner Shop", "KRW", "Asia/Seoul"
    made = store_default()
    assert (made.name, made.currency, made.time_zone, made.language) == (
        "Corner Shop",
        "KRW",
        "Asia/Seoul",
        "en",
    )
    settings.STORE_NAME = "Other"
    assert (store_default(), Store.objects.count()) == (made, 1)
