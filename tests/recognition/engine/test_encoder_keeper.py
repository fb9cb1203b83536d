"""The encoder is loaded, loaded again once it is broken, and tried for with growing pauses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from recognition.engine.encoder_keeper import EncoderKeeper
from recognition.models import IndexState
from recognition.vision.encoders.protocol import Encoder
from tests.fakes import ThumbnailEncoder
from tests.waiting import until


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the index be an empty one."""
    monkeypatch.setattr("recognition.engine.encoder_keeper.state_current", IndexState)


@pytest.mark.usefixtures("no_database")
def test_the_third_failure_in_a_row_drops_the_encoder_and_a_success_starts_the_count_over() -> None:
    keeper = EncoderKeeper(load=lambda name: ThumbnailEncoder())
    keeper.work()
    first = keeper.encoder
    for _ in range(2):
        keeper.failed(ValueError("bad picture"))
    keeper.succeeded()
    for _ in range(2):
        keeper.failed(ValueError("bad picture"))
    assert (keeper.encoder, keeper.failure) == (first, "")

    keeper.failed(ValueError("bad picture"))

    assert keeper.encoder is None
    assert keeper.failure == "the encoder fails (bad picture) and is being loaded again"
    keeper.work()
    assert keeper.encoder is not first
    assert keeper.failure == ""
    keeper.failed(ValueError("bad picture"))
    assert keeper.encoder is not None


@pytest.mark.usefixtures("no_database")
def test_a_load_that_fails_is_tried_again_after_one_second_and_at_the_latest_after_ten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses_s: list[float] = []
    failing: Iterator[bool] = iter([True] * 6)

    def load(name: str) -> Encoder:
        if next(failing, False):
            raise OSError("the disk is not mounted")
        return ThumbnailEncoder()

    keeper = EncoderKeeper(load=load)
    monkeypatch.setattr(keeper._stopping, "wait", pauses_s.append)
    keeper.start()
    until(lambda: keeper.encoder is not None)
    keeper.stop()
    assert pauses_s == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


@pytest.mark.usefixtures("no_database")
def test_a_change_of_the_index_is_looked_for_every_second() -> None:
    loaded: list[str] = []

    def load(name: str) -> Encoder:
        loaded.append(name)
        return ThumbnailEncoder()

    keeper = EncoderKeeper(load=load)
    assert [keeper.work() for _ in range(3)] == [1.0, 1.0, 1.0]
    assert len(loaded) == 1
