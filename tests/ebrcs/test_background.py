"""What all background workers share: failures logged once, stopping, waking, and health."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import OperationalError, connection

from ebrcs import background
from ebrcs.background import Worker, failure_message, thread_start, workers_running
from tests.waiting import until

WAIT_S = 20.0
LONG_S = 3600.0


class Rounds(Worker):
    """Does as it is told, and notes the time of each round."""

    name = "rounds"
    fails_message = "the rounds fail; nothing follows"

    def __init__(
        self,
        act: Callable[[], object] = lambda: None,
        *,
        pause_s: float | None = None,
        retry_s: float | None = None,
        retry_max_s: float | None = None,
    ) -> None:
        super().__init__(retry_s=retry_s, retry_max_s=retry_max_s)
        self.act = act
        self.pause_s = pause_s
        self.rounds_s: list[float] = []

    def work(self) -> float | None:
        self.rounds_s.append(time.monotonic())
        self.act()
        return self.pause_s


@pytest.fixture
def started() -> Iterator[Callable[[Rounds], Rounds]]:
    """Start workers that are stopped when the test is over."""
    made: list[Rounds] = []

    def start(worker: Rounds) -> Rounds:
        made.append(worker)
        worker.start()
        return worker

    yield start
    for worker in made:
        worker.stop()


Start = Callable[[Rounds], Rounds]


@pytest.fixture
def closings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note in which thread a database connection is closed."""
    noted: list[str] = []

    class Noting:
        def close(self) -> None:
            noted.append(threading.current_thread().name)
            connection.close()

    monkeypatch.setattr(background, "connection", Noting())
    return noted


def fail() -> None:
    raise ValueError("no luck")


def test_failures_in_a_row_are_logged_once_and_the_worker_recovers(
    started: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    worker = started(Rounds(fail, pause_s=0.001, retry_s=0.001))
    until(lambda: len(worker.rounds_s) >= 5)
    assert (worker.health, worker.failure) == ("failing", "no luck")
    worker.act = lambda: None
    until(lambda: worker.health == "well")
    assert worker.failure == ""
    messages = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert messages == [
        ("ERROR", "the rounds fail; nothing follows"),
        ("INFO", "resolved: the rounds fail; nothing follows"),
    ]
    assert "ValueError: no luck" in caplog.text
    assert caplog.records[0].name == __name__

    worker.act = fail
    until(lambda: worker.health == "failing")
    assert caplog.text.count("ERROR") == 2


def test_control_a_worker_that_succeeds_logs_nothing(
    started: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    worker = started(Rounds(pause_s=0.001))
    until(lambda: len(worker.rounds_s) >= 5)
    assert (worker.health, caplog.records) == ("well", [])


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("no luck"), "no luck"),
        (ValueError(), "ValueError"),
        (OperationalError("connection to user 'ebrcs' refused"), "the database cannot be reached"),
    ],
)
def test_a_failure_is_named_without_what_the_database_driver_says(error: Exception, message: str) -> None:
    assert failure_message(error) == message


