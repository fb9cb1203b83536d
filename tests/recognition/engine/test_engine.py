"""One engine for many callers: it says when it is not ready, and outlives its encoder and its index."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pytest_django.fixtures import Settings

from recognition import services
from recognition.encoder_choice import encoder_load, encoder_name_wanted
from recognition.engine import engine as engine_module
from recognition.engine import shared
from recognition.engine.encoder_keeper import FAILURES_UNTIL_RELOAD, EncoderKeeper
from recognition.engine.engine import Engine
from recognition.errors import EncoderFailed, EngineBusy, EngineNotReady
from recognition.models import IndexState
from recognition.vision.encoders import registry
from recognition.vision.encoders.protocol import Encoder
from recognition.vision.types import FloatArray, Image
from tests.fakes import ThumbnailEncoder
from tests.recognition.conftest import engine_make
from tests.recognition.pictures import picture, upload
from tests.waiting import until


class TouchyEncoder(ThumbnailEncoder):
    """Fails on a black picture, and on everything while it is broken; notes the size of each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = False
        self.batches: list[int] = []

    def encode(self, images: Sequence[Image]) -> FloatArray:
        self.batches.append(len(images))
        if self.broken or any(not image.any() for image in images):
            raise ValueError("bad picture")
        return super().encode(images)


BLACK = np.zeros((8, 8, 3), np.uint8)


@pytest.fixture
def touchy(transactional_db: None, shop_folder: object) -> Iterator[tuple[Engine, TouchyEncoder]]:
    encoder = TouchyEncoder()
    made = engine_make(encoder)
    shared.engine_use(made)
    yield made, encoder
    shared.engine_use(None)


def test_encoder_failure_reaches_its_caller_and_the_engine_goes_on(
    touchy: tuple[Engine, TouchyEncoder],
) -> None:
    engine, _ = touchy
    services.product_register(name="Milk", uploads=[upload(1)])
    pictures = [picture(1), BLACK, picture(1)]
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(engine.recognize, [image]) for image in pictures]
    with pytest.raises(EncoderFailed):
        futures[1].result()
    assert [futures[index].result().decisions[0].state for index in (0, 2)] == ["accepted", "accepted"]
    assert engine.state().ready


def test_encoder_that_broke_is_loaded_anew(touchy: tuple[Engine, TouchyEncoder]) -> None:
    engine, encoder = touchy
    encoder.broken = True
    for _ in range(FAILURES_UNTIL_RELOAD):
        with pytest.raises(EncoderFailed):
            engine.recognize([picture(1)])
    encoder.broken = False
    until(lambda: engine.state().ready)
    assert engine.recognize([picture(1)]).decisions[0].state == "unknown"


@pytest.mark.django_db(transaction=True)
def test_engine_says_why_it_is_not_ready_until_the_encoder_can_be_loaded(shop_folder: object) -> None:
    there = threading.Event()

    def load(name: str) -> Encoder:
        if not there.is_set():
            raise OSError("the weights are on a disk that is not mounted")
        return ThumbnailEncoder()

    engine = Engine(load=load)
    engine.keeper = EncoderKeeper(load=load, retry_min_s=0.01)
    engine.start()
    try:
        until(lambda: bool(engine.keeper.failure) and engine.replica.view is not None)
        state = engine.state()
        assert not state.ready
        assert state.reasons == [
            "The encoder is not available: the weights are on a disk that is not mounted."
        ]
        with pytest.raises(EngineNotReady, match="not mounted"):
            engine.recognize([picture(1)])
        there.set()
        until(lambda: engine.state().ready)
        assert engine.recognize([picture(1)]).decisions[0].state == "unknown"
    finally:
        engine.close()


def test_other_fingerprint_is_not_ready_and_names_the_remedy(engine: Engine) -> None:
    services.product_register(name="Milk", uploads=[upload(1)])
    IndexState.objects.update(encoder="other", encoder_fingerprint="0" * 64)
    until(lambda: not engine.state().ready)
    assert "manage.py index rebuild --encoder thumbnail" in engine.state().reasons[0]
    with pytest.raises(EngineNotReady, match="index rebuild --encoder thumbnail"):
        engine.recognize([picture(1)])
    assert len(engine.embed([picture(1)]).vectors) == 1


def test_no_pictures_no_decisions(engine: Engine) -> None:
    answer = engine.recognize([])
    assert (answer.embeddings.shape, answer.decisions) == ((0, 1280), [])


