"""Which holes are filled, which regions are split and which are joined: just inside and just outside."""

from __future__ import annotations

import numpy as np
import pytest

from recognition.vision.scene.regions import holes_filled, joined_by_tracks, split_by_tracks
from recognition.vision.types import Box


@pytest.mark.parametrize(("width", "filled"), [(19, True), (20, False)])
def test_a_hole_of_a_fifth_of_the_height_squared_is_the_counter(width: int, filled: bool) -> None:
    mask = np.zeros((100, 100), np.bool_)
    mask[10:90, 10:90] = True
    mask[30:50, 30 : 30 + width] = False
    assert holes_filled(mask, 100)[40, 35] == filled
    assert not holes_filled(mask, 100)[5, 5]


@pytest.mark.parametrize(("columns", "regions"), [(10, 1), (11, 2)])
def test_a_region_is_split_between_boxes_that_it_covers_by_more_than_half(columns: int, regions: int) -> None:
    labels = np.zeros((100, 100), np.int32)
    labels[40:60, 20 : 60 + columns] = 1
    split = split_by_tracks(labels, [Box(0.2, 0.4, 0.2, 0.2), Box(0.6, 0.4, 0.2, 0.2)])
    assert len(np.unique(split[split > 0])) == regions


@pytest.mark.parametrize(("start", "pieces"), [(383, 1), (381, 2)])
def test_pieces_are_joined_within_0_08_around_the_box(start: int, pieces: int) -> None:
    # the box reaches from column 400 to 600, with its margin from 384, and 2% of a piece may stick out
    labels = np.zeros((100, 1000), np.int32)
    labels[45:50, start : start + 100], labels[52:55, 420:480] = 1, 2
    joined = joined_by_tracks(labels, [Box(0.4, 0.4, 0.2, 0.2)])
    assert len(np.unique(joined[joined > 0])) == pieces
