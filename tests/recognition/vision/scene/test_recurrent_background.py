"""How long what comes and goes is remembered, measured on one pixel."""

from __future__ import annotations

import numpy as np
import pytest

from recognition.vision.scene.recurrent_background import RecurrentBackground
from recognition.vision.types import FloatArray

HERE, NOT_HERE = np.ones((1, 1), np.bool_), np.zeros((1, 1), np.bool_)
FRAME_S = 0.25


def pixel(level: float) -> FloatArray:
    return np.full((1, 1, 3), level, np.float32)


def stays(recurrent: RecurrentBackground, *, times: int, frames: int) -> None:
    """Show a colour for some frames, some times, with a frame of the counter between two stays."""
    for number in range(times):
        if number:
            recurrent.learn(pixel(0), NOT_HERE, NOT_HERE, FRAME_S, 15.0)
        for _ in range(frames):
            recurrent.learn(pixel(100), HERE, NOT_HERE, FRAME_S, 15.0)


def known(*, recur_s: float, times: int, frames: int) -> bool:
    recurrent = RecurrentBackground(pixel(0), recur_s)
    stays(recurrent, times=times, frames=frames)
    return bool(recurrent.resembles(pixel(100), 15.0)[0, 0])


@pytest.mark.parametrize("frames", [2, 3, 40])
def test_half_a_second_of_each_stay_counts_and_a_frame_of_the_counter_costs_little(frames: int) -> None:
    # two stays of 0.5 s, less 0.03 of the frame between them: 0.9925 s
    assert known(recur_s=0.992, times=2, frames=frames)
    assert not known(recur_s=0.993, times=2, frames=frames)


def test_no_more_than_six_seconds_are_remembered() -> None:
    assert known(recur_s=6.0, times=40, frames=2)
    assert not known(recur_s=6.01, times=40, frames=2)


def test_a_colour_that_is_seen_again_is_followed_by_a_tenth() -> None:
    recurrent = RecurrentBackground(pixel(0), 1.2)
    for level in (100, 110):
        recurrent.learn(pixel(level), HERE, NOT_HERE, FRAME_S, 15.0)
    assert recurrent.pixels[0, 0, 0] == pytest.approx(101.0)
