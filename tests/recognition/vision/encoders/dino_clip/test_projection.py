"""The fixed projection: the same matrix everywhere, and one that keeps angles."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from recognition.vision.encoders.dino_clip.projection import project, projection_digest, projection_matrix

DIGEST = "5ae7ca0c00c01d0bb696840ba011f6b84d407b684d6c1640936491b83d2a0fb5"


def test_the_matrix_is_pinned_bit_for_bit() -> None:
    assert projection_digest() == DIGEST


def test_another_process_builds_the_same_matrix() -> None:
    module = "recognition.vision.encoders.dino_clip.projection"
    code = f"from {module} import projection_digest; print(projection_digest())"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == DIGEST


def test_its_columns_are_orthonormal() -> None:
    matrix = projection_matrix().astype(np.float64)
    assert matrix.shape == (512, 256)
    np.testing.assert_allclose(matrix.T @ matrix, np.eye(256), atol=1e-6)


def test_every_entry_has_one_magnitude() -> None:
    assert set(np.unique(np.abs(projection_matrix()))) == {np.float32(512**-0.5)}


def test_nobody_can_change_it() -> None:
    with pytest.raises(ValueError, match="read-only"):
        projection_matrix()[0, 0] = 0


def test_cosines_survive_up_to_the_error_of_256_columns() -> None:
    rng = np.random.default_rng(5)
    shared = rng.normal(size=(400, 512))
    left, right = shared + rng.normal(size=(400, 512)), shared + rng.normal(size=(400, 512))
    error = _cosines(project(left.astype(np.float32)), project(right.astype(np.float32)))
    error -= _cosines(left, right)
    assert abs(error.mean()) < 0.01
    assert error.std() < 1 / np.sqrt(256)


def test_a_direction_along_one_axis_is_spread_over_all_columns() -> None:
    axis = np.zeros((1, 512), np.float32)
    axis[0, 17] = 1
    projected = project(axis)
    assert set(np.unique(np.abs(projected))) == {np.float32(512**-0.5)}


def test_other_widths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(n, 512\), got \(2, 256\)"):
        project(np.zeros((2, 256), np.float32))


def _cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return np.einsum("ij,ij->i", left, right) / lengths