def test_closed_engine_refuses(engine: Engine) -> None:
    engine.close()
    assert engine.state().reasons == ["Recognition is shutting down."]
    with pytest.raises(EngineNotReady):
        engine.recognize([picture(1)])


def test_async_callers_share_batches_and_get_their_own_answers(
    touchy: tuple[Engine, TouchyEncoder],
) -> None:
    engine, encoder = touchy
    ids = [str(services.product_register(name=f"P{n}", uploads=[upload(n)]).product.pk) for n in range(8)]
    encoder.batches.clear()

    async def everyone() -> list[str]:
        answers = await asyncio.gather(*(engine.recognize_async([picture(n)]) for n in range(8)))
        return [answer.decisions[0].candidates[0].product_id for answer in answers]

    assert asyncio.run(everyone()) == ids
    assert sum(encoder.batches) == 8
    assert len(encoder.batches) < 8


def test_session_never_reads_an_older_replica(engine: Engine) -> None:
    seen = services.product_register(name="Milk", uploads=[upload(1)]).index_seq
    answer = asyncio.run(engine.recognize_async([picture(1)], at_least_seq=seen))
    assert answer.decisions[0].state == "accepted"
    with pytest.raises(EngineNotReady, match=f"has not reached {seen + 1}"):
        asyncio.run(engine.recognize_async([picture(1)], at_least_seq=seen + 1))


def test_encoders_are_loaded_in_the_configured_number_format(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, dict[str, object]]] = []
    monkeypatch.setattr(registry, "load", lambda name, **options: asked.append((name, options)))
    for dtype in ("auto", "bfloat16"):
        settings.ENCODER_DTYPE = dtype
        encoder_load("dinov3-convnext")
    folder = settings.MODELS_DIR
    assert asked == [
        ("dinov3-convnext", {"models_dir": folder, "dtype": "auto", "threads": None}),
        ("dinov3-convnext", {"models_dir": folder, "dtype": "bfloat16", "threads": None}),
    ]


def test_auto_stays_with_the_encoder_of_the_index(
    shop_folder: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "resolve", lambda name, models_dir: "dinov3-vitl")
    wanted = encoder_name_wanted(configured="auto", index_encoder="compact", models_dir=Path("nowhere"))
    assert wanted == "compact"
    fresh = encoder_name_wanted(configured="auto", index_encoder="", models_dir=Path("nowhere"))
    assert fresh == "dinov3-vitl"


def test_pictures_of_a_registration_are_embedded_four_at_a_time(
    touchy: tuple[Engine, TouchyEncoder],
) -> None:
    engine, encoder = touchy
    encoder.batches.clear()
    assert engine.embed([picture(number) for number in range(9)]).vectors.shape == (9, 1280)
    assert encoder.batches == [4, 4, 1]


def test_a_registration_tries_for_a_minute_to_get_its_turn(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [1000.0]

    def sleep(seconds: float) -> None:
        now_s[0] += seconds

    def busy(request: object) -> None:
        raise EngineBusy("64 pictures wait already.", limit=64)

    monkeypatch.setattr(engine._batcher, "submit", busy)
    monkeypatch.setattr(engine_module, "time", SimpleNamespace(monotonic=lambda: now_s[0], sleep=sleep))
    with pytest.raises(EngineBusy):
        engine.embed([picture(1)])
    assert now_s[0] == pytest.approx(1060.0, abs=0.11)


def test_a_command_does_not_wait_for_an_index_that_cannot_be_read(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    def not_yet(seq: int, *, timeout_s: float) -> bool:
        asked.append(timeout_s)
        if len(asked) == 2:
            engine.replica._failures.note(RuntimeError("no database"))
        return False

    monkeypatch.setattr(engine.replica, "wait_for", not_yet)
    assert engine.wait_ready(timeout_s=60)
    assert asked == [0.5, 0.5]


def test_callers_wait_two_seconds_for_the_index_and_two_minutes_for_the_encoder(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits_s: list[float] = []

    def too_short(*seqs: int, timeout_s: float) -> None:
        waits_s.append(timeout_s)

    monkeypatch.setattr(engine.replica, "wait_for", too_short)
    monkeypatch.setattr(engine.keeper, "wait", too_short)
    with pytest.raises(EngineNotReady, match="has not reached 7"):
        engine.recognize([picture(1)], at_least_seq=7)
    with pytest.raises(EngineNotReady):
        engine.encoder_identity()
    assert waits_s == [2.0, 120.0]
