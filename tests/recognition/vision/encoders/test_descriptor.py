"""The colour layout descriptor: shape, what it sees and what it forgives."""

from __future__ import annotations

import numpy as np
import pytest

from recognition.vision.encoders.descriptor import ColourLayout, colour_shares


def plain(colour: tuple[int, int, int], height: int = 60, width: int = 40) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


RED, GREEN, WHITE, GREY = (200, 30, 30), (30, 160, 40), (250, 250, 250), (120, 120, 120)


def test_rows_are_256_numbers_of_unit_length() -> None:
    rows = colour_shares([plain(RED), plain(GREEN, 200, 300)])

    assert rows.shape == (2, 256)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-6)
    assert (rows >= 0.0).all()


def test_no_pictures_give_no_rows() -> None:
    assert colour_shares([]).shape == (0, 256)


def test_colours_that_share_no_bin_are_orthogonal_and_equal_ones_identical() -> None:
    rows = colour_shares([plain(RED), plain(GREEN), plain(RED, 300, 200)])

    assert rows[0] @ rows[1] == 0.0
    assert rows[0] @ rows[2] == pytest.approx(1.0, abs=1e-6)


def test_black_and_white_are_each_a_single_bin() -> None:
    rows = colour_shares([plain((0, 0, 0)), plain((255, 255, 255))])

    # grey lies between the two middle bins of both chroma axes: four cells share it evenly
    assert np.count_nonzero(rows[0]) == 4
    assert rows[0] @ rows[1] == pytest.approx(0.0, abs=1e-6)


def test_the_middle_counts_more_than_the_rim() -> None:
    middle = plain(WHITE, 90, 90)
    middle[22:68, 22:68] = RED
    rim = plain(RED, 90, 90)
    rim[22:68, 22:68] = WHITE
    red, of_middle, of_rim = colour_shares([plain(RED), middle, rim])

    # red covers a quarter of the first picture and three quarters of the second
    assert red @ of_middle > red @ of_rim


def test_a_little_less_light_moves_the_numbers_only_a_little() -> None:
    rows = colour_shares([plain(GREY), plain((112, 112, 112)), plain(WHITE)])

    assert rows[0] @ rows[1] > 0.95
    assert rows[0] @ rows[2] < 0.8


def test_a_row_does_not_depend_on_its_batch() -> None:
    rng = np.random.default_rng(5)
    pictures = [rng.integers(0, 256, (50, 70, 3)).astype(np.uint8) for _ in range(4)]

    together = colour_shares(pictures)

    for row, picture in zip(together, pictures, strict=True):
        np.testing.assert_array_equal(row, colour_shares([picture])[0])


def test_the_mean_is_taken_off_before_the_projection() -> None:
    shares = colour_shares([plain(RED), plain(GREEN)])
    swap = np.eye(256, dtype=np.float32)[::-1].copy()
    descriptor = ColourLayout(shares[1] / 2, swap)

    row = descriptor([plain(RED)])[0]

    expected = (shares[0] - shares[1] / 2)[::-1]
    np.testing.assert_allclose(row, expected / np.linalg.norm(expected), atol=1e-6)


def test_no_pictures_give_no_descriptor_rows() -> None:
    assert ColourLayout(np.zeros(256, np.float32), np.eye(256, dtype=np.float32))([]).shape == (0, 256)


def test_statistics_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="256"):
        ColourLayout(np.zeros(255, np.float32), np.eye(256, dtype=np.float32))
