"""Small random checkpoints in the libraries' own file formats, where the published ones would lie."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from recognition.vision.encoders.checkpoints import CLIP_B32_256, ENCODER_PARTS, Checkpoint
from recognition.vision.types import Image
from tests.recognition.vision.encoders.torchvision_schemas import make_torchvision_importable

VITL, CONVNEXT = ENCODER_PARTS["dinov3-vitl"].visual, ENCODER_PARTS["dinov3-convnext"].visual


def some_pictures() -> list[Image]:
    """Four pictures of differing shapes: flat areas, edges and noise."""
    rng = np.random.default_rng(7)
    pictures = []
    for height, width in ((90, 120), (300, 200), (224, 224), (41, 160)):
        picture = np.full((height, width, 3), rng.integers(0, 256, 3), dtype=np.uint8)
        picture[height // 3 :, : width // 2] = rng.integers(0, 256, 3)
        picture[: height // 4, width // 3 :] = rng.integers(0, 256, (height // 4, width - width // 3, 3))
        pictures.append(picture)
    return pictures


def scramble(model: Any) -> Any:
    """Replace every parameter by noise: initial values leave whole branches at zero."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(noise / max(1.0, float(np.prod(parameter.shape[1:]))) ** 0.5)
    return model.eval()


def save_vit(models_dir: Path) -> Path:
    """A DINOv3 ViT of one layer, 1024 wide, in transformers' format."""
    make_torchvision_importable()
    from transformers import DINOv3ViTConfig, DINOv3ViTImageProcessor, DINOv3ViTModel

    config = DINOv3ViTConfig(
        hidden_size=1024,
        num_hidden_layers=1,
        num_attention_heads=16,
        intermediate_size=64,
        num_register_tokens=4,
    )
    return _save_transformers(
        models_dir, VITL["facebook"], scramble(DINOv3ViTModel(config)), DINOv3ViTImageProcessor()
    )


def save_convnext(models_dir: Path) -> Path:
    """A DINOv3 ConvNeXt of four layers, 1024 wide at the end, in transformers' format."""
    make_torchvision_importable()
    from transformers import DINOv3ConvNextConfig, DINOv3ConvNextModel, DINOv3ViTImageProcessor

    config = DINOv3ConvNextConfig(hidden_sizes=[8, 16, 32, 1024], depths=[1, 1, 1, 1])
    return _save_transformers(
        models_dir,
        CONVNEXT["facebook"],
        scramble(DINOv3ConvNextModel(config)),
        DINOv3ViTImageProcessor(size={"height": 192, "width": 192}),
    )


def save_timm(models_dir: Path, checkpoint: Checkpoint, **model_args: Any) -> Path:
    """A timm model of one layer per stage, in timm's format."""
    make_torchvision_importable()
    import timm
    from timm.models import save_for_hf

    model = scramble(timm.create_model(checkpoint.repo.partition("/")[2], num_classes=0, **model_args))
    folder = models_dir / checkpoint.repo
    save_for_hf(model, str(folder), model_args=model_args, safe_serialization=True)
    return folder


def save_timm_vit(models_dir: Path) -> Path:
    return save_timm(models_dir, VITL["timm"], depth=1, mlp_ratio=0.0625)


def save_timm_convnext(models_dir: Path) -> Path:
    return save_timm(models_dir, CONVNEXT["timm"], depths=[1, 1, 1, 1], dims=[8, 16, 32, 1024])


def save_clip(models_dir: Path) -> Path:
    """A CLIP of one layer in each tower, 512 wide at the end, in open_clip's format."""
    make_torchvision_importable()
    import open_clip
    from safetensors.torch import save_file

    model_cfg = {
        "embed_dim": 512,
        "vision_cfg": {"image_size": 96, "layers": 1, "width": 64, "head_width": 32, "patch_size": 32},
        "text_cfg": {"context_length": 8, "vocab_size": 32, "width": 32, "heads": 2, "layers": 1},
    }
    preprocess_cfg = {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD}
    folder = models_dir / CLIP_B32_256.repo
    folder.mkdir(parents=True)
    (folder / CLIP_B32_256.config_files[0]).write_text(
        json.dumps({"model_cfg": model_cfg, "preprocess_cfg": preprocess_cfg}), encoding="utf-8"
    )
    model = scramble(open_clip.CLIP(**model_cfg))
    save_file(model.state_dict(), str(folder / CLIP_B32_256.weight_files[0]))
    return folder


def _save_transformers(models_dir: Path, checkpoint: Checkpoint, model: Any, processor: Any) -> Path:
    folder = models_dir / checkpoint.repo
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
