from __future__ import annotations

import numpy as np
import pytest

from recognition.vision.scene.differences import largest_difference


@pytest.mark.parametrize("shape", [(24, 32, 3), (1, 1, 3), (0, 5, 3)])
def test_it_is_the_largest_difference_of_a_channel(shape: tuple[int, int, int]) -> None:
    random = np.random.default_rng(1)
    one, other = (random.uniform(0, 255, shape).astype(np.float32) for _ in range(2))
    found = largest_difference(one, other)
    np.testing.assert_array_equal(found, np.abs(one - other).max(axis=2))
    assert found.dtype == np.float32
