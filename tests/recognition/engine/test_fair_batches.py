"""The batches of several accounts: none fills the queue or a batch for the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future

import pytest

from ebrcs.fair_queue import Flow
from recognition.engine import batcher as batcher_module
from recognition.engine.batcher import Batcher
from recognition.errors import EngineBusy

WAIT_S = 20
Crops = tuple[str, int]


class Gate:
    """Work on crops, an account's name and their number, that waits until it is let through."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.entered = threading.Event()
        self.batches: list[list[Crops]] = []

    def work(self, requests: Sequence[Crops]) -> list[Crops]:
        self.batches.append(list(requests))
        self.entered.set()
        assert self.open.wait(WAIT_S)
        return list(requests)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def batcher(gate: Gate) -> Iterator[Batcher[Crops, Crops]]:
    made: Batcher[Crops, Crops] = Batcher(work=gate.work, size=lambda crops: crops[1])
    made.start()
    made.submit(("first", 1), Flow("first", 0))
    assert gate.entered.wait(WAIT_S)
    yield made
    gate.open.set()
    made.close()


def ask(batcher: Batcher[Crops, Crops], account: str, camera: int, size: int = 1) -> Future[Crops]:
    return batcher.submit((account, size), Flow(account, camera))


def batches_of(gate: Gate, futures: list[Future[Crops]]) -> list[list[Crops]]:
    gate.open.set()
    assert all(future.result(WAIT_S) for future in futures)
    return gate.batches[1:]


def test_a_bystander_is_in_the_next_batch_however_much_another_has_waiting(
    batcher: Batcher[Crops, Crops], gate: Gate
) -> None:
    futures = [ask(batcher, "crowd", camera) for camera in range(50)]
    futures.append(ask(batcher, "bystander", 0))
    assert ("bystander", 1) in batches_of(gate, futures)[0]


def test_in_the_order_of_arrival_it_would_be_in_the_last(batcher: Batcher[Crops, Crops], gate: Gate) -> None:
    futures = [batcher.submit(("crowd", 1)) for _ in range(50)]
    futures.append(batcher.submit(("bystander", 1)))
    assert ("bystander", 1) in batches_of(gate, futures)[-1]


def test_beside_others_an_account_fills_a_quarter_of_a_batch_and_alone_all_of_it(
    batcher: Batcher[Crops, Crops], gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    futures = [ask(batcher, "crowd", camera) for camera in range(32)]
    assert [len(batch) for batch in batches_of(gate, futures)] == [4] * 8
    gate.open.clear()
    gate.entered.clear()
    monkeypatch.setattr(batcher_module, "RECENT_S", 0.0)
    futures = [ask(batcher, "crowd", 0)]
    assert gate.entered.wait(WAIT_S)
    futures += [ask(batcher, "crowd", camera) for camera in range(32)]
    assert [len(batch) for batch in batches_of(gate, futures)[9:]] == [16, 16]


def test_a_full_queue_refuses_whoever_has_more_than_a_share_and_takes_the_others(
    batcher: Batcher[Crops, Crops], gate: Gate
) -> None:
    futures = [ask(batcher, "crowd", camera, size=4) for camera in range(16)]
    with pytest.raises(EngineBusy) as refusal:
        ask(batcher, "crowd", 16)
    assert refusal.value.data == {"limit": 64}
    futures += [ask(batcher, "bystander", 0, size=8) for _ in range(4)]
    with pytest.raises(EngineBusy):
        ask(batcher, "bystander", 0)
    gate.open.set()
    assert all(future.result(WAIT_S) for future in futures)


def test_cameras_of_an_account_take_turns_by_their_crops(batcher: Batcher[Crops, Crops], gate: Gate) -> None:
    futures = [batcher.submit((f"many {n}", 4), Flow("staff", "many")) for n in range(4)]
    futures += [batcher.submit((f"few {n}", 1), Flow("staff", "few")) for n in range(8)]
    names = [name for batch in batches_of(gate, futures) for name, _ in batch]
    assert names.index("few 7") < names.index("many 3")
