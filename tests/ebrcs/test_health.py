"""Alive is one thing, ready another; readiness names what is missing and never hangs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from ebrcs import health
from ebrcs.health import Probe, database_ask, redis_ask


@pytest.fixture
def stalled() -> Iterator[threading.Event]:
    """Return an event that a probe may wait for; it is set when the test is over."""
    event = threading.Event()
    yield event
    event.set()


def probe_of(*reasons: str) -> list[Probe]:
    return [Probe(f"service{number}", partial(str, reason)) for number, reason in enumerate(reasons)]


def engine_of(monkeypatch: pytest.MonkeyPatch, *reasons: str) -> None:
    engine = SimpleNamespace(state=lambda: SimpleNamespace(reasons=list(reasons)))
    monkeypatch.setattr(health, "engine_running", lambda: engine)


def test_alive_asks_nobody(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})
    assert "no-store" in answer["Cache-Control"]


def test_ready_when_everything_answers(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PROBES", probe_of("", ""))
    engine_of(monkeypatch)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "not_ready": {}})


def test_what_is_not_ready_is_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PROBES", probe_of("", "it sleeps"))
    engine_of(monkeypatch, "The encoder is being loaded.", "The index is being loaded.")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not ready",
        "not_ready": {
            "service1": "it sleeps",
            "recognition": "The encoder is being loaded. The index is being loaded.",
        },
    }


def test_a_process_without_an_engine_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PROBES", probe_of(""))
    monkeypatch.setattr(health, "engine_running", lambda: None)
    assert client.get("/readyz").json()["not_ready"] == {
        "recognition": "The recognition engine has not been started."
    }


def test_a_service_that_hangs_is_named_and_holds_one_thread_only(
    client: Client, monkeypatch: pytest.MonkeyPatch, stalled: threading.Event
) -> None:
    asked = []

    def hang() -> str:
        asked.append(1)
        stalled.wait()
        return ""

    monkeypatch.setattr(health, "PROBE_S", 0.05)
    monkeypatch.setattr(health, "PROBES", [Probe("slow", hang), *probe_of("")])
    engine_of(monkeypatch)
    for _ in range(3):
        answer = client.get("/readyz")
        assert (answer.status_code, list(answer.json()["not_ready"])) == (503, ["slow"])
    assert len(asked) == 1
    stalled.set()
    assert health.PROBES[0].pending is not None
    health.PROBES[0].pending.result(timeout=10)
    assert client.get("/readyz").status_code == 200


def test_a_service_that_fails_is_named_without_its_secrets(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> str:
        raise ConnectionError("password=secret")

    monkeypatch.setattr(health, "PROBES", [Probe("database", fail)])
    engine_of(monkeypatch)
    assert client.get("/readyz").json()["not_ready"] == {"database": "it does not answer"}


@pytest.mark.django_db
def test_the_database_and_redis_of_this_run_answer() -> None:
    assert database_ask() == ""
    assert redis_ask() == ""


def test_a_redis_that_is_away_is_noticed(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    probe = Probe("redis", redis_ask)
    probe.begin()
    assert probe.reason(deadline=1e18) == "it does not answer"
