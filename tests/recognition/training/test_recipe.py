"""The bounds of a recipe, the views' sizes, and the learning rate along a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from recognition.training.loop import Trainer
from recognition.training.recipe import Recipe
from tests.recognition.training.test_training import TINY, tiny_shelf


@pytest.mark.parametrize("name", ["steps", "batch", "size_px", "early_size_px"])
def test_steps_batch_and_sizes_are_at_least_one(name: str) -> None:
    assert getattr(replace(TINY, **{name: 1}), name) == 1  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must be at least 1, packs and rivals at least 0"):
        replace(TINY, **{name: 0})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["packs", "rivals"])
def test_packs_and_rivals_may_be_none(name: str) -> None:
    assert getattr(replace(TINY, **{name: 0}), name) == 0  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="packs and rivals at least 0"):
        replace(TINY, **{name: -1})  # type: ignore[arg-type]


def test_the_shares_of_photos_add_up_to_one_at_most() -> None:
    assert replace(TINY, grocery_share=0.75, clothing_share=0.25).grocery_share == 0.75
    for grocery, clothing in ((0.75, 0.26), (-0.2, 0.1)):
        with pytest.raises(ValueError, match="must add up to at most 1"):
            replace(TINY, grocery_share=grocery, clothing_share=clothing)


def test_the_views_grow_after_the_early_share_of_the_steps() -> None:
    recipe = Recipe(steps=10, early_size_px=80, size_px=96, early_share=0.5)
    assert [recipe.size_at(step) for step in (0, 4, 5, 9)] == [80, 80, 96, 96]


@pytest.mark.usefixtures("one_torch_thread")
def test_the_learning_rate_warms_up_and_falls_along_half_a_cosine() -> None:
    trainer = Trainer(replace(TINY, steps=8, warmup=4, learning_rate=1.0), tiny_shelf(TINY))
    rates = []
    for trainer.done in (0, 3, 4, 8):
        rates.append(trainer._learning_rate())
    assert rates == pytest.approx([0.25, 0.691342, 0.5, 0.0], abs=1e-6)
