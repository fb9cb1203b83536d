"""Fitting how decisions weigh scores and print: what drew the choices is found again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from recognition.training.decision import SHOTS, Shown, fit, metrics, shown_all, stated, tails
from recognition.training.photos import read_rgb
from recognition.vision.decision.local_features import Features, features_of
from recognition.vision.decision.odds import CONTENDERS, OddsModel, log_odds
from recognition.vision.evaluation import recognizer
from recognition.vision.photos.item import photo_item
from recognition.vision.types import FloatArray, Image
from tests.fakes import ThumbnailEncoder
from tests.recognition.vision.photos.test_item import on_shelf

TRUE = OddsModel(constant=-1.0, score=2.0, density=-0.5, others=-0.8, agreeing=20.0)


def drawn(count: int, model: OddsModel, seed: int = 0) -> list[Shown]:
    """Draw pictures whose right answers come about just as a model says."""
    generator = np.random.default_rng(seed)
    shown = []
    for number in range(count):
        scores = np.sort(generator.normal(0.5, 0.15, CONTENDERS))[::-1]
        densities = generator.normal(0.5, 0.1, CONTENDERS)
        agreeing = generator.choice([0.0, 0.05, 0.1], CONTENDERS)

        def odds(
            weights: OddsModel, values: tuple[np.ndarray, ...] = (scores, densities, agreeing)
        ) -> np.ndarray:
            return log_odds(*values, centre=0.5, spread=0.1, model=weights)

        terms = np.stack([odds(OddsModel(*unit)) for unit in np.eye(5).tolist()], axis=-1)
        chances = np.exp(np.append(odds(model), 0.0))
        right = int(generator.choice(CONTENDERS + 1, p=chances / chances.sum()))
        registered = right < CONTENDERS
        shown.append(Shown(f"class {number % 20}", SHOTS[number % 3], terms, right, registered, needed=1.0))
    return shown


def test_terms_add_up_to_the_log_odds() -> None:
    scores, densities, agreeing = np.array([0.9, 0.6]), np.array([0.55, 0.4]), np.array([0.1, 0.0])
    weighed = partial(log_odds, scores, densities, agreeing, centre=0.5, spread=0.1)
    units = [weighed(model=OddsModel(*unit)) for unit in np.eye(5).tolist()]
    np.testing.assert_allclose(np.stack(units, axis=-1) @ np.array(astuple(TRUE)), weighed(model=TRUE))


def test_the_fit_finds_the_weights_that_drew_the_choices() -> None:
    found = fit(drawn(6000, TRUE))
    assert astuple(found) == pytest.approx(astuple(TRUE), rel=0.15, abs=0.1)


def test_no_weight_has_the_wrong_sign_whatever_the_data_say() -> None:
    found = fit(drawn(500, OddsModel(1.0, -2.0, 0.5, 0.8, -20.0)))
    assert found.score == found.density == found.others == found.agreeing == 0.0


def test_a_fitted_model_is_judged_on_classes_it_was_not_fitted_on() -> None:
    shown = drawn(1500, replace(TRUE, constant=-3.0, score=4.0))
    found = metrics(shown)
    assert set(found) == {"all", "5", "1"}
    for one in found.values():
        assert 0.6 < one["recall_at_1"] <= 1.0
        assert 0.0 < one["recall_at_false_accept_1pct"] < one["recall_at_1"]


def test_tails_rise_with_print_and_with_rarity_and_what_stands_is_judged_too() -> None:
    shown = drawn(3000, TRUE)
    found = tails(shown, TRUE)
    assert found["matched_0.05"] < found["matched_0.01"] < found["closely_0.01"]
    assert found["tail_scale"] == pytest.approx(
        (found["matched_0.01"] - found["matched_0.05"]) / np.log(5), abs=1e-3
    )
    lax, strict = ([replace(each, needed=needed) for each in shown] for needed in (-50.0, 50.0))
    assert {one["false_accept_rate"] for one in stated(lax).values()} == {1.0}
    assert {one["accepted"] for one in stated(strict).values()} == {0.0}


class RecordingEncoder(ThumbnailEncoder):
    """Keeps the sizes of the pictures it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[tuple[int, ...]] = []

    def encode(self, images: Sequence[Image]) -> FloatArray:
        self.sizes += [image.shape for image in images]
        return super().encode(images)


def test_photos_are_registered_by_their_item_and_queries_shown_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = {"train": ["a", "b", "c"], "val": ["a", "b"]}
    for split, labels in photos.items():
        for number, label in enumerate(labels):
            file = tmp_path / "grocery" / split / label / "0.jpg"
            file.parent.mkdir(parents=True)
            cv2.imwrite(str(file), on_shelf(number + 1)[0][..., ::-1])
    encoder, looked_at = RecordingEncoder(), set[tuple[int, ...]]()

    def noted(image: Image) -> Features:
        looked_at.add(image.shape)
        return features_of(image)

    monkeypatch.setattr(recognizer, "features_of", noted)
    shown = shown_all(encoder, tmp_path)

    items = [
        photo_item(read_rgb(tmp_path / "grocery" / "train" / label / "0.jpg")).shape
        for label in photos["train"]
    ]
    assert max(max(size) for size in items) < 250
    assert encoder.sizes == [*items, (400, 400, 3), (400, 400, 3)]
    assert looked_at == {*items, (400, 400, 3)}
    assert [(each.label, each.shots, each.registered) for each in shown] == [
        (label, shots, registered) for shots in SHOTS for registered in (True, False) for label in ("a", "b")
    ]
