from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from recognition.vision.calibration import (
    MINIMUM_MARGIN,
    PRIOR_THRESHOLD,
    Calibration,
    GalleryScores,
    IntArray,
)
from recognition.vision.layout import FloatArray
from recognition.vision.matching import decide, fold_to_products

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
    monkeypatch.setattr("recognition.vision.calibration.BLOCK_ROWS", 7)
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


@pytest.mark.parametrize("prior", [0.0, PRIOR_THRESHOLD])
def test_with_each_product_in_turn_unknown_no_more_than_the_target_are_accepted(prior: float) -> None:
    vectors, products = gallery(40, 5, spread=0.9)
    calibration = calibrated(
        vectors, np.arange(200), products, false_accept_target=0.05, prior_threshold=prior
    )
    thresholds, found = calibration.thresholds(), calibration.scores()

    def accepted(threshold_of: Callable[[str], float]) -> int:
        pairs = zip(found.impostor, found.impostor_rows, strict=True)
        return sum(bool(score > threshold_of(products[row])) for score, row in pairs)

    assert accepted(thresholds.of) <= 10
    # a flat cut-off that suits one catalogue does not suit another
    assert accepted(lambda product: 0.4) > 10


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
    assert strangers.count("unknown") == 30


def test_an_empty_gallery_and_an_only_product_fall_back_on_the_prior() -> None:
    vectors, products = gallery(1, 3)
    assert calibrated(vectors, np.arange(0), products).thresholds().default == PRIOR_THRESHOLD
    only = calibrated(vectors, np.arange(3), products).thresholds()
    assert (only.default, only.margin) == (PRIOR_THRESHOLD, MINIMUM_MARGIN)
    assert only.per_product == {"product-0": PRIOR_THRESHOLD}


def test_a_product_with_few_photos_stays_near_the_gallery_and_never_below_its_median() -> None:
    vectors, products = gallery(30, 5)
    lonely = np.zeros((1, DIMENSION), np.float32)
    lonely[0, 0] = 1.0
    vectors = np.vstack([vectors, lonely])
    products = [*products, "lonely"]
    calibration = calibrated(vectors, np.arange(151), products)
    thresholds, found = calibration.thresholds(), calibration.scores()
    for product in set(products):
        own = [
            score
            for score, row in zip(found.impostor, found.impostor_rows, strict=True)
            if products[row] == product
        ]
        evidence = min(len(own), products.count(product))
        assert thresholds.of(product) >= float(np.median(found.impostor))
        drift = abs(thresholds.of(product) - thresholds.default)
        reach = abs(float(max(own)) - thresholds.default) if own else 0.0
        assert drift <= evidence / (evidence + 10) * reach + 1e-9
    assert abs(thresholds.of("lonely") - thresholds.default) <= 0.1


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
