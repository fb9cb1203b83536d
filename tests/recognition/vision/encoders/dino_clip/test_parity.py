"""The large encoders against the libraries' own forward passes, on small checkpoints saved and loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from recognition.vision.encoders import registry
from recognition.vision.encoders.checkpoints import CLIP_B32_256
from recognition.vision.encoders.dino_clip.projection import project
from recognition.vision.encoders.errors import EncoderError, WeightsDamaged
from recognition.vision.encoders.hardware import DtypeName
from recognition.vision.encoders.layout import unit_rows
from recognition.vision.types import FloatArray
from tests.recognition.vision.encoders.small_checkpoints import (
    CONVNEXT,
    VITL,
    save_clip,
    save_convnext,
    save_timm_convnext,
    save_timm_vit,
    save_vit,
    some_pictures,
)

pytestmark = pytest.mark.usefixtures("one_torch_thread")
PICTURES = some_pictures()
PILLOWS = [PillowImage.fromarray(picture) for picture in PICTURES]


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    models_dir = tmp_path_factory.mktemp("originals")
    for save in (save_vit, save_convnext, save_clip):
        save(models_dir)
    return models_dir


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    models_dir = tmp_path_factory.mktemp("copies")
    for save in (save_timm_vit, save_timm_convnext, save_clip):
        save(models_dir)
    return models_dir


def load(name: str, models_dir: Path, dtype: DtypeName = "float32") -> Any:
    return registry.load(name, models_dir=models_dir, device="cpu", dtype=dtype, threads=1)


def own_transformers_pass(model_class: str, folder: Path, dtype: torch.dtype) -> FloatArray:
    import transformers

    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    model = getattr(transformers, model_class).from_pretrained(folder, dtype=dtype).eval()
    with torch.inference_mode():
        inputs = processor(images=PILLOWS, return_tensors="pt").to(dtype)
        return model(**inputs).pooler_output.float().numpy()


def own_timm_pass(folder: Path, **options: Any) -> FloatArray:
    import timm

    model = timm.create_model(f"local-dir:{folder}", pretrained=True, num_classes=0, **options).eval()
    config = timm.data.resolve_model_data_config(model)
    transform = timm.data.create_transform(**config, is_training=False)
    with torch.inference_mode():
        return model(torch.stack([transform(pillow) for pillow in PILLOWS])).numpy()


def own_open_clip_pass(folder: Path) -> FloatArray:
    import open_clip

    model, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    with torch.inference_mode():
        return model.eval().encode_image(torch.stack([preprocess(pillow) for pillow in PILLOWS])).numpy()


@pytest.mark.parametrize(
    ("name", "model_class", "folder"),
    [
        ("dinov3-vitl", "DINOv3ViTModel", VITL["facebook"].repo),
        ("dinov3-convnext", "DINOv3ConvNextModel", CONVNEXT["facebook"].repo),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_visual_block_equals_transformers_own_pass(
    originals: Path, name: str, model_class: str, folder: str, dtype: DtypeName
) -> None:
    embeddings = load(name, originals, dtype).encode(PICTURES)
    expected = unit_rows(own_transformers_pass(model_class, originals / folder, getattr(torch, dtype)))
    # bfloat16 keeps 8 bits: another memory layout rounds another way
    np.testing.assert_allclose(embeddings[:, :1024], expected, atol=2e-6 if dtype == "float32" else 2e-3)


@pytest.mark.parametrize(
    ("name", "folder", "options"),
    [
        ("dinov3-vitl", VITL["timm"].repo, {"global_pool": "token"}),
        ("dinov3-convnext", CONVNEXT["timm"].repo, {}),
    ],
)
def test_the_visual_block_equals_timms_own_pass(
    copies: Path, name: str, folder: str, options: dict[str, str]
) -> None:
    embeddings = load(name, copies).encode(PICTURES)
    expected = unit_rows(own_timm_pass(copies / folder, **options))
    np.testing.assert_allclose(embeddings[:, :1024], expected, atol=2e-6)


def test_timms_default_pooling_is_not_what_the_encoder_takes(copies: Path) -> None:
    embeddings = load("dinov3-vitl", copies).encode(PICTURES)
    averaged = unit_rows(own_timm_pass(copies / VITL["timm"].repo))
    assert np.abs(embeddings[:, :1024] - averaged).max() > 0.01


@pytest.mark.parametrize("name", ["dinov3-vitl", "dinov3-convnext"])
def test_the_semantic_block_equals_open_clips_own_pass_projected(originals: Path, name: str) -> None:
    embeddings = load(name, originals).encode(PICTURES)
    expected = unit_rows(project(own_open_clip_pass(originals / CLIP_B32_256.repo)))
    np.testing.assert_allclose(embeddings[:, 1024:], expected, atol=2e-6)


def test_both_blocks_are_unit_rows_of_float32(originals: Path) -> None:
    embeddings = load("dinov3-convnext", originals).encode(PICTURES)
    assert embeddings.shape == (4, 1280)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings[:, :1024], axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(embeddings[:, 1024:], axis=1), 1.0, atol=1e-6)


@pytest.mark.parametrize("name", ["dinov3-vitl", "dinov3-convnext"])
def test_a_row_does_not_depend_on_the_rest_of_the_batch(originals: Path, name: str) -> None:
    encoder = load(name, originals)
    together = encoder.encode([*PICTURES, PICTURES[0]])
    for picture, row in zip(PICTURES, together, strict=False):
        np.testing.assert_allclose(encoder.encode([picture])[0], row, atol=1e-6)
    np.testing.assert_allclose(together[4], together[0], atol=1e-6)


def test_more_pictures_than_a_batch_holds_come_back_in_order(originals: Path) -> None:
    encoder = load("dinov3-convnext", originals)
    many = [PICTURES[position % 4] for position in range(19)]
    expected = encoder.encode(PICTURES)
    np.testing.assert_allclose(encoder.encode(many), expected[[p % 4 for p in range(19)]], atol=1e-6)


def test_no_pictures_give_no_rows(originals: Path) -> None:
    assert load("dinov3-convnext", originals).encode([]).shape == (0, 1280)


def test_bfloat16_stays_close_to_float32_and_has_its_own_fingerprint(originals: Path) -> None:
    exact, rounded = load("dinov3-vitl", originals), load("dinov3-vitl", originals, "bfloat16")
    cosines = (exact.encode(PICTURES) * rounded.encode(PICTURES)).sum(axis=1) / 2
    assert cosines.min() > 0.999
    assert exact.fingerprint != rounded.fingerprint


def test_each_source_of_the_same_encoder_has_its_own_fingerprint(originals: Path, copies: Path) -> None:
    names = ("dinov3-vitl", "dinov3-convnext")
    fingerprints = {load(name, folder).fingerprint for name in names for folder in (originals, copies)}
    assert len(fingerprints) == 4
    assert load("dinov3-vitl", originals).fingerprint in fingerprints


def test_checkpoints_in_the_hubs_cache_give_the_same_embeddings(
    originals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for repo in (CONVNEXT["facebook"].repo, CLIP_B32_256.repo):
        cached = tmp_path / f"models--{repo.replace('/', '--')}"
        (cached / "blobs").mkdir(parents=True)
        (cached / "refs").mkdir()
        (cached / "refs" / "main").write_text("abc", encoding="utf-8")
        (cached / "snapshots" / "abc").mkdir(parents=True)
        for number, path in enumerate((originals / repo).iterdir()):
            blob = cached / "blobs" / f"{number:064}"
            blob.symlink_to(path)
            (cached / "snapshots" / "abc" / path.name).symlink_to(blob)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    local = load("dinov3-convnext", originals)
    cached_encoder = registry.load("dinov3-convnext", device="cpu", dtype="float32", threads=1)
    assert cached_encoder.fingerprint == local.fingerprint
    np.testing.assert_array_equal(cached_encoder.encode(PICTURES), local.encode(PICTURES))


def test_changed_preprocessing_changes_the_fingerprint(tmp_path: Path) -> None:
    folder = save_convnext(tmp_path)
    save_clip(tmp_path)
    before = load("dinov3-convnext", tmp_path).fingerprint
    settings = folder / "preprocessor_config.json"
    settings.write_text(settings.read_text("utf-8").replace("0.485", "0.5"), encoding="utf-8")
    assert load("dinov3-convnext", tmp_path).fingerprint != before


def test_a_picture_that_is_not_rgb_is_refused_with_its_position(originals: Path) -> None:
    encoder = load("dinov3-convnext", originals)
    with pytest.raises(ValueError, match=r"image 1 .* got uint8 \(5, 5, 4\)"):
        encoder.encode([PICTURES[0], np.zeros((5, 5, 4), np.uint8)])


def test_weights_with_a_tensor_missing_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = save_convnext(tmp_path)
    save_clip(tmp_path)
    weights = folder / "model.safetensors"
    tensors = load_file(weights)
    del tensors["layer_norm.bias"]
    save_file(tensors, weights, metadata={"format": "pt"})
    with pytest.raises(WeightsDamaged, match=r"model\.safetensors .*lacks layer_norm\.bias"):
        load("dinov3-convnext", tmp_path)


@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("dinov3-convnext", save_convnext),
        ("dinov3-convnext", save_timm_convnext),
    ],
)
def test_a_truncated_visual_file_is_refused(tmp_path: Path, name: str, save: Any) -> None:
    weights = save(tmp_path) / "model.safetensors"
    save_clip(tmp_path)
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(WeightsDamaged, match="fetch them again"):
        load(name, tmp_path)


def test_a_truncated_clip_file_is_refused(tmp_path: Path) -> None:
    save_convnext(tmp_path)
    weights = save_clip(tmp_path) / CLIP_B32_256.weight_files[0]
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(WeightsDamaged, match="fetch them again"):
        load("dinov3-convnext", tmp_path)


def test_weights_that_yield_no_numbers_are_refused_at_encoding(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = save_convnext(tmp_path)
    save_clip(tmp_path)
    tensors = load_file(folder / "model.safetensors")
    tensors["layer_norm.bias"][5] = float("nan")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EncoderError, match="not finite"):
        load("dinov3-convnext", tmp_path).encode(PICTURES)
