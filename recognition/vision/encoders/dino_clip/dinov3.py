"""The visual block: DINOv3 as ViT-L/16 or ConvNeXt-Base, from transformers' checkpoints or timm's copies.

Oriane Siméoni and others 2025, *DINOv3*, arXiv:2508.10104. Both give 1024 numbers for a picture:
the class token of the transformer, the normalised average of the convolutional network's last stage.
"""

from __future__ import annotations

from typing import Any

import torch
from safetensors import SafetensorError

from recognition.vision.encoders.checkpoints import Located
from recognition.vision.encoders.dino_clip.block import Block
from recognition.vision.encoders.dino_clip.transforms import (
    Preprocess,
    hugging_face_preprocess,
    timm_preprocess,
)
from recognition.vision.encoders.errors import WeightsDamaged


def load_dinov3(located: Located, *, device: torch.device, dtype: torch.dtype) -> Block:
    """Load a DINOv3 checkpoint from its folder; nothing is downloaded.

    Raises
    ------
    WeightsDamaged
        When the file cannot be read, or a tensor is missing or of another shape. transformers only logs a
        missing one and goes on with random numbers in its place.
    """
    if located.checkpoint.backend == "timm":
        return _load_timm(located, device=device, dtype=dtype)
    return _load_transformers(located, device=device, dtype=dtype)


def _load_transformers(located: Located, *, device: torch.device, dtype: torch.dtype) -> Block:
    from transformers import AutoModel
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # loading takes a second; a server's log is no place for a moving bar
    try:
        model, loading = AutoModel.from_pretrained(
            located.folder, local_files_only=True, dtype=dtype, output_loading_info=True
        )
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise WeightsDamaged(path=located.weights, reason=str(error)) from error
    if loading["missing_keys"]:
        raise WeightsDamaged(path=located.weights, reason=f"it lacks {_few(loading['missing_keys'])}")
    return transformers_block(model, hugging_face_preprocess(located.folder), device=device, dtype=dtype)


def transformers_block(
    model: Any, preprocess: Preprocess, *, device: torch.device, dtype: torch.dtype
) -> Block:
    """Make a block of a transformers DINOv3 model: its pooled output, the class token of a ViT."""
    convolutional = "convnext" in model.config.model_type
    model = _placed(model, device=device, channels_last=convolutional)

    def forward(pixels: torch.Tensor) -> torch.Tensor:
        return model(pixel_values=pixels).pooler_output

    return Block(
        preprocess=preprocess,
        forward=forward,
        pooling="transformers pooler_output",
        width=model.config.hidden_sizes[-1] if convolutional else model.config.hidden_size,
        device=device,
        dtype=dtype,
        channels_last=convolutional,
    )


def _load_timm(located: Located, *, device: torch.device, dtype: torch.dtype) -> Block:
    import timm

    options: dict[str, Any] = {"num_classes": 0}
    if "convnext" not in located.checkpoint.repo:
        options["global_pool"] = (
            "token"  # timm would average the patches; DINOv3 was trained on the class token
        )
    try:
        model = timm.create_model(f"local-dir:{located.folder}", pretrained=True, **options)
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
        raise WeightsDamaged(path=located.weights, reason=str(error)) from error
    return timm_block(model, device=device, dtype=dtype)


def timm_block(model: Any, *, device: torch.device, dtype: torch.dtype) -> Block:
    """Make a block of a timm DINOv3 model: its pooled features."""
    convolutional = "convnext" in model.pretrained_cfg["architecture"]
    preprocess = timm_preprocess(model)
    model = _placed(model.to(dtype=dtype), device=device, channels_last=convolutional)
    return Block(
        preprocess=preprocess,
        forward=model,
        pooling="timm average" if convolutional else "timm token",
        width=model.num_features,
        device=device,
        dtype=dtype,
        channels_last=convolutional,
    )


def _placed(model: Any, *, device: torch.device, channels_last: bool) -> Any:
    model = model.eval().requires_grad_(requires_grad=False).to(device=device)
    return model.to(memory_format=torch.channels_last) if channels_last else model


def _few(keys: Any) -> str:
    names = sorted(str(key) for key in keys)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
