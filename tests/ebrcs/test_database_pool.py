"""Hundreds of callers at once, served over a database that lets in few connections."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import httpx2
import pytest
from django.conf import settings
from django.db import connection

from accounts.models import User
from checkout.live.threads import DATABASE_THREADS
from checkout.models import CheckoutSession
from ebrcs.backends import POOL_WAIT_S, database_pool_use
from ebrcs.server.request_limits import CLIENT_WAITING_MAX
from orders.models import Order, OrderItem
from tests.checkout.serving import STAND_IN, Server, bearer, served
from tests.checkout.shop import product_make, session_with

UNBOUNDED = {"DJANGO_SETTINGS_MODULE": "tests.ebrcs.unbounded_settings"}
# One server may use 34 of them.
CONNECTIONS_MAX = 40
CALLERS = 300


def test_a_process_has_connections_for_all_that_may_want_one_at_once() -> None:
    background_threads = 8
    assert settings.DATABASE_POOL == 34
    assert settings.REQUESTS_AT_ONCE == 16
    assert settings.MONITORING_REQUESTS_AT_ONCE == 2
    assert 16 + 2 + DATABASE_THREADS + background_threads == settings.DATABASE_POOL


def test_only_a_server_on_postgresql_shares_its_connections() -> None:
    database = {"ENGINE": "django.db.backends.postgresql", "OPTIONS": {"connect_timeout": 5}}
    database_pool_use(database, 34)
    pool = {"min_size": 0, "max_size": 34, "timeout": 3.0, "name": "database"}
    assert database["OPTIONS"] == {"connect_timeout": 5, "pool": pool}
    assert POOL_WAIT_S == 3.0
    database = {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {}}
    database_pool_use(database, 34)
    assert database["OPTIONS"] == {}
    assert "pool" not in settings.DATABASES["default"].get("OPTIONS", {})


@pytest.fixture
def small_database(transactional_db: None) -> Iterator[str]:
    """Return the address of the test database for a user with few connections."""
    found = connection.settings_dict
    with connection.cursor() as cursor:
        cursor.execute("DROP ROLE IF EXISTS ebrcs_few")
        cursor.execute(
            "CREATE ROLE ebrcs_few LOGIN PASSWORD 'few' IN ROLE CURRENT_USER "
            f"CONNECTION LIMIT {CONNECTIONS_MAX}"
        )
    yield f"postgresql://ebrcs_few:few@{found['HOST']}:{found['PORT'] or 5432}/{found['NAME']}"
    with connection.cursor() as cursor:
        cursor.execute("DROP ROLE ebrcs_few")


def connections_open() -> int:
    """Return how many connections that user has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'ebrcs_few'")
        return int(cursor.fetchone()[0])


def confirm_at_once(server: Server, user: User, session: CheckoutSession) -> list[int]:
    """Confirm one cart from many connections at once; return the statuses."""

    async def call() -> list[int]:
        limits = httpx2.Limits(max_connections=None)
        async with httpx2.AsyncClient(headers=bearer(user), limits=limits, timeout=120) as client:
            address = f"{server.origin}/api/sessions/{session.pk}/billing/confirm"
            answers = await asyncio.gather(*(client.post(address) for _ in range(CALLERS)))
        return [answer.status_code for answer in answers]

    return asyncio.run(call())


@pytest.mark.slow
@pytest.mark.postgres
def test_300_confirms_at_once_are_all_answered_with_the_one_order(
    small_database: str, shopper: User, tmp_path: Path
) -> None:
    session = session_with(shopper, product_make("Milk"), quantity=2)
    application = "tests.checkout.served:application"
    with served(application, tmp_path, **STAND_IN, DATABASE_URL=small_database) as server:
        statuses = confirm_at_once(server, shopper, session)
        assert Counter(statuses) == {201: 1, 200: CALLERS - 1}
        assert connections_open() <= settings.DATABASE_POOL
    assert Order.objects.get().session_id == session.pk
    assert OrderItem.objects.get().quantity == 2


@pytest.mark.slow
@pytest.mark.postgres
def test_control_without_pool_and_bound_some_of_them_get_no_answer(
    small_database: str, shopper: User, tmp_path: Path
) -> None:
    session = session_with(shopper, product_make("Milk"), quantity=2)
    application = "tests.checkout.served:application"
    with served(application, tmp_path, **UNBOUNDED, DATABASE_URL=small_database) as server:
        statuses = Counter(confirm_at_once(server, shopper, session))
    assert statuses[503] > 0
    assert Order.objects.get().session_id == session.pk


