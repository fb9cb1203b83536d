"""Rate limits count every request once, in all threads and processes together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.cache.backends.locmem import LocMemCache
from django.test import RequestFactory
from pytest_django.fixtures import Settings
from redis.exceptions import ConnectionError as RedisConnectionError

from ebrcs import rate_limits
from ebrcs.rate_limits import (
    TooManyRequests,
    cache_increment,
    client_address,
    client_address_of_scope,
    hits_count,
    rate_limit_check,
    rate_parse,
)

PROCESSES, HITS = 3, 150
COUNTER = """
import json, sys, time
from pathlib import Path
import django
django.setup()
from django.core.cache import cache
from ebrcs.rate_limits import hits_count
folder, key, number, hits = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])

def unprotected(key):  # how the framework's own throttle counts: read, then write
    value = cache.get(key, 0) + 1
    cache.set(key, value, 600)
    return value

def meet(round):
    (folder / f"{round}-{number}").touch()
    while len(list(folder.glob(f"{round}-*"))) < int(sys.argv[5]):
        time.sleep(0.001)

meet("protected")
protected = [hits_count(key, timeout_s=600) for _ in range(hits)]
meet("unprotected")
print(json.dumps([protected, [unprotected(key + "-control") for _ in range(hits)]]))
"""


def counted_by_processes(folder: Path, redis_url: str) -> tuple[list[int], list[int]]:
    """Count in several processes at once; return all values seen, with and without the protection."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "ebrcs.settings",
        "EBRCS_DATA_DIR": str(folder / "data"),
        "REDIS_URL": redis_url,
    }
    key = uuid4().hex
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", COUNTER, str(folder), key, str(number), str(HITS), str(PROCESSES)],
            cwd=settings.BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
        )
        for number in range(PROCESSES)
    ]
    outcomes = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    protected = sorted(value for outcome in outcomes for value in outcome[0])
    return protected, sorted(value for outcome in outcomes for value in outcome[1])


def test_processes_sharing_files_lose_no_count_and_without_the_lock_they_do(tmp_path: Path) -> None:
    protected, unprotected = counted_by_processes(tmp_path, "")
    assert protected == list(range(1, PROCESSES * HITS + 1))
    assert max(unprotected) < PROCESSES * HITS


@pytest.mark.redis
def test_processes_sharing_redis_lose_no_count_and_reading_then_writing_does(tmp_path: Path) -> None:
    protected, unprotected = counted_by_processes(tmp_path, settings.REDIS_URL)
    assert protected == list(range(1, PROCESSES * HITS + 1))
    assert max(unprotected) < PROCESSES * HITS


@pytest.mark.usefixtures("one_rate_window")
def test_of_many_threads_exactly_as_many_pass_as_are_allowed(settings: Settings) -> None:
    rates = {**settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "login": "7/day"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}

    def passes(_number: int) -> bool:
        try:
            rate_limit_check("login", "someone")
        except TooManyRequests:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(passes, range(60))) == 7


def test_a_new_window_begins_anew_and_the_wait_until_then_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [60_000_020.5]  # 39.5 seconds before the next full minute
    monkeypatch.setattr(time, "time", lambda: clock[0])
    for _ in range(10):
        rate_limit_check("login", "someone")
    with pytest.raises(TooManyRequests) as caught:
        rate_limit_check("login", "someone")
    assert caught.value.retry_after_s == 40
    rate_limit_check("login", "someone else")
    rate_limit_check("refresh", "someone")
    clock[0] += caught.value.retry_after_s
    rate_limit_check("login", "someone")


@pytest.mark.parametrize(
    ("rate", "parsed"),
    [("10/min", (10, 60)), ("1/s", (1, 1)), ("5/hour", (5, 3600)), ("7/day", (7, 86_400))],
)
def test_a_rate_is_a_number_and_a_window(rate: str, parsed: tuple[int, int]) -> None:
    assert rate_parse(rate) == parsed


def test_without_the_shared_cache_a_process_counts_alone_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Gone:
        def add(self, *arguments: object) -> None:
            raise RedisConnectionError

    monkeypatch.setattr(rate_limits, "caches", {"default": Gone()})
    key = uuid4().hex
    assert [hits_count(key, timeout_s=60) for _ in range(3)] == [1, 2, 3]
    assert "counts its rate limits alone" in caplog.text


def test_a_counter_thrown_out_to_make_room_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocMemCache("tests-of-rate-limits", {})
    monkeypatch.setattr(store, "add", lambda *arguments: None)
    assert cache_increment(store, "key", timeout_s=60) == 1
    assert cache_increment(store, "key", timeout_s=60) == 2


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "1.1.1.1", "9.9.9.9"),
        (1, "1.1.1.1, 2.2.2.2", "2.2.2.2"),
        (2, "1.1.1.1, 2.2.2.2", "1.1.1.1"),
        (5, "1.1.1.1", "1.1.1.1"),
        (1, "", "9.9.9.9"),
        (1, " , 2.2.2.2", "2.2.2.2"),
        (1, ",", "9.9.9.9"),
    ],
)
def test_only_known_proxies_are_believed(
    settings: Settings, proxies: int, forwarded: str, address: str
) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": proxies}
    request = RequestFactory().get("/", REMOTE_ADDR="9.9.9.9", headers={"x-forwarded-for": forwarded})
    assert client_address(request) == address
    headers = [(b"X-Forwarded-For", part.encode()) for part in forwarded.split(",")]
    scope: Any = {"type": "websocket", "headers": headers, "client": ["9.9.9.9", 1]}
    assert client_address_of_scope(scope) == address


def test_a_connection_without_an_address_has_an_empty_one() -> None:
    scope: Any = {"type": "http", "headers": [], "client": None}
    assert client_address_of_scope(scope) == ""
