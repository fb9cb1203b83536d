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


class Trap:
    """Says that it was unpickled by making a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.mkdir, (self.folder,)


def trap_lay(folder: Path, sprung: Path) -> None:
    """Put a file into a cache that runs code when it is unpickled."""
    store = FileBasedCache(str(folder), {})
    store.set("key", Trap(sprung), 60)


def test_a_file_that_somebody_else_put_there_runs_nothing(tmp_path: Path) -> None:
    folder, sprung = tmp_path / "cache", tmp_path / "sprung"
    trap_lay(folder, sprung)
    store = FileCache(str(folder), {})
    assert store.get("key", "nothing") == "nothing"
    assert not store.touch("key")
    assert not store.has_key("key")
    assert not sprung.exists()
    assert list(folder.iterdir()) == []


def test_control_the_cache_of_django_runs_it(tmp_path: Path) -> None:
    folder, sprung = tmp_path / "cache", tmp_path / "sprung"
    trap_lay(folder, sprung)
    FileBasedCache(str(folder), {}).get("key")
    assert sprung.exists()


@pytest.mark.parametrize("content", [b"", b"\n", b"null", b"[1]\n1", b"1\n1", b"9999999999\n{", b"\xff"])
def test_a_damaged_file_counts_as_expired(tmp_path: Path, content: bytes) -> None:
    store = FileCache(str(tmp_path), {})
    store.set("key", "value", 60)
    [path] = tmp_path.iterdir()
    path.write_bytes(content)
    assert store.get("key", "nothing") == "nothing"
    store.set("key", {"a": [1, None, True, "x"]}, None)
    assert store.get("key") == {"a": [1, None, True, "x"]}


def test_an_expiry_can_be_moved_and_passes(tmp_path: Path) -> None:
    store = FileCache(str(tmp_path), {})
    store.set("key", 5, 60)
    assert store.touch("key", 0.0001)
    assert store.get("key") is None
    assert not store.touch("key", 60)
    assert store.add("key", 6)
    assert not store.add("key", 7)
    assert store.get("key") == 6
