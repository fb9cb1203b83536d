from __future__ import annotations

import numpy as np
import pytest

from recognition.vision.decision.calibration import Calibration, GalleryScores
from recognition.vision.decision.decide import decide, fold_to_products
from recognition.vision.decision.thresholds import (
    EXTRA_MATCHED,
    EXTRA_VERIFIED,
    EXTRA_WITHOUT_ARTWORK,
    NEEDED_LEAST,
    PRIOR_CENTRE,
    PRIOR_NEEDED,
    PRIOR_SPREAD,
    PRIOR_WEIGHT,
    TAIL_SCALE,
)
from recognition.vision.types import FloatArray, IntArray

DIMENSION = 32


def gallery(
    products: int, photos: int, *, seed: int = 0, spread: float = 0.5
) -> tuple[FloatArray, list[str]]:
    """Photos scattered about one direction per product: unit rows, and the product of each."""
    generator = np.random.default_rng(seed)
    centres = np.repeat(generator.standard_normal((products, DIMENSION)), photos, axis=0)
    vectors = centres + spread * generator.standard_normal(centres.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), [f"product-{row // photos}" for row in range(len(vectors))]


def calibrated(vectors: FloatArray, rows: IntArray, products: list[str], **options: float) -> Calibration:
    calibration = Calibration(lambda wanted: vectors[wanted], **options)
    calibration.add(rows, [products[row] for row in rows])
    return calibration


def assert_same(found: Calibration, expected: Calibration) -> None:
    ours, theirs = found.scores(), expected.scores()
    assert ours.products == theirs.products
    for name in ("rows", "genuine", "impostor", "impostor_rows"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name)
    assert found.thresholds() == expected.thresholds()


def scores_by_hand(vectors: FloatArray, products: list[str]) -> GalleryScores:
    count = len(vectors)
    scores = (vectors.astype(np.float64) @ vectors.T.astype(np.float64)).astype(np.float32)
    genuine, impostor = np.full(count, -np.inf, np.float32), np.full(count, -np.inf, np.float32)
    impostor_rows = np.full(count, -1, np.int64)
    for row in range(count):
        for other in range(count):
            if other != row and products[other] == products[row]:
                genuine[row] = max(genuine[row], scores[row, other])
            elif products[other] != products[row] and scores[row, other] > impostor[row]:
                impostor[row], impostor_rows[row] = scores[row, other], other
    return GalleryScores(np.arange(count), tuple(products), genuine, impostor, impostor_rows)


def test_every_photo_is_scored_against_its_own_and_against_all_other_products() -> None:
    vectors, products = gallery(6, 4)
    found = calibrated(vectors, np.arange(24), products).scores()
    expected = scores_by_hand(vectors, products)
    np.testing.assert_array_equal(found.genuine, expected.genuine)
    np.testing.assert_array_equal(found.impostor, expected.impostor)
    np.testing.assert_array_equal(found.impostor_rows, expected.impostor_rows)


