"""The stream benchmark plays every frame, counts what it leaves out, and shows when a queue grows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import islice

import numpy as np
import pytest

from checkout import stream_benchmark
from checkout.demo.clip import clip_frames
from checkout.demo.packs import PACKS
from checkout.stream_benchmark import benchmark_stream
from recognition.vision.encoders.protocol import Image
from recognition.vision.layout import EMBEDDING_DIM, FloatArray


class SlowEncoder:
    """Takes its time for every picture, whoever else waits."""

    name = "slow"
    fingerprint = "slow"

    def __init__(self, picture_s: float) -> None:
        self.picture_s = picture_s

    def encode(self, images: Sequence[Image]) -> FloatArray:
        time.sleep(self.picture_s * len(images))
        return np.full((len(images), EMBEDDING_DIM), EMBEDDING_DIM**-0.5, np.float32)


def test_the_naive_way_falls_behind_where_the_tills_drop_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = SlowEncoder(0.0)
    frames = list(islice(clip_frames(), 12, 32))
    monkeypatch.setattr(stream_benchmark, "clip_frames", lambda: iter(frames))
    monkeypatch.setattr(stream_benchmark, "PACKS", PACKS[:2])

    def slow_from_now_on(line: str) -> None:
        encoder.picture_s = 0.0 if "drawing" in line else 0.3

    figures = benchmark_stream(encoder, streams=(2,), report=slow_from_now_on)

    tills, naive = figures["rows"]
    assert (tills["way"], naive["way"]) == ("tills", "naive")
    assert tills["frames"] == naive["frames"] == 2 * len(frames)
    assert tills["answered"] + tills["dropped"] == tills["frames"]
    assert tills["dropped"] > 0
    assert tills["waiting"] <= 4
    # 0.3 s a picture and ten frames a second from each: the queue keeps most of them
    assert naive["waiting"] > naive["frames"] / 2
    assert naive["dropped"] == 0
    assert tills["carts_right"] == 0
    assert figures["naive_to_tills_p95"]["2"] == round(naive["p95_ms"] / tills["p95_ms"], 1)
