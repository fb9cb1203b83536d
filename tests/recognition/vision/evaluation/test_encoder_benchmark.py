"""The encoder benchmark: honest about its weights, complete in its rows."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from recognition.vision.encoders.errors import UnknownEncoder
from recognition.vision.evaluation import encoder_benchmark
from recognition.vision.evaluation.encoder_benchmark import benchmark_encoder
from tests.recognition.vision.encoders.small_checkpoints import save_clip, save_convnext
from tests.recognition.vision.encoders.torchvision_schemas import make_torchvision_importable


@pytest.fixture(autouse=True)
def _own_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    make_torchvision_importable()
    monkeypatch.setattr("recognition.vision.evaluation.encoder_benchmark.MATMUL_SIZE", 128)
    threads = torch.get_num_threads()
    monkeypatch.setattr(
        "recognition.vision.evaluation.encoder_benchmark.free_threads", lambda _wanted: threads
    )


def test_every_encoder_dtype_and_batch_has_a_row(tmp_path: Path) -> None:
    save_convnext(tmp_path)
    save_clip(tmp_path)
    report = benchmark_encoder(
        ["dinov3-convnext"], batches=(1, 3), models_dir=tmp_path, device="cpu", repeats=1
    )
    keys = [(row["encoder"], row["dtype"], row["batch"], row["weights"]) for row in report["rows"]]
    assert keys == [
        ("dinov3-convnext", "float32", 1, "files"),
        ("dinov3-convnext", "float32", 3, "files"),
        ("dinov3-convnext", "bfloat16", 1, "files"),
        ("dinov3-convnext", "bfloat16", 3, "files"),
    ]
    for row in report["rows"]:
        assert row["images_per_s"] == pytest.approx(1000 * row["batch"] / row["ms"], rel=0.02)
        assert row["share_of_matmul"] > 0
    assert len({row["gflop_per_image"] for row in report["rows"]}) == 1
    assert set(report["matmul_gflops"]) == {"float32", "bfloat16"}


def test_weights_that_are_not_there_are_replaced_by_random_ones_and_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    report = benchmark_encoder(
        ["dinov3-convnext"], batches=(1,), dtypes=("bfloat16",), models_dir=tmp_path, device="cpu", repeats=1
    )
    row = report["rows"][0]
    assert (row["weights"], row["dtype"], row["batch"]) == ("random", "bfloat16", 1)
    assert row["gflop_per_image"] == pytest.approx(38.4, abs=0.1)


def test_an_unknown_encoder_is_refused_before_anything_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_benchmark, "_matmul_gflops", lambda *_: pytest.fail("it measured"))
    with pytest.raises(UnknownEncoder) as refused:
        benchmark_encoder(["compact", "resnet"], device="cpu", repeats=1)
    assert str(refused.value) == (
        "there is no encoder 'resnet': use one of auto, dinov3-vitl, dinov3-convnext, compact"
    )