async def status_of(server: Server, path: str, user: User) -> int:
    """Ask over a connection of its own, with as little work as possible; return the status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    token = bearer_once(user)
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    answer = await reader.read()
    writer.close()
    return int(answer.split(b" ", 2)[1])


@cache
def bearer_once(user: User) -> str:
    """Return one token, and always the same: it is what makes requests those of one client."""
    return bearer(user)["Authorization"]


# Enough that without protection a bystander waits for long on a fast machine, too.
FLOOD = 1500


def flooded(server: Server, flooder: User, bystander: User) -> tuple[Counter[int], Counter[int], float]:
    """Let one shopper ask `FLOOD` times at once while another asks calmly.

    Returns the statuses of both, and the longest that the calm one waited.
    """

    async def flood() -> Counter[int]:
        asked = [status_of(server, "/api/products", flooder) for _ in range(FLOOD)]
        return Counter(await asyncio.gather(*asked))

    bearer_once(flooder)
    statuses: Counter[int] = Counter()
    longest_s = 0.0
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(asyncio.run, flood())
        time.sleep(1.0)
        for _ in range(10):
            asked_s = time.monotonic()
            statuses[asyncio.run(status_of(server, "/api/products", bystander))] += 1
            longest_s = max(longest_s, time.monotonic() - asked_s)
        return running.result(), statuses, longest_s


@pytest.mark.slow
@pytest.mark.postgres
def test_a_shopper_who_asks_1500_times_at_once_waits_alone(
    small_database: str, shopper: User, stranger: User, tmp_path: Path
) -> None:
    application = "tests.checkout.served:application"
    with served(application, tmp_path, **STAND_IN, DATABASE_URL=small_database) as server:
        flood, calm, longest_s = flooded(server, shopper, stranger)
    assert set(flood) <= {200, 429}
    assert flood[200] >= CLIENT_WAITING_MAX
    assert calm == {200: 10}
    assert longest_s < 5


@pytest.mark.slow
@pytest.mark.postgres
def test_control_without_pool_and_bound_others_are_refused_with_that_shopper(
    small_database: str, shopper: User, stranger: User, tmp_path: Path
) -> None:
    application = "tests.checkout.served:application"
    with served(application, tmp_path, **UNBOUNDED, DATABASE_URL=small_database) as server:
        _flood, calm, longest_s = flooded(server, shopper, stranger)
    assert calm[503] > 0 or longest_s > 5


@pytest.mark.slow
@pytest.mark.postgres
def test_callers_who_hang_up_cost_the_server_no_connection(
    small_database: str, shopper: User, tmp_path: Path
) -> None:
    session = session_with(shopper, product_make("Milk"))
    path = f"/api/sessions/{session.pk}/billing"

    async def hang_up(server: Server, number: int) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        token = bearer(shopper)["Authorization"]
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\n\r\n".encode())
        await writer.drain()
        await asyncio.sleep(number % 20 / 200)
        writer.transport.abort()

    async def hang_up_often(server: Server) -> None:
        for _ in range(5):
            await asyncio.gather(*(hang_up(server, number) for number in range(60)))

    application = "tests.checkout.served:application"
    with served(application, tmp_path, **STAND_IN, DATABASE_URL=small_database) as server:
        asyncio.run(hang_up_often(server))
        deadline_s = time.monotonic() + 60
        statuses = confirm_at_once(server, shopper, session)
        assert time.monotonic() < deadline_s
        assert set(statuses) == {200, 201}


@pytest.mark.slow
@pytest.mark.postgres
def test_a_server_outlives_lost_connections_and_a_database_that_is_away(
    small_database: str, shopper: User, tmp_path: Path
) -> None:
    def cut(login: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER ROLE ebrcs_few {login}")
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ebrcs_few'"
            )

    def ask() -> int:
        return asyncio.run(status_of(server, "/api/auth/me", shopper))

    application = "tests.checkout.served:application"
    with served(application, tmp_path, **STAND_IN, DATABASE_URL=small_database) as server:
        assert ask() == 200
        cut("LOGIN")
        assert ask() == 200
        cut("NOLOGIN")
        asked_s = time.monotonic()
        assert ask() == 503
        assert time.monotonic() - asked_s < POOL_WAIT_S + 5
        cut("LOGIN")
        deadline_s = time.monotonic() + 30
        while (status := ask()) != 200 and time.monotonic() < deadline_s:
            time.sleep(0.5)
        assert status == 200