@pytest.mark.parametrize("seed", range(6))
def test_photos_that_come_and_go_leave_the_same_as_a_fresh_start(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recognition.vision.decision.calibration.BLOCK_ROWS", 7)
    generator = np.random.default_rng(seed)
    vectors, products = gallery(8, 5, seed=seed)
    # copies make equal scores, where the choice of the row must not depend on the order of arrival
    vectors[generator.integers(0, 40, 8)] = vectors[generator.integers(0, 40, 8)]
    calibration = Calibration(lambda wanted: vectors[wanted])
    present: set[int] = set()
    for _ in range(25):
        chosen = set(generator.choice(40, int(generator.integers(1, 7)), replace=False).tolist())
        coming, going = sorted(chosen - present), sorted(chosen & present)
        calibration.add(coming, [products[row] for row in coming])
        calibration.withdraw(going)
        present = present ^ chosen
        assert_same(calibration, calibrated(vectors, np.array(sorted(present), np.int64), products))


@pytest.mark.parametrize("spread", [0.5, 0.9])
def test_with_each_product_in_turn_unknown_no_more_than_the_target_are_accepted(spread: float) -> None:
    vectors, products = gallery(40, 5, spread=spread)
    calibration = calibrated(vectors, np.arange(200), products, false_accept_target=0.05)
    thresholds = calibration.thresholds()

    def accepted(needed: float) -> int:
        count = 0
        for row in range(200):
            others = np.array([other for other in range(200) if products[other] != products[row]])
            candidates = fold_to_products(vectors[others] @ vectors[row], others, products)
            found = decide(candidates, thresholds)
            count += found.confidence + found.needed >= needed
        return count

    assert accepted(thresholds.needed) <= 10
    # without the measured part a flat cut-off would let them in
    assert accepted(-1.5) > 10


def test_registered_items_are_accepted_and_unregistered_ones_are_not() -> None:
    vectors, products = gallery(30, 6, spread=0.4)
    registered = [row for row in range(180) if row % 6 < 5 and row < 150]
    thresholds = calibrated(vectors, np.array(registered), products).thresholds()

    def state(row: int) -> str:
        scores = vectors[registered] @ vectors[row]
        candidates = fold_to_products(scores, np.array(registered), products)
        decision = decide(candidates, thresholds)
        right = decision.state == "accepted" and candidates[0].product_id == products[row]
        return "right" if right else decision.state

    shown = [state(row) for row in range(150) if row % 6 == 5]
    strangers = [state(row) for row in range(150, 180)]
    assert shown.count("right") >= 24
    assert strangers.count("accepted") == 0


def test_an_empty_gallery_and_an_only_product_fall_back_on_the_prior() -> None:
    vectors, products = gallery(1, 3)
    tail = TAIL_SCALE * np.log(5)  # from one in twenty to one in a hundred
    for rows in (0, 3):
        found = calibrated(vectors, np.arange(rows), products).thresholds()
        assert (found.centre, found.spread) == (PRIOR_CENTRE, PRIOR_SPREAD)
        assert found.needed == max(NEEDED_LEAST, PRIOR_NEEDED + tail + EXTRA_MATCHED)
        assert found.needed_verified == pytest.approx(PRIOR_NEEDED + tail + EXTRA_VERIFIED)
        assert found.needed_without_artwork == pytest.approx(PRIOR_NEEDED + tail + EXTRA_WITHOUT_ARTWORK)
        assert found.densities == {}


def test_few_photos_are_drawn_towards_the_prior_and_many_speak_for_themselves() -> None:
    vectors, products = gallery(30, 5)
    for count in (10, 150):
        calibration = calibrated(vectors, np.arange(count), products)
        found, best = calibration.thresholds(), calibration.scores().impostor.astype(np.float64)
        own = count / (count + PRIOR_WEIGHT)
        assert found.centre == pytest.approx(own * best.mean() + (1 - own) * PRIOR_CENTRE)
        assert found.spread == pytest.approx(np.sqrt(own * best.var() + (1 - own) * PRIOR_SPREAD**2))


def test_a_product_with_few_photos_stays_near_the_gallery() -> None:
    vectors, products = gallery(30, 5)
    lonely = np.zeros((1, DIMENSION), np.float32)
    lonely[0, 0] = 1.0
    vectors, products = np.vstack([vectors, lonely]), [*products, "lonely"]
    calibration = calibrated(vectors, np.arange(151), products)
    thresholds, found = calibration.thresholds(), calibration.scores()
    for product in set(products):
        own = [
            float(score) for score, its in zip(found.impostor, found.products, strict=True) if its == product
        ]
        expected = (sum(own) + 5 * thresholds.centre) / (len(own) + 5)
        assert thresholds.density_of(product) == pytest.approx(expected)
    assert thresholds.density_of("not here") == thresholds.centre


def test_a_stricter_target_demands_more() -> None:
    vectors, products = gallery(30, 5)
    needed = [
        calibrated(vectors, np.arange(150), products, false_accept_target=target).thresholds().needed_verified
        for target in (0.2, 0.05, 0.01, 0.001)
    ]
    assert needed == sorted(needed)
    assert needed[3] - needed[2] == pytest.approx(TAIL_SCALE * np.log(10))
    assert needed[0] < needed[1]


def test_rows_that_do_not_fit_are_refused_and_nothing_changes() -> None:
    vectors, products = gallery(3, 3)
    calibration = calibrated(vectors, np.arange(6), products)
    with pytest.raises(ValueError, match="not calibrated already"):
        calibration.add([6, 5], ["product-2", "product-1"])
    with pytest.raises(ValueError, match="not calibrated already"):
        calibration.add([6, 6], ["product-2", "product-2"])
    with pytest.raises(ValueError, match="one product per row"):
        calibration.add([6], [])
    with pytest.raises(ValueError, match="rows that are calibrated"):
        calibration.withdraw([0, 6])
    assert_same(calibration, calibrated(vectors, np.arange(6), products))


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_a_target_outside_0_and_1_is_refused(target: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Calibration(lambda rows: np.empty((len(rows), 1), np.float32), false_accept_target=target)
