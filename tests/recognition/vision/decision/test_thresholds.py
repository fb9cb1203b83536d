"""What a match needs, computed by hand for galleries of a few photos."""

from __future__ import annotations

import numpy as np
import pytest

from recognition.vision.decision.decide import Thresholds
from recognition.vision.decision.nearest import Nearest, keys_of
from recognition.vision.decision.odds import CONTENDERS, log_odds, registered, sureness
from recognition.vision.decision.thresholds import thresholds_derived


def derived(scores: list[float], *, target: float = 0.01, product_count: int = 2) -> Thresholds:
    """Derive thresholds from one foreign score for each photo; photos belong to the products in turn."""
    count = len(scores)
    nearest, products = Nearest.of_nothing(count, CONTENDERS), np.arange(count) % product_count
    for photo, score in enumerate(scores):
        nearest.keys[photo, 0] = keys_of(np.array([score], np.float32), np.array([0]))[0]
        nearest.products[photo, 0] = (photo + 1) % product_count
    return thresholds_derived(nearest, products, [f"product-{n}" for n in range(product_count)], target)


def test_a_shop_without_photos_starts_from_numbers_that_were_measured() -> None:
    found = derived([])
    assert (found.centre, found.spread, found.densities) == (0.65, 0.10, {})
    # -0.2, 0.3 * log(0.05 / 0.01) for the rarer unknown items, and 0.3, 2 or 3 for new pictures
    assert found.needed == pytest.approx(-0.2 + 0.4828314 + 0.30)
    assert found.needed_verified == pytest.approx(-0.2 + 0.4828314 + 2.00)
    assert found.needed_without_artwork == pytest.approx(-0.2 + 0.4828314 + 3.00)


def test_above_one_unknown_item_in_twenty_the_rarer_ones_cost_nothing() -> None:
    assert derived([], target=0.05).needed_verified == pytest.approx(1.8)
    assert derived([], target=0.5).needed_verified == pytest.approx(1.8)


def test_three_in_five_is_the_least_that_is_ever_needed() -> None:
    assert derived([], target=0.5).needed == 0.40


def test_fifty_photos_weigh_as_much_as_the_prior_and_five_as_the_gallery() -> None:
    found = derived([0.45] * 50)
    assert found.centre == pytest.approx((0.45 + 0.65) / 2)
    assert found.spread == pytest.approx(np.sqrt(0.1**2 / 2))
    # 25 photos of each product at 0.45, and 5 at the centre of 0.55
    assert found.densities["product-0"] == pytest.approx((25 * 0.45 + 5 * 0.55) / 30)


def test_what_is_needed_lies_above_all_but_the_target_share() -> None:
    scores = [0.7] * 90 + [0.8] * 10
    density = [derived(scores).densities[f"product-{n}"] for n in range(2)]
    strict, lenient = derived(scores, target=0.05), derived(scores, target=0.2)
    assert len(set(density)) == 1  # the photos of both are alike

    def surest(score: float) -> float:
        odds = log_odds(
            np.array([score]),
            np.array([density[0]]),
            np.zeros(1),
            centre=strict.centre,
            spread=strict.spread,
        )
        return float(sureness(odds))

    # 100 photos of 150 speak for themselves; one in ten is nearer than the others
    for found, score in ((strict, 0.8), (lenient, 0.7)):
        assert found.needed_verified == pytest.approx((2 * surest(score) - 0.2) / 3 + 2.0)


def odds_of(*products: tuple[float, float, float]) -> list[float]:
    """Return log-odds for products of a score, a density and an agreement, at centre 0.6 and spread 0.1."""
    score, density, agreeing = np.array(products).T
    found: list[float] = log_odds(score, density, agreeing, centre=0.6, spread=0.1).tolist()
    return found


def test_the_odds_weigh_each_term_as_it_was_fitted() -> None:
    assert odds_of((0.6, 0.6, 0.0)) == pytest.approx([-1.94])
    assert odds_of((0.7, 0.6, 0.0)) == pytest.approx([-1.94 + 1.09])
    assert odds_of((0.6, 0.7, 0.0)) == pytest.approx([-1.94 - 0.21])
    assert odds_of((0.6, 0.6, 0.1)) == pytest.approx([-1.94 + 2.89])
    # the mean of the other four contenders, of which three are missing
    assert odds_of((0.6, 0.6, 0.0), (0.7, 0.6, 0.0)) == pytest.approx([-1.94 - 0.43 / 4, -1.94 + 1.09])


def test_sureness_is_against_all_others_and_none_and_registered_is_for_any() -> None:
    odds = np.log(np.array([3.0, 6.0]))
    assert float(sureness(odds)) == pytest.approx(np.log(6 / (3 + 1)))
    assert float(registered(odds)) == pytest.approx(np.log(9))
