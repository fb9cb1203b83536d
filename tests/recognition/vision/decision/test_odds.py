"""The odds that decide: the fitted numbers as they ship, and the sums that are made of them."""

from __future__ import annotations

import numpy as np
import pytest

from recognition.vision.decision.odds import log_odds, registered, sureness


def odds(*score: float, density: float = 0.5, agreeing: float = 0.0) -> np.ndarray:
    scores = np.array(score)
    return log_odds(
        scores, np.full(len(score), density), np.full(len(score), agreeing), centre=0.5, spread=0.1
    )


def test_the_odds_are_those_of_the_fit_that_ships() -> None:
    assert odds(0.5) == pytest.approx([-1.94])
    assert odds(0.6) == pytest.approx([-1.94 + 1.09])
    assert odds(0.6, density=0.6) == pytest.approx([-1.94 + 1.09 - 0.21])
    assert odds(0.5, agreeing=0.1) == pytest.approx([-1.94 + 2.89])
    # others count by their mean over four, whether there are as many or not
    assert odds(0.6, 0.7, 0.4) == pytest.approx(
        [
            -1.94 + 1.09 - 0.43 * (2 - 1) / 4,
            -1.94 + 2 * 1.09 - 0.43 * (1 - 1) / 4,
            -1.94 - 1.09 - 0.43 * (1 + 2) / 4,
        ]
    )


def test_many_pictures_are_weighed_at_once_as_each_alone() -> None:
    scores = np.array([[0.9, 0.4], [0.6, 0.55]])
    together = log_odds(scores, np.full((2, 2), 0.6), np.zeros((2, 2)), centre=0.5, spread=0.1)
    for row, alone in zip(scores, together, strict=True):
        assert odds(*row, density=0.6) == pytest.approx(alone)
    assert sureness(together) == pytest.approx([float(sureness(row)) for row in together])
    assert registered(together) == pytest.approx([float(registered(row)) for row in together])


def test_sureness_weighs_the_likeliest_against_the_others_and_none() -> None:
    assert float(sureness(np.array([3.0]))) == pytest.approx(3.0)
    three = np.array([1.0, 3.0, 2.0])
    assert float(sureness(three)) == pytest.approx(3 - np.log(1 + np.exp(1) + np.exp(2)))
    assert float(registered(three)) == pytest.approx(np.log(np.exp(1) + np.exp(2) + np.exp(3)))
