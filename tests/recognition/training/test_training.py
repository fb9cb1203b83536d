"""The training recipe on a handful of photos: it learns, it resumes exactly, its export is the network."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from recognition.training.__main__ import main
from recognition.training.augment import Augmenter, patch
from recognition.training.colours import colours_fit, statistics
from recognition.training.export import weights_export
from recognition.training.judging import LabelledVectors, metrics, recall_at_1
from recognition.training.loop import CheckpointMismatch, Trainer, train
from recognition.training.packs import FAMILY_SIZE, draw_pack
from recognition.training.photos import PhotoSet
from recognition.training.recipe import Recipe
from recognition.training.report import main as report
from recognition.training.shelf import Shelf
from recognition.training.vectors import visual_vectors
from recognition.training.warm_start import start_from
from recognition.vision.encoders.compact import INPUT_SIDE_PX, CompactEncoder
from recognition.vision.encoders.descriptor import ColourLayout, colour_shares

pytestmark = pytest.mark.usefixtures("one_torch_thread")
TINY = Recipe(steps=6, batch=8, size_px=32, early_size_px=32, packs=4, warmup=2, average=0.5)


def draw_packs(count: int, *, side_px: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.stack([draw_pack(number, side_px=side_px, seed=seed) for number in range(count)])


def tiny_shelf(recipe: Recipe) -> Shelf:
    pixels = draw_packs(12, side_px=40, seed=7)
    grocery = PhotoSet(pixels[:6], ["a", "a", "b", "b", "c", "c"], [True] * 6)
    clothing = PhotoSet(pixels[6:8], ["clothing/x", "clothing/y"], [False] * 2)
    return Shelf(recipe, [grocery], clothing, pixels[8:12])


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {
        **trainer.network.state_dict(),
        **{f"averaged.{k}": v for k, v in trainer.averaged.state_dict().items()},
    }


def plain_colours() -> ColourLayout:
    return ColourLayout(np.zeros(256, np.float32), np.eye(256, dtype=np.float32))


def test_loss_falls(tmp_path: Path) -> None:
    recipe = replace(TINY, steps=30)

    history = train(
        Trainer(recipe, tiny_shelf(recipe)), checkpoint=tmp_path / "c.pt", every=10, progress=False
    )

    assert [entry["step"] for entry in history] == [10, 20, 30]
    assert history[-1]["loss"] < history[0]["loss"] - 0.3


def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = Trainer(TINY, tiny_shelf(TINY))
    train(whole, checkpoint=tmp_path / "whole.pt", progress=False)
    first = Trainer(TINY, tiny_shelf(TINY))
    for step in range(3):
        first.step(first.views(step))
    first.save(tmp_path / "half.pt")

    second = Trainer(TINY, tiny_shelf(TINY))
    second.resume(tmp_path / "half.pt")
    train(second, checkpoint=tmp_path / "half.pt", progress=False)

    for key, value in weights(whole).items():
        assert torch.equal(value, weights(second)[key]), key
    # control: without the state of the optimiser the same steps lead elsewhere
    third = Trainer(TINY, tiny_shelf(TINY))
    third.network.load_state_dict(first.network.state_dict())
    third.done = 3
    train(third, checkpoint=tmp_path / "third.pt", progress=False)
    assert not torch.equal(weights(whole)["head.weight"], weights(third)["head.weight"])


def test_a_checkpoint_of_another_recipe_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    made = Trainer(TINY, tiny_shelf(TINY))
    made.step(made.views(0))
    made.save(tmp_path / "c.pt")
    other = replace(TINY, margin=0.3)
    trainer = Trainer(other, tiny_shelf(other))
    before = {key: value.clone() for key, value in weights(trainer).items()}

    with pytest.raises(CheckpointMismatch, match="another recipe"):
        trainer.resume(tmp_path / "c.pt")

    assert trainer.done == 0
    assert all(torch.equal(value, before[key]) for key, value in weights(trainer).items())


def test_the_export_is_the_averaged_network_within_half_precision(tmp_path: Path) -> None:
    trainer = Trainer(TINY, tiny_shelf(TINY))
    train(trainer, checkpoint=tmp_path / "c.pt", progress=False)
    squares = draw_packs(3, side_px=INPUT_SIDE_PX, seed=2)

    weights_export(trainer.averaged, plain_colours(), tmp_path / "out.safetensors")

    exported = CompactEncoder.load(tmp_path / "out.safetensors").encode(list(squares))[:, :1024]
    cosines = (exported * visual_vectors(trainer.averaged, squares)).sum(axis=1)
    assert cosines.min() > 0.999


def test_a_run_started_from_shipped_weights_begins_with_what_they_do(tmp_path: Path) -> None:
    made = Trainer(TINY, tiny_shelf(TINY))
    train(made, checkpoint=tmp_path / "c.pt", progress=False)
    weights_export(made.averaged, plain_colours(), tmp_path / "out.safetensors")
    squares = draw_packs(6, side_px=INPUT_SIDE_PX, seed=2)

    recipe = replace(TINY, seed=9, learning_rate=1e-4, steps=40)
    trainer = Trainer(recipe, tiny_shelf(recipe))
    fresh = visual_vectors(trainer.averaged, squares)
    start_from(trainer, tmp_path / "out.safetensors")

    shipped = visual_vectors(made.averaged, squares)
    assert (visual_vectors(trainer.averaged, squares) * shipped).sum(axis=1).min() > 0.999
    assert (fresh * shipped).sum(axis=1).max() < 0.9
    # and it learns on from there
    history = train(trainer, checkpoint=tmp_path / "on.pt", every=20, progress=False)
    assert history[-1]["loss"] < history[0]["loss"]


def test_classes_kept_out_are_never_drawn() -> None:
    recipe = replace(TINY, unseen=("b",), batch=64)
    shelf = tiny_shelf(recipe)

    assert shelf.class_names == ["a", "c"]
    kept_out = tiny_shelf(TINY)._grocery[0].pixels[2:4]
    for step in range(5):
        for square in shelf.batch(step).pixels:
            assert not any(np.array_equal(square, photo) for photo in kept_out)


def test_batches_and_views_repeat_exactly() -> None:
    first, second = (Trainer(TINY, tiny_shelf(TINY)).views(4) for _ in range(2))

    assert torch.equal(first.pixels, second.pixels)
    assert torch.equal(first.classes, second.classes)
    assert torch.equal(first.own_share, second.own_share)
    assert not torch.equal(first.pixels, Trainer(TINY, tiny_shelf(TINY)).views(5).pixels)


def test_a_patch_is_of_the_view_before_and_counts_by_its_area() -> None:
    views = torch.arange(1.0, 5.0)[:, None, None, None].expand(4, 3, 40, 40)

    patched, own_share = patch(views, 1.0, torch.Generator().manual_seed(1))

    for number, (view, before) in enumerate(zip(patched, views.roll(1, dims=0), strict=True)):
        own = view == views[number]
        assert torch.equal(view[~own], before[~own])
        assert own.float().mean() == pytest.approx(float(own_share[number]))
        assert 0.5 < own_share[number] < 0.96
    untouched, whole = patch(views, 0.0, torch.Generator().manual_seed(1))
    assert torch.equal(untouched, views)
    assert whole.tolist() == [1.0] * 4


def test_drawn_packs_repeat_and_differ_within_their_family() -> None:
    assert np.array_equal(draw_pack(5, side_px=64, seed=1), draw_pack(5, side_px=64, seed=1))
    family = [draw_pack(number, side_px=64, seed=1) for number in range(FAMILY_SIZE)]
    for place, pack in enumerate(family):
        for other in family[place + 1 :]:
            assert not np.array_equal(pack, other)


def test_views_keep_their_range_and_shape() -> None:
    images = torch.from_numpy(draw_packs(4, side_px=48)).permute(0, 3, 1, 2).contiguous().float() / 255.0

    views = Augmenter(40, torch.Generator().manual_seed(2))(images, torch.tensor([0.0, 1.0, 0.0, 1.0]))

    assert views.shape == (4, 3, 40, 40)
    assert views.min() >= 0.0
    assert views.max() <= 1.0


def test_colours_that_vary_within_a_product_count_less() -> None:
    """Two classes told apart by column 0, while light changes column 1."""
    rng = np.random.default_rng(4)
    shares = rng.normal(0.0, 0.01, (40, 256)).astype(np.float32)
    labels = np.repeat(["a", "b"], 20)
    shares[labels == "a", 0] += 0.5
    shares[:, 1] += rng.normal(0.0, 1.0, 40)

    learned = statistics(shares, labels)

    np.testing.assert_allclose(learned.mean, shares.mean(axis=0), atol=1e-6)
    gain = np.linalg.norm(learned.projection, axis=1)
    assert gain[1] < 0.2 * gain[0]


def test_colours_are_learned_without_the_classes_kept_out() -> None:
    photos = tiny_shelf(TINY)._grocery[0]

    learned = colours_fit(photos, unseen=("b",))

    kept = [photos.pixels[row] for row in (0, 1, 4, 5)]
    np.testing.assert_allclose(learned.mean, colour_shares(kept).mean(axis=0), atol=1e-6)
    assert not np.allclose(learned.mean, colours_fit(photos).mean, atol=1e-3)


def test_metrics_of_known_vectors() -> None:
    axes = np.eye(4, dtype=np.float32)
    gallery = LabelledVectors(axes, np.array(["a", "b", "c", "d"]))
    queries = LabelledVectors(axes[[0, 1, 2, 3]], np.array(["a", "b", "d", "d"]))

    assert recall_at_1(gallery, queries) == 0.75
    assert metrics(gallery, queries, cartons={"a", "b"}, unseen=("d",)) == {
        "all": 0.75,
        "cartons": 1.0,
        "all_5": 0.75,
        "cartons_5": 1.0,
        "unseen_5": 1.0,
    }


def write_photo(file: Path, number: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), draw_pack(number, side_px=48)[..., ::-1])


def tiny_data(root: Path) -> Path:
    """A data folder of the real layout with two classes."""
    rows = ["Class Name (str),Iconic Image Path (str)"]
    for number, name in enumerate(("Milk", "Juice")):
        for split in ("train", "val"):
            for shot in range(2):
                write_photo(root / f"grocery/{split}/Packages/{name}/{name}_{shot}.jpg", number * 4)
        write_photo(root / f"grocery/iconic/{name}.jpg", number * 4)
        rows.append(f"{name},/iconic/{name}.jpg")
    (root / "grocery/classes.csv").write_text("\n".join(rows), encoding="utf-8")
    write_photo(root / "clothing/train/hat/one.jpg", 9)
    return root


def arguments(tmp_path: Path, *more: str) -> list[str]:
    fixed = {"cache": tmp_path / "cache", "checkpoint": tmp_path / "c.pt", "out": tmp_path / "w.safetensors"}
    options = [f"--{name}={value}" for name, value in fixed.items()]
    return [*options, "--batch=4", "--size=32", "--packs=4", "--every=2", *more]


def test_the_command_trains_goes_on_and_writes_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tiny_data(tmp_path / "data")

    assert main(arguments(tmp_path, f"--data={data}", "--steps=2")) == 0
    first = (tmp_path / "w.safetensors").read_bytes()
    assert main(arguments(tmp_path, f"--data={data}", "--steps=4")) == 0

    assert (tmp_path / "w.safetensors").read_bytes() != first
    steps = [
        line.split('"step": ')[1].split(",")[0] for line in (tmp_path / "c.jsonl").read_text().splitlines()
    ]
    assert steps == ["2", "4"]
    assert CompactEncoder.load(tmp_path / "w.safetensors").encode([draw_pack(0)]).shape == (1, 1280)
    assert "wrote" in capsys.readouterr().out


def test_the_report_speaks_of_each_block_and_of_both_joined(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tiny_data(tmp_path / "data")

    assert report([f"--data={data}"]) == 0

    told = json.loads(capsys.readouterr().out)
    perfect = {"all": 1.0, "cartons": 1.0, "all_5": 1.0, "cartons_5": 1.0}
    assert told == {"visual": perfect, "semantic": perfect, "fused": perfect}


def test_the_report_times_one_crop_and_eight(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(["--latency"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert sorted(told) == ["batch_1", "batch_8"]
    assert min(told.values()) > 0.0


def test_the_report_names_missing_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report([f"--weights={tmp_path / 'none.safetensors'}"]) == 2

    assert "none.safetensors" in capsys.readouterr().err


def test_the_command_names_a_missing_folder_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(tmp_path, f"--data={tmp_path / 'nowhere'}")) == 2

    assert "nowhere" in capsys.readouterr().err
    assert not (tmp_path / "w.safetensors").exists()
    assert not (tmp_path / "c.pt").exists()
