"""Whether the process lives, and whether it can serve."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from ebrcs.background import workers_running
from ebrcs.storage import storage_refusal
from recognition.engine.shared import engine_running

logger = logging.getLogger(__name__)
PROBE_S = 2.0
PROBE_BYTES = 2**18  # about what a photo takes
DEAD = "The worker has ended; restart the process."
FAILING = "The worker fails and tries again; the log has the reason."


class Probe:
    """Asks one service whether it answers, in a thread of its own.

    A service that hangs holds that one thread and nobody else: further probes meet the pending one instead
    of starting more.
    """

    def __init__(self, name: str, ask: Callable[[], str]) -> None:
        self.name = name
        self.ask = ask
        self.pool = ThreadPoolExecutor(1, thread_name_prefix=f"probe-{name}")
        self.pending: Future[str] | None = None

    def begin(self) -> None:
        """Ask, unless an answer is still awaited."""
        if self.pending is None or self.pending.done():
            self.pending = self.pool.submit(self.ask)

    def reason(self, deadline: float) -> str:
        """Return why the service is not ready, or nothing; waits until `deadline` (monotonic seconds)."""
        assert self.pending is not None
        try:
            return self.pending.result(timeout=max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            return f"no answer within {PROBE_S:.0f} s"
        except Exception as error:  # noqa: BLE001 - whatever a driver raises means that it does not answer
            logger.warning("%s is not ready: %s", self.name, error)
            return "it does not answer"


def database_ask() -> str:
    """Ask the database for anything."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()
    return ""


def redis_ask() -> str:
    """Ask Redis, if this shop uses one."""
    if settings.REDIS_URL:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=PROBE_S, socket_connect_timeout=PROBE_S
        ) as client:
            client.ping()
    return ""


def storage_ask() -> str:
    """Write a file without a name to the folders that hold photos, index files and what else is kept."""
    for folder in (settings.DATA_DIR, settings.MEDIA_ROOT):
        try:
            with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
                file.write(bytes(PROBE_BYTES))
        except FileNotFoundError:
            continue  # made with the first photo
        except OSError as error:
            refusal = storage_refusal(error)
            return refusal.detail if refusal else "Nothing can be written."
    return ""


PROBES = [Probe("database", database_ask), Probe("redis", redis_ask)]
STORAGE = Probe("storage", storage_ask)


def recognition_reasons() -> list[str]:
    """Return why nothing can be recognized: no encoder, no index, or two that do not fit."""
    engine = engine_running()
    return engine.state().reasons if engine else ["The recognition engine has not been started."]


def worker_troubles() -> tuple[dict[str, str], dict[str, str]]:
    """Return what the background workers suffer from, by their names; no reasons, which may hold secrets.

    Returns
    -------
    Those that have ended and without which the process cannot serve, and all others: it can go on without
    them, or while they try again.
    """
    vital: dict[str, str] = {}
    others: dict[str, str] = {}
    for worker in workers_running():
        if worker.health == "dead":
            (vital if worker.is_essential else others)[worker.name] = DEAD
        elif worker.health == "failing":
            others[worker.name] = FAILING
    return vital, others


@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer that the process is alive; asks nobody else."""
    return JsonResponse({"status": "alive"})


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer whether the process can serve, and name what is not ready, within about two seconds.

    Workers that fail while the process goes on serving are named under `warnings`, which is left out where
    there are none. So is a disk that cannot be written to, unless the database is on it: carts and orders
    do not need it.
    """
    for probe in (*PROBES, STORAGE):
        probe.begin()
    deadline = time.monotonic() + PROBE_S
    not_ready = {probe.name: reason for probe in PROBES if (reason := probe.reason(deadline))}
    if reasons := recognition_reasons():
        not_ready["recognition"] = " ".join(reasons)
    vital, warnings = worker_troubles()
    not_ready |= vital
    if reason := STORAGE.reason(deadline):
        (not_ready if connection.vendor == "sqlite" else warnings)[STORAGE.name] = reason
    body: dict[str, Any] = {"status": "not ready" if not_ready else "ready", "not_ready": not_ready}
    if warnings:
        body["warnings"] = warnings
    answer = JsonResponse(body, status=503 if not_ready else 200)
    answer._has_been_logged = True  # type: ignore[attr-defined]  # being asked too early is no error of the server
    return answer
