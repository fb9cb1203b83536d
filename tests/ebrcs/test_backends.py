"""Which database, channel layer and cache a shop gets by its addresses."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from ebrcs.backends import cache_settings, channel_layer_settings, database_settings

REDIS = "redis://127.0.0.1:6379/0"


def test_sqlite_begins_transactions_immediately_and_waits_its_turn(tmp_path: Path) -> None:
    path = tmp_path / "new" / "shop.sqlite3"
    found = database_settings(f"sqlite:///{path}", tmp_path / "test.sqlite3")
    assert found["OPTIONS"] == {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
    assert (found["NAME"], found["TEST"]) == (str(path), {"NAME": str(tmp_path / "test.sqlite3")})
    assert path.parent.is_dir()


def test_postgresql_gives_up_connecting_after_five_seconds(tmp_path: Path) -> None:
    found = database_settings("postgresql://shop:secret@db:5433/ebrcs", tmp_path)
    assert (found["OPTIONS"], found["CONN_HEALTH_CHECKS"]) == ({"connect_timeout": 5}, True)
    assert [found[name] for name in ("NAME", "USER", "HOST", "PORT")] == ["ebrcs", "shop", "db", 5433]


@pytest.mark.parametrize("url", ["mysql://shop:secret@db/ebrcs", "nonsense://secret"])
def test_another_database_is_refused_without_its_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        database_settings(url, tmp_path)
    assert str(refused.value) == "DATABASE_URL: allowed are postgresql:// and sqlite:// addresses"


def test_redis_may_be_quiet_for_ten_seconds_and_hang_for_two(tmp_path: Path) -> None:
    (host,) = channel_layer_settings(REDIS)["CONFIG"]["hosts"]
    assert host == {"address": REDIS, "socket_timeout": 10, "socket_connect_timeout": 2}
    cache = cache_settings(REDIS, tmp_path)
    assert (cache["LOCATION"], cache["OPTIONS"]) == (
        REDIS,
        {
            "serializer": "ebrcs.json_values.JsonSerializer",
            "socket_timeout": 2,
            "socket_connect_timeout": 2,
        },
    )
    assert cache["VERSION"] == 2


def test_without_redis_notices_stay_in_memory_and_limits_are_kept_in_files(tmp_path: Path) -> None:
    assert channel_layer_settings("") == {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    assert cache_settings("", tmp_path) == {
        "BACKEND": "ebrcs.file_cache.FileCache",
        "LOCATION": tmp_path,
        "OPTIONS": {"MAX_ENTRIES": 5_000},
    }
