"""Alive is one thing, ready another; readiness names what is missing and never hangs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from ebrcs.background import Worker
from ebrcs.monitoring import health
from ebrcs.monitoring.health import DEAD, FAILING, Probe, database_ask, redis_ask
from recognition.engine.batcher import Batcher
from recognition.engine.calibrator import Calibrator
from recognition.index.replica import Replica
from recognition.index.snapshots import SnapshotKeeper
from tests.waiting import until


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


def test_being_asked_too_early_is_no_error_of_the_server(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(health, "PROBES", probe_of("it sleeps"))
    engine_of(monkeypatch)
    assert client.get("/readyz").status_code == 503
    assert caplog.records == []


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


def test_a_service_has_two_seconds_to_answer(stalled: threading.Event) -> None:
    probe = Probe("slow", lambda: str(stalled.wait()))
    probe.begin()
    assert probe.reason(deadline=0.0) == "no answer within 2 s"


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


class Ailing(Worker):
    """Ends, fails or goes on."""

    fails_message = "it fails"

    def __init__(self, name: str, error: BaseException | None, *, is_essential: bool = False) -> None:
        super().__init__()
        self.name = name  # type: ignore[misc]  # each of these is called something else
        self.is_essential = is_essential  # type: ignore[misc]
        self._error = error

    def work(self) -> None:
        if self._error is not None:
            raise self._error


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Ailing]]:
    """Return a list of the workers of this process, which are stopped when the test is over."""
    made: list[Ailing] = []
    monkeypatch.setattr(health, "workers_running", lambda: made)
    monkeypatch.setattr(health, "PROBES", probe_of(""))
    engine_of(monkeypatch)
    yield made
    for worker in made:
        worker.stop()


def started(worker: Ailing, health: str) -> Ailing:
    worker.start()
    until(lambda: worker.health == health and not worker._is_busy)
    return worker


# the death of a thread is the subject here
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_workers_that_fail_or_have_ended_are_named_while_the_process_goes_on(
    client: Client, workers: list[Ailing]
) -> None:
    workers += [
        started(Ailing("snapshots", ConnectionError("password=secret")), "failing"),
        started(Ailing("replica", ValueError("no luck"), is_essential=True), "failing"),
        started(Ailing("housekeeping", SystemExit()), "dead"),
        started(Ailing("calibration", None), "well"),
    ]
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "not_ready": {},
        "warnings": {"snapshots": FAILING, "replica": FAILING, "housekeeping": DEAD},
    }
    assert "secret" not in answer.content.decode()


# the death of a thread is the subject here
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_process_whose_essential_worker_has_ended_is_not_ready(
    client: Client, workers: list[Ailing]
) -> None:
    workers.append(started(Ailing("batcher", SystemExit(), is_essential=True), "dead"))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "not_ready": {"batcher": DEAD}}


def test_control_workers_that_are_well_are_not_named(client: Client, workers: list[Ailing]) -> None:
    workers.append(started(Ailing("batcher", None, is_essential=True), "well"))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "not_ready": {}})


@pytest.mark.parametrize(
    ("kind", "is_essential"), [(Batcher, True), (Replica, True), (SnapshotKeeper, False), (Calibrator, False)]
)
def test_without_answers_or_a_current_index_a_process_cannot_serve(
    kind: type[Worker], is_essential: bool
) -> None:
    assert kind.is_essential is is_essential