def test_pauses_after_failures_double_up_to_the_longest_and_start_over_after_a_success(
    started: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses_s: list[float] = []
    outcomes = iter([True, True, True, True, False, True, True])

    def act() -> None:
        if next(outcomes, False):
            fail()

    worker = Rounds(act, pause_s=0.0, retry_s=1.0, retry_max_s=3.0)
    monkeypatch.setattr(worker._stopping, "wait", pauses_s.append)
    started(worker)
    until(lambda: len(worker.rounds_s) >= 9)
    assert pauses_s == [1.0, 2.0, 3.0, 3.0, 1.0, 2.0]


def test_a_pause_after_a_failure_is_not_cut_short_by_waking(started: Start) -> None:
    worker = started(Rounds(fail, retry_s=LONG_S))
    until(lambda: worker.health == "failing")
    worker.wake()
    time.sleep(0.05)
    assert len(worker.rounds_s) == 1
    worker.stop()
    assert not worker.is_running


def test_waking_begins_the_next_round_at_once(started: Start) -> None:
    worker = started(Rounds(pause_s=LONG_S))
    until(lambda: len(worker.rounds_s) == 1 and not worker._is_busy)
    woken_s = time.monotonic()
    worker.wake()
    until(lambda: len(worker.rounds_s) == 2)
    assert worker.rounds_s[1] - woken_s < 1.0


def test_control_a_worker_that_is_not_woken_keeps_its_pause(started: Start) -> None:
    worker = started(Rounds(pause_s=LONG_S))
    until(lambda: len(worker.rounds_s) == 1)
    time.sleep(0.05)
    assert len(worker.rounds_s) == 1


def test_waking_during_a_round_has_another_follow(started: Start) -> None:
    go_on, entered = threading.Event(), threading.Event()

    def act() -> None:
        entered.set()
        assert go_on.wait(WAIT_S)

    worker = started(Rounds(act))
    assert entered.wait(WAIT_S)
    worker.wake()
    worker.wake()
    go_on.set()
    until(lambda: len(worker.rounds_s) == 2 and not worker._is_busy)
    time.sleep(0.05)
    assert len(worker.rounds_s) == 2


def test_stopping_waits_for_the_round_in_progress_and_closes_the_connection(
    started: Start, closings: list[str]
) -> None:
    go_on, entered, done = threading.Event(), threading.Event(), threading.Event()

    def act() -> None:
        entered.set()
        assert go_on.wait(WAIT_S)
        done.set()

    worker = started(Rounds(act))
    assert entered.wait(WAIT_S)
    stopping = threading.Thread(target=worker.stop)
    stopping.start()
    stopping.join(0.05)
    assert stopping.is_alive()
    assert closings == []
    go_on.set()
    stopping.join(WAIT_S)
    assert done.is_set()
    assert not worker.is_running
    assert closings == ["rounds"]


def test_control_a_worker_that_need_not_be_waited_for_is_left_to_end_by_itself(started: Start) -> None:
    go_on, entered = threading.Event(), threading.Event()

    class Slow(Rounds):
        waits_for_work = False

    def act() -> None:
        entered.set()
        assert go_on.wait(WAIT_S)

    worker = started(Slow(act))
    assert entered.wait(WAIT_S)
    worker.stop()
    assert worker.is_running
    go_on.set()
    until(lambda: not worker.is_running)


@pytest.mark.parametrize(("pause_s", "closed"), [(None, True), (2.0, False), (2.001, True)])
def test_an_idle_connection_is_closed_and_one_that_is_soon_needed_is_kept(
    started: Start, closings: list[str], pause_s: float | None, closed: bool
) -> None:
    worker = started(Rounds(pause_s=pause_s))
    until(lambda: len(worker.rounds_s) == 1 and not worker._is_busy and len(closings) >= closed)
    time.sleep(0.05)
    assert closings == ["rounds"] * closed


def test_a_connection_is_closed_after_a_failure(started: Start, closings: list[str]) -> None:
    worker = started(Rounds(fail, retry_s=LONG_S))
    until(lambda: worker.health == "failing")
    assert closings == ["rounds"]


# the death of a thread is the subject here
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_ended_by_itself_is_dead_and_a_stopped_one_is_not(started: Start) -> None:
    def end() -> None:
        raise SystemExit

    dead, stopped = started(Rounds(end)), started(Rounds())
    until(lambda: not dead.is_running)
    stopped.stop()
    assert (dead.health, stopped.health, Rounds().health) == ("dead", "well", "well")
    assert dead in workers_running()
    assert stopped not in workers_running()
    dead.stop()
    assert dead not in workers_running()


def test_a_worker_starts_once_and_stopping_it_is_for_good(started: Start) -> None:
    running, stopped = started(Rounds()), Rounds()
    stopped.stop()
    for worker in (running, stopped):
        with pytest.raises(RuntimeError, match="cannot be started twice"):
            worker.start()
    assert workers_running().count(running) == 1
    assert stopped not in workers_running()


def test_a_worker_whose_thread_cannot_be_started_is_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(background, "thread_start", refuse)
    worker = Rounds()
    with pytest.raises(RuntimeError, match="new thread"):
        worker.start()
    assert worker not in workers_running()


@pytest.mark.skipif(not hasattr(os, "setpriority"), reason="threads have no priority of their own here")
def test_a_nice_thread_yields_and_an_ordinary_one_does_not() -> None:
    found: list[int] = []

    def note() -> None:
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    usual = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    for niceness in (0, 7):
        thread_start(note, name="nice", niceness=niceness).join(WAIT_S)
    assert found == [usual, max(usual, 7)]
