"""Database, channel layer and cache of a shop: PostgreSQL and Redis, or this machine alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

POOL_WAIT_S = 3.0


def database_settings(url: str, test_path: Path) -> dict[str, Any]:
    """Return Django's settings for a PostgreSQL or an SQLite database.

    SQLite runs with WAL and begins every transaction IMMEDIATE: deferred ones fail with "database is
    locked" in a quarter to half of concurrent writes, immediate ones wait their turn.

    Parameters
    ----------
    test_path : where tests on SQLite keep theirs: in a file, so that threads meet in it as processes do
    """
    try:
        found: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=0))
    except ValueError:
        raise ImproperlyConfigured(
            "DATABASE_URL: allowed are postgresql:// and sqlite:// addresses"
        ) from None
    if found["ENGINE"] == "django.db.backends.sqlite3":
        Path(found["NAME"]).parent.mkdir(parents=True, exist_ok=True)
        found["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        }
        found["TEST"] = {"NAME": str(test_path)}
    elif found["ENGINE"] == "django.db.backends.postgresql":
        found["CONN_HEALTH_CHECKS"] = True
        found.setdefault("OPTIONS", {})["connect_timeout"] = 5
    else:
        raise ImproperlyConfigured("DATABASE_URL: allowed are postgresql:// and sqlite:// addresses")
    return found


def database_pool_use(database: dict[str, Any], size: int) -> None:
    """Let a server keep its PostgreSQL connections and share them among its threads, so many at most.

    Commands connect for themselves: they are soon over, and say at once why the database cannot be reached.
    A thread waits for a connection only while the database is away, as there are enough for all (see
    `ebrcs.settings`); it gives up after `POOL_WAIT_S`.
    """
    if database["ENGINE"] == "django.db.backends.postgresql":
        options = {"min_size": 0, "max_size": size, "timeout": POOL_WAIT_S, "name": "database"}
        database["OPTIONS"]["pool"] = options


def channel_layer_settings(redis_url: str) -> dict[str, Any]:
    """Return what carries notices between sockets: Redis, or without an address the memory of one process."""
    if not redis_url:
        return {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    return {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        # The layer waits 5 s for a message, which is also the time after which the driver by itself takes
        # Redis to be gone: without a longer one every quiet listener loses its connection.
        "CONFIG": {"hosts": [{"address": redis_url, "socket_timeout": 10, "socket_connect_timeout": 2}]},
    }


def cache_settings(redis_url: str, folder: Path) -> dict[str, Any]:
    """Return the cache that all processes share: Redis, or without an address files on this machine.

    Rate limits count in it, which in the memory of each process would be limits of that process only.
    """
    if not redis_url:
        return {
            "BACKEND": "ebrcs.file_cache.FileCache",
            "LOCATION": folder,
            # Unexpired at one time; a busy shop has a few hundred logins, sign-ups and tickets.
            "OPTIONS": {"MAX_ENTRIES": 5_000},
        }
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": redis_url,
        # Of what is stored; the first version were pickles, which are left to expire.
        "VERSION": 2,
        # A Redis that hangs must not hang every request with it.
        "OPTIONS": {
            "serializer": "ebrcs.json_values.JsonSerializer",
            "socket_timeout": 2,
            "socket_connect_timeout": 2,
        },
    }
