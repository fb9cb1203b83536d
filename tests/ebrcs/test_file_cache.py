"""The cache in files makes room without forgetting what is still good."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.cache.backends.filebased import FileBasedCache

from accounts.logins import Login
from checkout.live import tickets
from ebrcs.file_cache import FileCache
from ebrcs.rate_limits import cache_increment

ROOM = {"OPTIONS": {"MAX_ENTRIES": 60}}


def half_full_of_expired(store: FileBasedCache) -> list[str]:
    """Fill a cache to its limit, every other entry being past its time; return the keys of the good."""
    for number in range(30):
        store.set(f"good-{number}", number, 60)
        store.set(f"past-{number}", number, 0.0001)
    return [f"good-{number}" for number in range(30)]


def test_room_is_made_by_what_has_expired(tmp_path: Path) -> None:
    store = FileCache(str(tmp_path), ROOM)
    keys = half_full_of_expired(store)
    store.set("new", "value", 60)
    assert len(store.get_many(keys)) == 30
    assert store.get("new") == "value"
    assert len(list(tmp_path.iterdir())) == 31


def test_without_that_good_entries_are_thrown_out(tmp_path: Path) -> None:
    store = FileBasedCache(str(tmp_path), ROOM)
    keys = half_full_of_expired(store)
    store.set("new", "value", 60)
    assert len(store.get_many(keys)) < 30


def test_a_cache_full_of_good_entries_stays_within_its_limit(tmp_path: Path) -> None:
    store = FileCache(str(tmp_path), ROOM)
    for number in range(200):
        store.set(f"good-{number}", number, 60)
    assert len(list(tmp_path.iterdir())) <= 60
    assert store.get("good-199") == 199


def test_tickets_and_counters_outlast_the_counters_of_past_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileCache(str(tmp_path), ROOM)
    monkeypatch.setattr(tickets, "cache", store)
    user_id, session_id = uuid4(), uuid4()
    login = Login(str(user_id), "mark")
    ticket = tickets.ticket_issue(login=login, session_id=session_id)
    for hits in range(1, 301):
        assert cache_increment(store, "running", timeout_s=60) == hits
        store.set(f"past-{hits}", 1, 0.0001)
    assert tickets.ticket_redeem(ticket=ticket, session_id=session_id) == login


def test_a_shop_without_redis_keeps_its_cache_in_such_files() -> None:
    backend = settings.CACHES["default"]["BACKEND"]
    redis = "django.core.cache.backends.redis.RedisCache"
    assert backend == (redis if settings.REDIS_URL else "ebrcs.file_cache.FileCache")
