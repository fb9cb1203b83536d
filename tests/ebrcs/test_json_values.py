"""What the shared cache in Redis holds: JSON, which runs nothing when it is read."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.cache.backends.redis import RedisSerializer

from ebrcs.json_values import JsonSerializer
from tests.ebrcs.test_file_cache import Trap


@pytest.mark.parametrize(
    "value", [0, 7, -1, True, False, None, 0.5, "7", "é", [1, "a"], {"a": {"b": [None]}}]
)
def test_values_come_back_as_they_were(value: object) -> None:
    stored = JsonSerializer().dumps(value)
    found = JsonSerializer().loads(stored if isinstance(stored, bytes) else str(stored).encode())
    assert (found, type(found)) == (value, type(value))


def test_a_value_that_somebody_else_stored_runs_nothing_and_did_with_pickles(tmp_path: Path) -> None:
    stored = pickle.dumps(Trap(tmp_path / "sprung"))
    with pytest.raises(ValueError, match=r"decode|Expecting"):
        JsonSerializer().loads(stored)
    assert not (tmp_path / "sprung").exists()
    RedisSerializer().loads(stored)  # control
    assert (tmp_path / "sprung").exists()


@pytest.mark.redis
def test_the_cache_of_the_shop_keeps_json_and_counts_in_redis() -> None:
    assert settings.CACHES["default"]["OPTIONS"]["serializer"] == "ebrcs.json_values.JsonSerializer"
    cache.set("key", {"a": [1, 2]}, 60)
    raw = cache._cache.get_client().get(cache.make_key("key"))  # type: ignore[attr-defined]
    assert raw == b'{"a": [1, 2]}'
    cache.add("hits", 0, 60)
    assert [cache.incr("hits") for _ in range(2)] == [1, 2]
    assert cache.get("hits") == 2
