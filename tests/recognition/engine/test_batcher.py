"""One batcher for many callers: everyone gets an answer, their own error, or an honest refusal."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from recognition.engine.batcher import Batcher
from recognition.errors import EngineBusy, EngineNotReady

WAIT_S = 20


class Gate:
    """Work that waits until it is let through and answers each number with its double."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.entered = threading.Event()
        self.batches: list[list[int]] = []

    def work(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        self.entered.set()
        assert self.open.wait(WAIT_S)
        if -1 in numbers:
            raise ValueError("minus one")
        return [2 * number for number in numbers]


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def batcher(gate: Gate) -> Iterator[Batcher[int, int]]:
    made: Batcher[int, int] = Batcher(work=gate.work, size=lambda number: 1, batch_size=4, queue_size=6)
    made.start()
    yield made
    gate.open.set()
    made.close()


def first_in_progress(batcher: Batcher[int, int], gate: Gate) -> Future[int]:
    future = batcher.submit(0)
    assert gate.entered.wait(WAIT_S)
    return future


def test_what_waits_is_worked_off_together(batcher: Batcher[int, int], gate: Gate) -> None:
    futures = [first_in_progress(batcher, gate), *(batcher.submit(number) for number in range(1, 7))]
    gate.open.set()
    assert [future.result(WAIT_S) for future in futures] == [0, 2, 4, 6, 8, 10, 12]
    assert gate.batches == [[0], [1, 2, 3, 4], [5, 6]]


def test_failing_request_fails_alone(batcher: Batcher[int, int], gate: Gate) -> None:
    futures = [first_in_progress(batcher, gate), *(batcher.submit(number) for number in (1, -1, 2))]
    gate.open.set()
    assert [futures[index].result(WAIT_S) for index in (0, 1, 3)] == [0, 2, 4]
    with pytest.raises(ValueError, match="minus one"):
        futures[2].result(WAIT_S)
    assert batcher.submit(5).result(WAIT_S) == 10


def test_full_queue_refuses_and_takes_again_when_there_is_room(
    batcher: Batcher[int, int], gate: Gate
) -> None:
    futures = [first_in_progress(batcher, gate), *(batcher.submit(number) for number in range(6))]
    with pytest.raises(EngineBusy) as refusal:
        batcher.submit(6)
    assert refusal.value.data == {"limit": 6}
    gate.open.set()
    assert [future.result(WAIT_S) for future in futures] == [0, 0, 2, 4, 6, 8, 10]
    assert batcher.submit(6).result(WAIT_S) == 12


def test_cancelled_callers_are_skipped_and_make_room(batcher: Batcher[int, int], gate: Gate) -> None:
    first = first_in_progress(batcher, gate)
    gone = [batcher.submit(number) for number in range(6)]
    assert all(future.cancel() for future in gone)
    later = batcher.submit(7)
    gate.open.set()
    assert (first.result(WAIT_S), later.result(WAIT_S)) == (0, 14)
    assert gate.batches == [[0], [7]]


def test_closing_answers_everyone_who_waits(batcher: Batcher[int, int], gate: Gate) -> None:
    first = first_in_progress(batcher, gate)
    waiting = batcher.submit(1)
    closing = threading.Thread(target=batcher.close)
    closing.start()
    with pytest.raises(EngineNotReady):
        waiting.result(WAIT_S)
    gate.open.set()
    closing.join(WAIT_S)
    assert first.result(WAIT_S) == 0
    with pytest.raises(EngineNotReady):
        batcher.submit(2)


def test_by_default_sixteen_pictures_are_answered_together_and_sixty_four_may_wait(gate: Gate) -> None:
    batcher: Batcher[int, int] = Batcher(work=gate.work, size=lambda number: 1)
    batcher.start()
    futures = [first_in_progress(batcher, gate), *(batcher.submit(1) for _ in range(64))]
    with pytest.raises(EngineBusy) as refusal:
        batcher.submit(1)
    assert refusal.value.data == {"limit": 64}
    gate.open.set()
    assert len([future.result(WAIT_S) for future in futures]) == 65
    assert [len(batch) for batch in gate.batches] == [1, 16, 16, 16, 16]
    batcher.close()


def test_after_a_batch_in_company_the_next_waits_two_milliseconds_and_alone_it_does_not(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    batcher: Batcher[int, int] = Batcher(work=gate.work, size=lambda number: 1)
    waits_s: list[float] = []

    def wait(timeout: float) -> bool:
        waits_s.append(timeout)
        return False

    monkeypatch.setattr(batcher._changed, "wait", wait)
    monkeypatch.setattr("recognition.engine.batcher.time", SimpleNamespace(monotonic=lambda: 1000.0))
    gate.open.set()
    for futures in ([batcher.submit(1)], [batcher.submit(1), batcher.submit(2)], [batcher.submit(1)]):
        batcher.work()
        assert all(future.done() for future in futures)
    assert waits_s == [pytest.approx(0.002, abs=1e-9)]
