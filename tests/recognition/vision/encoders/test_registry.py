"""Which encoder is available, which one ``auto`` takes, and what is said when one is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from recognition.vision.encoders import registry
from recognition.vision.encoders.checkpoints import CLIP_B32_256, ENCODER_PARTS, Checkpoint
from recognition.vision.encoders.errors import UnknownEncoder, WeightsMissing

VITL, CONVNEXT = ENCODER_PARTS["dinov3-vitl"].visual, ENCODER_PARTS["dinov3-convnext"].visual


@pytest.fixture(autouse=True)
def _empty_hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    return tmp_path / "models"


def put(checkpoint: Checkpoint, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*checkpoint.config_files, checkpoint.weight_files[0]):
        (folder / name).write_bytes(b"{}")


def put_local(models_dir: Path, *checkpoints: Checkpoint) -> None:
    for checkpoint in checkpoints:
        put(checkpoint, models_dir / checkpoint.repo)


def test_without_weights_only_compact_is_ready(models_dir: Path) -> None:
    statuses = registry.available(models_dir)
    assert {name: status.ready for name, status in statuses.items()} == {
        "dinov3-vitl": False,
        "dinov3-convnext": False,
        "compact": True,
    }
    assert statuses["dinov3-convnext"].missing == (
        "facebook/dinov3-convnext-base-pretrain-lvd1689m or timm/convnext_base.dinov3_lvd1689m",
        "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K",
    )


def test_half_of_an_encoder_is_not_ready(models_dir: Path) -> None:
    put_local(models_dir, CONVNEXT["timm"])
    status = registry.available(models_dir)["dinov3-convnext"]
    assert not status.ready
    assert status.found == (CONVNEXT["timm"].repo,)
    assert status.missing == (CLIP_B32_256.repo,)


@pytest.mark.parametrize("lacking", ["config.json", "preprocessor_config.json", "model.safetensors"])
def test_a_checkpoint_without_one_of_its_files_does_not_count(models_dir: Path, lacking: str) -> None:
    put_local(models_dir, CONVNEXT["facebook"], CLIP_B32_256)
    assert registry.available(models_dir)["dinov3-convnext"].ready
    (models_dir / CONVNEXT["facebook"].repo / lacking).unlink()
    assert not registry.available(models_dir)["dinov3-convnext"].ready


def test_the_original_goes_before_the_copy(models_dir: Path) -> None:
    put_local(models_dir, CONVNEXT["timm"], CONVNEXT["facebook"], CLIP_B32_256)
    assert registry.available(models_dir)["dinov3-convnext"].found[0] == CONVNEXT["facebook"].repo


def test_the_hubs_cache_is_looked_at_too(tmp_path: Path) -> None:
    for checkpoint in (CONVNEXT["timm"], CLIP_B32_256):
        repo = tmp_path / "hub" / f"models--{checkpoint.repo.replace('/', '--')}"
        put(checkpoint, repo / "snapshots" / "abc")
        (repo / "refs").mkdir()
        (repo / "refs" / "main").write_text("abc", encoding="utf-8")
    assert registry.available(None)["dinov3-convnext"].ready


def test_a_missing_package_is_named(models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_local(models_dir, CONVNEXT["timm"], CLIP_B32_256)
    monkeypatch.setattr(registry, "find_spec", lambda name: None if name == "timm" else object())
    assert registry.available(models_dir)["dinov3-convnext"].missing == ("the Python package timm",)


@pytest.mark.parametrize(
    ("visual", "cuda", "expected"),
    [
        ((), False, "compact"),
        ((), True, "compact"),
        (("convnext",), False, "dinov3-convnext"),
        (("convnext",), True, "dinov3-convnext"),
        (("convnext", "vitl"), False, "dinov3-convnext"),
        (("convnext", "vitl"), True, "dinov3-vitl"),
        (("vitl",), False, "compact"),
        (("vitl",), True, "dinov3-vitl"),
    ],
)
def test_auto_takes_the_best_that_can_run_here(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch, visual: tuple[str, ...], cuda: bool, expected: str
) -> None:
    monkeypatch.setattr(registry, "_cuda_present", lambda: cuda)
    checkpoints = {"convnext": CONVNEXT["timm"], "vitl": VITL["timm"]}
    put_local(models_dir, CLIP_B32_256, *(checkpoints[each] for each in visual))
    assert registry.resolve("auto", models_dir) == expected


def test_missing_weights_name_the_command_that_fetches_them(models_dir: Path) -> None:
    put_local(models_dir, CLIP_B32_256)
    with pytest.raises(WeightsMissing) as caught:
        registry.load("dinov3-vitl", models_dir=models_dir)
    assert str(caught.value) == (
        "encoder 'dinov3-vitl' is missing facebook/dinov3-vitl16-pretrain-lvd1689m or "
        "timm/vit_large_patch16_dinov3.lvd1689m: fetch it with `manage.py fetch_models dinov3-vitl`"
    )


def test_an_unknown_name_is_refused_with_the_allowed_ones(models_dir: Path) -> None:
    with pytest.raises(UnknownEncoder) as caught:
        registry.load("dinov2", models_dir=models_dir)
    assert str(caught.value) == (
        "there is no encoder 'dinov2': use one of auto, dinov3-vitl, dinov3-convnext, compact"
    )


def test_auto_without_weights_loads_compact(models_dir: Path) -> None:
    assert registry.load("auto", models_dir=models_dir, threads=1).name == "compact"


def test_asking_what_is_available_imports_no_learning_library(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from recognition.vision.encoders import registry\n"
        f"registry.resolve('auto', Path({str(tmp_path)!r}))\n"
        "print(sorted({'torch', 'transformers', 'timm', 'open_clip', 'torchvision'} & sys.modules.keys()))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
