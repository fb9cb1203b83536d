"""The large encoders at full size with random weights, to measure speed and memory before a download."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch

from recognition.vision.encoders.dino_clip.block import Block
from recognition.vision.encoders.dino_clip.clip import clip_block
from recognition.vision.encoders.dino_clip.dinov3 import transformers_block
from recognition.vision.encoders.dino_clip.encoder import DinoClipEncoder
from recognition.vision.encoders.dino_clip.transforms import hugging_face_preprocess
from recognition.vision.encoders.torchvision_fit import torchvision_require

FINGERPRINT = "random weights"
SEED = 1

# The published checkpoints' shapes.
CONVNEXT_BASE = {"hidden_sizes": [128, 256, 512, 1024], "depths": [3, 3, 27, 3]}
VIT_LARGE = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "num_register_tokens": 4,
}


def random_encoder(name: str, *, device: torch.device, dtype: torch.dtype, threads: int) -> DinoClipEncoder:
    """Build ``dinov3-vitl`` or ``dinov3-convnext`` at full size; its embeddings mean nothing.

    Raises
    ------
    TorchvisionUnusable
        When torchvision cannot be imported.
    """
    torchvision_require(name)
    return DinoClipEncoder(
        name=name,
        fingerprint=FINGERPRINT,
        visual=_random_dinov3(name, device=device, dtype=dtype),
        semantic=_random_clip(device=device, dtype=dtype),
        threads=threads,
    )


def _random_dinov3(name: str, *, device: torch.device, dtype: torch.dtype) -> Block:
    from transformers import (
        DINOv3ConvNextConfig,
        DINOv3ConvNextModel,
        DINOv3ViTConfig,
        DINOv3ViTImageProcessor,
        DINOv3ViTModel,
    )
    from transformers.initialization import no_init_weights

    with no_init_weights():
        if name == "dinov3-convnext":
            model = DINOv3ConvNextModel(DINOv3ConvNextConfig(**CONVNEXT_BASE))
        else:
            model = DINOv3ViTModel(DINOv3ViTConfig(**VIT_LARGE))
    with tempfile.TemporaryDirectory() as folder:
        DINOv3ViTImageProcessor().save_pretrained(folder)
        preprocess = hugging_face_preprocess(Path(folder))
    return transformers_block(_randomise(model).to(dtype=dtype), preprocess, device=device, dtype=dtype)


def _random_clip(*, device: torch.device, dtype: torch.dtype) -> Block:
    import open_clip
    from transformers.initialization import no_init_weights

    shape = open_clip.get_model_config("ViT-B-32-256")
    shape["text_cfg"] = {"context_length": 1, "vocab_size": 1, "width": 8, "heads": 1, "layers": 1}
    with no_init_weights():
        model = open_clip.CLIP(**shape)
    tag = open_clip.get_pretrained_cfg("ViT-B-32-256", "datacomp_s34b_b86k")
    settings = open_clip.transform.merge_preprocess_dict(open_clip.transform.PreprocessCfg(), tag)
    open_clip.set_model_preprocess_cfg(model, {**settings, "size": model.visual.image_size})
    return clip_block(_randomise(model), device=device, dtype=dtype)


def _randomise(model: Any) -> Any:
    """Fill every parameter with noise that keeps activations finite; one drawn block serves all of them."""
    noise = torch.randn(1 << 20, generator=torch.Generator().manual_seed(SEED))
    with torch.no_grad():
        for parameter in model.parameters():
            inputs = max(1, parameter[0].numel() if parameter.ndim > 1 else 1)
            drawn = noise.repeat(-(-parameter.numel() // noise.numel()))[: parameter.numel()]
            parameter.copy_(drawn.view_as(parameter) / inputs**0.5)
    return model
