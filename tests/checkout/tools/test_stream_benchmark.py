"""The stream benchmark plays every frame, counts what it leaves out, and shows when a queue grows."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
import pytest

from checkout.demo.clip import clip_frames
from checkout.demo.packs import PACKS
from checkout.live import frame_worker
from checkout.tools import stream_benchmark
from checkout.tools.stream_benchmark import benchmark_stream
from recognition.vision.encoders.layout import EMBEDDING_DIM
from recognition.vision.scene import decode
from recognition.vision.scene.decode import decode_frame
from recognition.vision.types import FloatArray, Image

FRAMES = 20


class SlowEncoder:
    """Takes its time for every picture, however many others wait."""

    name = "slow"
    fingerprint = "slow"

    def __init__(self, picture_s: float) -> None:
        self.picture_s = picture_s

    def encode(self, images: Sequence[Image]) -> FloatArray:
        return embedded(images, self.picture_s)


def embedded(images: Sequence[Image], picture_s: float) -> FloatArray:
    """Return the same embedding for every picture, after a time for each."""
    time.sleep(picture_s * len(images))
    return np.full((len(images), EMBEDDING_DIM), EMBEDDING_DIM**-0.5, np.float32)


@pytest.fixture(autouse=True)
def _short_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = list(islice(clip_frames(), 12, 12 + FRAMES))
    monkeypatch.setattr(stream_benchmark, "clip_frames", lambda: iter(frames))
    monkeypatch.setattr(stream_benchmark, "PACKS", PACKS[:2])


def measured(*, streams: int, picture_s: float, encoder: SlowEncoder | None = None) -> dict[str, Any]:
    """Measure with an encoder that is slow once the gallery is there."""
    encoder = encoder or SlowEncoder(0.0)

    def slow_from_now_on(line: str) -> None:
        encoder.picture_s = 0.0 if "drawing" in line else picture_s

    return benchmark_stream(encoder, streams=(streams,), report=slow_from_now_on)


def test_the_naive_pipeline_falls_behind_where_the_shop_drops_frames() -> None:
    measurement = measured(streams=2, picture_s=0.3)

    shop, naive = measurement["rows"]
    assert (shop["way"], naive["way"]) == ("shop", "naive")
    assert shop["frames"] == naive["frames"] == 2 * FRAMES
    assert shop["answered"] + shop["dropped"] == shop["frames"]
    assert shop["dropped"] > 0
    assert shop["waiting"] <= 4
    # 0.3 s a picture and ten frames a second from each: the queue keeps most of them
    assert naive["waiting"] > naive["frames"] / 2
    assert naive["dropped"] == 0
    assert shop["carts_right"] == 0
    assert measurement["naive_to_shop_p95"]["2"] == round(naive["p95_ms"] / shop["p95_ms"], 1)


@pytest.mark.parametrize(("limit_s", "after"), [(None, []), (60.0, ["decoded", "embedded"])])
def test_a_frame_that_is_too_old_when_its_turn_comes_is_not_processed_and_counts_as_dropped(
    monkeypatch: pytest.MonkeyPatch, limit_s: float | None, after: list[str]
) -> None:
    if limit_s is not None:
        monkeypatch.setattr(frame_worker, "FRAME_AGE_MAX_S", limit_s)
    done: list[str] = []

    class SlowForShop(SlowEncoder):
        def encode(self, images: Sequence[Image]) -> FloatArray:
            pause_s = 0.0 if threading.current_thread().name == "naive" else self.picture_s
            done.extend(["embedded"] * bool(pause_s))
            return embedded(images, pause_s)

    def decoded(data: bytes, **bounds: int) -> Image:
        done.append("decoded")
        return decode_frame(data, **bounds)

    # the shop looks it up when it needs it, the naive pipeline has it already
    monkeypatch.setattr(decode, "decode_frame", decoded)

    shop, _ = measured(streams=1, encoder=SlowForShop(0.0), picture_s=3.0)["rows"]

    # All frames come within two seconds; the last one waits while the first item is embedded for three.
    assert done[done.index("embedded") + 1 :] == after
    assert shop["dropped"] > 0
    assert shop["answered"] + shop["dropped"] == shop["frames"] == FRAMES


def test_a_frame_that_fails_ends_the_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_benchmark, "_jpeg", lambda frame: b"no picture")

    with pytest.raises(RuntimeError, match="a frame was answered with bad_frame"):
        measured(streams=1, picture_s=0.0)
