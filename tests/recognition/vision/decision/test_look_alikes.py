"""Which photos would be taken for another product, by what each was measured to score."""

from __future__ import annotations

import numpy as np
import pytest

from recognition.vision.decision.calibration import GalleryScores
from recognition.vision.decision.decide import Thresholds
from recognition.vision.decision.look_alikes import neighbours

THRESHOLDS = Thresholds(centre=0.5, spread=0.1, needed=0.5, needed_verified=1.0, needed_without_artwork=1.5)


def gallery(**changes: object) -> GalleryScores:
    """Return two photos of milk, and one each of juice and tea."""
    measured = {
        "rows": np.array([1, 4, 7, 9]),
        "products": ("milk", "milk", "juice", "tea"),
        "genuine": np.array([0.9, 0.9, -np.inf, -np.inf], np.float32),
        "impostor": np.array([0.3, 0.88, 0.88, -np.inf], np.float32),
        "impostor_rows": np.array([7, 7, 4, -1]),
    }
    return GalleryScores(**{**measured, **changes})  # type: ignore[arg-type]


def found(scores: GalleryScores, *rows: int) -> dict[int, tuple[int, float, bool]]:
    return {
        row: (near.row, round(near.score, 4), near.confusable)
        for row, near in neighbours(scores, THRESHOLDS, rows).items()
    }


def test_a_photo_nearer_to_its_own_product_is_told_apart_and_one_as_near_to_another_is_not() -> None:
    assert found(gallery(), 1, 4) == {1: (7, 0.3, False), 4: (7, 0.88, True)}


def test_an_only_photo_is_confusable_where_the_other_product_alone_would_be_accepted() -> None:
    assert found(gallery(), 7) == {7: (4, 0.88, True)}
    far = np.array([0.3, 0.3, 0.55, -np.inf], np.float32)
    assert found(gallery(impostor=far), 7) == {7: (4, 0.55, False)}


def test_a_photo_that_would_be_accepted_as_another_product_is_confusable() -> None:
    own = np.array([0.3, 0.9, -np.inf, -np.inf], np.float32)
    other = np.array([0.9, 0.3, 0.3, -np.inf], np.float32)
    assert found(gallery(genuine=own, impostor=other), 1, 4) == {1: (7, 0.9, True), 4: (7, 0.3, False)}


def test_what_resembles_neither_is_not_confusable() -> None:
    low = np.array([0.5, 0.9, -np.inf, -np.inf], np.float32)
    assert found(gallery(genuine=low), 1) == {1: (7, 0.3, False)}


@pytest.mark.parametrize("row", [0, 2, 5, 8, 10])
def test_photos_that_were_not_measured_are_left_out(row: int) -> None:
    assert found(gallery(), row) == {}


def test_photos_without_another_product_are_left_out() -> None:
    assert found(gallery(), 9) == {}
    withdrawn = np.array([7, 6, 4, -1])
    assert set(found(gallery(impostor_rows=withdrawn), 1, 4, 7)) == {1, 7}
