"""The semantic block's network: the image tower of open_clip's ViT-B-32-256, trained on DataComp.

Alec Radford and others 2021, *Learning transferable visual models from natural language supervision*; Samir
Yitzhak Gadre and others 2023, *DataComp*. Its 512 columns become the 256 of the layout by a fixed projection.
"""

from __future__ import annotations

from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError

from recognition.vision.encoders.checkpoints import Located
from recognition.vision.encoders.dino_clip.block import Block
from recognition.vision.encoders.dino_clip.transforms import open_clip_preprocess
from recognition.vision.encoders.errors import WeightsDamaged

UNREADABLE = (SafetensorError, UnpicklingError, EOFError, OSError, KeyError, ValueError, RuntimeError)


def load_clip(located: Located, *, device: torch.device, dtype: torch.dtype) -> Block:
    """Load the image tower of an open_clip checkpoint from its folder; nothing is downloaded.

    Raises
    ------
    WeightsDamaged
        When the file cannot be read or does not fit the network it names.
    """
    import open_clip

    try:
        model = open_clip.create_model(f"local-dir:{located.folder}", require_pretrained=True)
    except UNREADABLE as error:
        raise WeightsDamaged(path=located.weights, reason=str(error)) from error
    return clip_block(model, device=device, dtype=dtype)


def clip_block(model: Any, *, device: torch.device, dtype: torch.dtype) -> Block:
    """Make a block of an open_clip model's image tower and let go of its text tower."""
    visual = model.visual
    preprocess = open_clip_preprocess(visual)
    visual = visual.eval().requires_grad_(requires_grad=False).to(device=device, dtype=dtype)
    return Block(
        preprocess=preprocess,
        forward=visual,
        pooling="open_clip image tower",
        width=visual.output_dim,
        device=device,
        dtype=dtype,
        channels_last=False,
    )
