"""From rows to decisions: every product is seen, gone rows never are, thresholds follow the photos."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from recognition import services
from recognition.engine import calibrator, shared
from recognition.engine.batcher import Batcher
from recognition.engine.calibrator import UNCALIBRATED, Calibrator, sample_of
from recognition.engine.engine import Engine
from recognition.engine.gallery import Gallery
from recognition.engine.photo_features import PhotoFeatures
from recognition.index.maintenance import index_rebuild
from recognition.index.view import IndexView
from recognition.vision.decision.matching import SEARCH_ROWS
from recognition.vision.encoders import registry
from recognition.vision.encoders.layout import fuse
from recognition.vision.types import FloatArray
from tests.fakes import ThumbnailEncoder
from tests.recognition.pictures import picture, upload
from tests.waiting import until

WAIT_S = 20


def fused(numbers: list[int]) -> FloatArray:
    return fuse(ThumbnailEncoder().encode([picture(number) for number in numbers]), visual_weight=0.7)


def view_of(products: dict[str, list[int]]) -> IndexView:
    """Put photos into a view of its own, product after product."""
    view = IndexView(epoch=1, encoder="thumbnail", fingerprint="f" * 64)
    for product, numbers in products.items():
        view.product_ids += [product] * len(numbers)
        view.store.add(fused(numbers))
    return view


def test_second_product_is_seen_behind_more_photos_than_are_fetched(shop_folder: object) -> None:
    many = [1] * (SEARCH_ROWS + 2)
    decision = Gallery().decide(view_of({"milk": many, "tea": [2]}), fused([1]))[0]
    assert [candidate.product_id for candidate in decision.candidates] == ["milk", "tea"]
    assert decision.margin == pytest.approx(decision.score - decision.candidates[1].score)


def test_row_whose_photo_is_gone_is_left_out_though_it_is_not_yet_withdrawn(shop_folder: object) -> None:
    view = view_of({"milk": [1], "tea": [2]})
    view.product_ids[0] = None
    decision = Gallery().decide(view, fused([1]))[0]
    assert [candidate.product_id for candidate in decision.candidates] == ["tea"]


def test_empty_index_knows_nothing(shop_folder: object) -> None:
    decision = Gallery().decide(view_of({}), fused([1]))[0]
    assert (decision.state, decision.candidates) == ("unknown", ())


def test_thresholds_are_measured_again_when_photos_come_and_go(engine: Engine) -> None:
    thresholds = engine.gallery.calibrator
    assert thresholds.thresholds == UNCALIBRATED
    milk = services.product_register(name="Milk", uploads=[upload(1), upload(2)]).product
    tea = services.product_register(name="Tea", uploads=[upload(3)]).product
    until(lambda: set(thresholds.thresholds.densities) == {str(milk.pk), str(tea.pk)})
    services.product_set_active(product_id=tea.pk, is_active=False)
    until(lambda: thresholds.thresholds == UNCALIBRATED)  # nothing to compare an only product with
    services.product_set_active(product_id=tea.pk, is_active=True)
    until(lambda: set(thresholds.thresholds.densities) == {str(milk.pk), str(tea.pk)})
    assert thresholds.failure == ""


def test_thresholds_kept_in_step_equal_those_of_a_fresh_start() -> None:
    view = view_of({"milk": [1, 2, 3], "tea": [4, 5], "jam": [6]})
    followed, fresh = Calibrator(), Calibrator()
    followed._measure([(view, None)])
    view.store.withdraw([1])
    followed._measure([(view, [1])])
    view.store.add(fused([7]))
    view.product_ids.append("jam")
    followed._measure([(view, [6]), (view, [6])])
    fresh._measure([(view, None)])
    assert followed.thresholds == fresh.thresholds


def test_thresholds_of_another_encoder_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = Calibrator()
    measured._measure([(view_of({"milk": [1, 2], "tea": [3, 4]}), None)])
    assert measured.thresholds != UNCALIBRATED
    other = view_of({"milk": [1]})
    other.fingerprint = "0" * 64
    monkeypatch.setattr(calibrator, "sample_of", lambda rows: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        measured._measure([(other, None)])
    assert measured.thresholds == UNCALIBRATED


def test_large_index_is_sampled_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrator, "COMPARED_ROWS", 5)
    assert sample_of(0) == []
    assert sample_of(4) == [0, 1, 2, 3]
    assert sample_of(101) == [0, 25, 50, 75, 100]
    assert np.array(sample_of(7)).max() == 6


def test_up_to_ten_thousand_photos_are_all_compared() -> None:
    assert sample_of(10_000) == list(range(10_000))
    assert len(sample_of(1_000_000)) == 10_000


def test_measuring_yields_to_making_features_and_both_to_all_others() -> None:
    assert (Calibrator.niceness, PhotoFeatures.niceness, Batcher.niceness) == (10, 5, 0)


def test_a_measurement_that_fails_is_reported_and_the_next_change_measures_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured = Calibrator()
    measured.start()
    try:
        view = view_of({"milk": [1, 2], "tea": [3, 4]})
        with monkeypatch.context() as patch:
            patch.setattr(calibrator, "sample_of", lambda rows: 1 / 0)
            measured.changed(view, None)
            assert measured.wait(timeout_s=WAIT_S)
        assert (measured.failure, measured.thresholds) == ("division by zero", UNCALIBRATED)
        measured.changed(view, [])
        assert measured.wait(timeout_s=WAIT_S)
        assert measured.failure == ""
        assert set(measured.thresholds.densities) == {"milk", "tea"}
    finally:
        measured.stop()


@pytest.mark.django_db(transaction=True)
def test_running_engine_loads_the_encoder_the_index_was_rebuilt_with(
    shop_folder: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str) -> ThumbnailEncoder:
        made = ThumbnailEncoder({"compact": "c" * 64, "dinov3-convnext": "d" * 64}[name])
        made.name = name
        return made

    monkeypatch.setattr(registry, "status_of", lambda name, models_dir: SimpleNamespace(ready=True))
    monkeypatch.setattr(registry, "resolve", lambda name, models_dir: "compact")
    engine = Engine(load=load)
    engine.start()
    shared.engine_use(engine)
    try:
        assert engine.wait_ready(timeout_s=WAIT_S).encoder == "compact"
        services.product_register(name="Milk", uploads=[upload(1)])
        index_rebuild(encoder_name="dinov3-convnext", load=load, progress=lambda advance, total: None)
        until(lambda: engine.state().encoder == "dinov3-convnext" and engine.state().ready)
        assert engine.recognize([picture(1)]).decisions[0].state == "accepted"
    finally:
        shared.engine_use(None)
