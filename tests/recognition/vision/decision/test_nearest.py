"""The nearest products of each photo: kept in any order as in one go, with negative scores and ties."""

from __future__ import annotations

import numpy as np
import pytest

from recognition.vision.decision.nearest import NONE, Nearest, folded_to_products, keys_of

ROWS = np.arange(5)


def test_keys_sort_by_score_whatever_its_sign_and_ties_by_the_lower_row() -> None:
    scores = np.array([-0.75, -0.5, 0.0, 0.25, 0.75], np.float32)
    assert np.all(np.diff(keys_of(scores, ROWS)) > 0)
    ties = keys_of(np.full(5, -0.5, np.float32), ROWS)
    assert np.all(np.diff(ties) == -1)
    assert ties.min() > keys_of(scores, ROWS)[0]
    assert keys_of(np.array([-np.inf, -1.0], np.float32), ROWS[:2]).tolist()[0] == NONE


def test_scores_and_rows_come_out_of_keys_as_they_went_in() -> None:
    scores = np.array([[-1.0, -0.3, -1e-6, 0.0, 1.0]], np.float32)
    rows = np.array([0, 1, 77, 2**31, 2**32 - 1])
    nearest = Nearest(keys_of(scores, rows), np.zeros((1, 5), np.int64))
    assert nearest.scores.dtype == np.float32
    assert np.array_equal(nearest.scores, scores)
    assert np.array_equal(nearest.rows, rows[None])


def test_of_nothing_there_is_no_score_no_row_and_no_product() -> None:
    nothing = Nearest.of_nothing(2, 3)
    assert nothing.scores.tolist() == [[-np.inf] * 3] * 2
    assert nothing.rows.tolist() == nothing.products.tolist() == [[-1] * 3] * 2
    more = nothing.extended(1)
    assert more.keys.shape == more.products.shape == (3, 3)
    assert more.products[2].tolist() == [-1] * 3


def test_each_product_keeps_its_best_row_and_products_rise() -> None:
    scores = np.array([[0.1, 0.5, -0.2, 0.5, -np.inf]], np.float32)
    keys, products = folded_to_products(scores, ROWS, np.array([9, 4, 9, 4, 7]))
    assert products.tolist() == [4, 7, 9]
    found = Nearest(keys, products[None])
    assert found.rows.tolist() == [[1, -1, 0]]
    assert found.scores[0, [0, 2]] == pytest.approx([0.5, 0.1])
    assert keys[0, 1] == NONE


def improved(blocks: int, kept: int = 2) -> Nearest:
    """Offer six photos of four products in so many blocks, to the second of two positions."""
    scores = np.array([0.3, -0.4, 0.9, 0.8, -0.1, 0.3], np.float32)
    rows, products = np.arange(6), np.array([3, 1, 2, 2, 1, 5])
    nearest = Nearest.of_nothing(2, kept)
    for part in np.array_split(np.arange(6), blocks):
        keys, found = folded_to_products(scores[None, part], rows[part], products[part])
        nearest.improve(np.array([1]), keys, found)
    return nearest


@pytest.mark.parametrize("blocks", [1, 2, 3, 6])
@pytest.mark.parametrize("kept", [1, 2, 3, 4, 5])
def test_the_best_products_are_kept_however_photos_come(blocks: int, kept: int) -> None:
    nearest = improved(blocks, kept)
    products, rows = [2, 3, 5, 1, -1], [2, 0, 5, 4, -1]
    assert nearest.products.tolist() == [[-1] * kept, products[:kept]]
    assert nearest.rows.tolist() == [[-1] * kept, rows[:kept]]
    assert nearest.scores[1].tolist() == pytest.approx([0.9, 0.3, 0.3, -0.1, -np.inf][:kept])


def test_what_is_cleared_is_forgotten_and_what_is_chosen_comes_alone() -> None:
    nearest = improved(1)
    chosen = nearest.at(np.array([1]))
    nearest.clear(np.array([1]))
    assert nearest.products.tolist() == [[-1, -1], [-1, -1]]
    assert np.isneginf(nearest.scores).all()
    assert chosen.products.tolist() == [[2, 3]]
    assert improved(1).at(np.array([False, True])).rows.tolist() == [[2, 0]]
