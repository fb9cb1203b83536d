"""The large encoders in the shapes of the published checkpoints, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from recognition.vision.encoders.checkpoints import CLIP_B32_256, ENCODER_PARTS, Checkpoint
from recognition.vision.encoders.dino_clip.random_weights import CONVNEXT_BASE, VIT_LARGE, random_encoder
from tests.recognition.vision.encoders.torchvision_schemas import make_torchvision_importable


@pytest.mark.parametrize(
    ("name", "visual_gflop"),
    [("dinov3-convnext", 30.7), ("dinov3-vitl", 121.7)],  # twice the multiplications of the papers
)
def test_the_full_sized_networks_give_rows_of_1280(name: str, visual_gflop: float) -> None:
    encoder = random_encoder(name, device=torch.device("cpu"), dtype=torch.float32, threads=1)
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 256, (60, 80, 3), dtype=np.uint8), np.zeros((300, 40, 3), np.uint8)]
    with FlopCounterMode(display=False) as counter:
        embeddings = encoder.encode(pictures)
    assert embeddings.shape == (2, 1280)
    np.testing.assert_allclose((embeddings**2).sum(axis=1), 2.0, atol=1e-5)
    clip_gflop = 7.67
    assert counter.get_total_flops() / 2e9 == pytest.approx(visual_gflop + clip_gflop, abs=0.1)


def shape_only(name: str) -> Callable[[], Any]:
    def build() -> Any:
        make_torchvision_importable()
        import open_clip
        import timm
        import transformers

        if name == "clip":
            return open_clip.CLIP(**open_clip.get_model_config("ViT-B-32-256"))
        if name == "hf vit":
            return transformers.DINOv3ViTModel(transformers.DINOv3ViTConfig(**VIT_LARGE))
        if name == "hf convnext":
            return transformers.DINOv3ConvNextModel(transformers.DINOv3ConvNextConfig(**CONVNEXT_BASE))
        return timm.create_model(name, num_classes=0)

    return build


@pytest.mark.parametrize(
    ("checkpoint", "build"),
    [
        (CLIP_B32_256, shape_only("clip")),
        (ENCODER_PARTS["dinov3-vitl"].visual["facebook"], shape_only("hf vit")),
        (ENCODER_PARTS["dinov3-convnext"].visual["facebook"], shape_only("hf convnext")),
        (ENCODER_PARTS["dinov3-vitl"].visual["timm"], shape_only("vit_large_patch16_dinov3")),
        (ENCODER_PARTS["dinov3-convnext"].visual["timm"], shape_only("convnext_base.dinov3_lvd1689m")),
    ],
    ids=lambda each: each.repo if isinstance(each, Checkpoint) else "",
)
def test_the_tensors_a_download_is_checked_by_are_the_networks_own(
    checkpoint: Checkpoint, build: Callable[[], Any]
) -> None:
    with torch.device("meta"):
        state = build().state_dict()
    for ending, shape in checkpoint.tensor_shapes.items():
        found = [tuple(each.shape) for name, each in state.items() if f".{name}".endswith(f".{ending}")]
        assert shape in found
