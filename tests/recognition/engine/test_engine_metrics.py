"""What the engine measures: batches, the queue, how long its steps take, and how far it is behind."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from prometheus_client.samples import Sample

from ebrcs.metrics import REGISTRY, replica_lag
from recognition import services
from recognition.engine.batcher import Batcher
from recognition.engine.engine import Engine
from recognition.index import replica
from recognition.index.view import entries_apply
from tests.recognition.pictures import picture, upload

WAIT_S = 20
STEPS = ("embed", "search", "verify")


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def counts() -> dict[str, float]:
    return {step: value(f"ebrcs_{step}_seconds_count") for step in STEPS}


def risen(before: dict[str, float]) -> dict[str, float]:
    return {step: now - before[step] for step, now in counts().items()}


def test_a_recognition_is_one_batch_and_one_search(engine: Engine) -> None:
    services.product_register(name="Milk", uploads=[upload(1)])
    before, batches = counts(), value("ebrcs_batch_pictures_count")
    pictures = value("ebrcs_batch_pictures_sum")
    up_to_two = value("ebrcs_batch_pictures_bucket", le="2.0")
    found = engine.recognize([picture(1), picture(2), picture(3)])
    assert risen(before) == {"embed": 1, "search": 1, "verify": 0}
    assert value("ebrcs_batch_pictures_count") == batches + 1
    assert value("ebrcs_batch_pictures_sum") == pictures + 3
    assert value("ebrcs_batch_pictures_bucket", le="2.0") == up_to_two
    assert 0 < found.timing_ms["embed"] / 1000 <= value("ebrcs_embed_seconds_sum")


def test_embedding_for_the_index_searches_nothing(engine: Engine) -> None:
    before = counts()
    engine.embed([picture(1)])
    assert risen(before) == {"embed": 1, "search": 0, "verify": 0}


def test_a_verification_is_timed(engine: Engine) -> None:
    before = counts()
    engine.verify([picture(1)], [])
    assert risen(before) == {"embed": 0, "search": 0, "verify": 1}


def test_the_queue_is_as_deep_as_the_pictures_that_wait() -> None:
    entered, go_on = threading.Event(), threading.Event()

    def work(sizes: Sequence[int]) -> Sequence[int]:
        entered.set()
        assert go_on.wait(WAIT_S)
        return sizes

    batcher: Batcher[int, int] = Batcher(work=work, size=lambda pictures: pictures, batch_size=4)
    batcher.start()
    batcher.submit(1)
    assert entered.wait(WAIT_S)
    assert value("ebrcs_queue_pictures") == 0
    waiting = [batcher.submit(3), batcher.submit(2)]
    assert value("ebrcs_queue_pictures") == 5
    go_on.set()
    assert [each.result(WAIT_S) for each in waiting] == [3, 2]
    assert value("ebrcs_queue_pictures") == 0
    go_on.clear()
    entered.clear()
    batcher.submit(1)
    assert entered.wait(WAIT_S)
    batcher.submit(2)
    assert value("ebrcs_queue_pictures") == 2
    threading.Timer(0.2, go_on.set).start()
    batcher.close()
    assert value("ebrcs_queue_pictures") == 0


def lag() -> dict[str, float]:
    samples: list[Sample] = [sample for family in replica_lag.collect() for sample in family.samples]
    return {sample.name: sample.value for sample in samples}


def test_the_lag_is_what_the_replica_has_not_applied(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lag()["ebrcs_replica_lag_seq"] == 0
    behind = []

    def apply(*args: object, **kwargs: object) -> None:
        behind.append(lag()["ebrcs_replica_lag_seq"])
        entries_apply(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(replica, "entries_apply", apply)
    made = services.product_register(name="Milk", uploads=[upload(1), upload(2)])
    assert engine.replica.wait_for(made.index_seq, timeout_s=WAIT_S)
    assert behind == [2]
    assert lag()["ebrcs_replica_lag_seq"] == 0
    assert 0 <= lag()["ebrcs_replica_lag_seconds"] < WAIT_S
