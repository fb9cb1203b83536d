"""The published checkpoints the large encoders are made of, and where they lie on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Backend = Literal["transformers", "timm", "open_clip"]
Source = Literal["facebook", "timm"]

DINOV3_LICENCE = "DINOv3 License, https://ai.meta.com/resources/models-and-libraries/dinov3-license/"
MIT_LICENCE = "MIT"


@dataclass(frozen=True)
class Checkpoint:
    """One repository of the Hugging Face hub and the files needed from it.

    Attributes
    ----------
    weight_files : acceptable names in the order the library that loads them prefers
    tensor_shapes : ends of tensor names and the shapes they must have; name prefixes differ between
        versions of the libraries, the ends do not
    """

    repo: str
    backend: Backend
    gated: bool
    licence: str
    config_files: tuple[str, ...]
    weight_files: tuple[str, ...]
    tensor_shapes: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class EncoderParts:
    """What a large encoder needs: any one of the visual checkpoints, and the semantic one."""

    visual: Mapping[Source, Checkpoint]
    semantic: Checkpoint

    def wanted(self, source: Source) -> tuple[Checkpoint, Checkpoint]:
        """The two checkpoints to download when the visual one shall come from ``source``."""
        return self.visual[source], self.semantic


_HUGGING_FACE_FILES = ("config.json", "preprocessor_config.json")

CLIP_B32_256 = Checkpoint(
    repo="laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K",
    backend="open_clip",
    gated=False,
    licence=MIT_LICENCE,
    config_files=("open_clip_config.json",),
    weight_files=(
        "open_clip_model.safetensors",
        "open_clip_pytorch_model.safetensors",
        "open_clip_pytorch_model.bin",
    ),
    tensor_shapes={"visual.conv1.weight": (768, 3, 32, 32), "visual.proj": (768, 512)},
)

ENCODER_PARTS: Mapping[str, EncoderParts] = {
    "dinov3-vitl": EncoderParts(
        visual={
            "facebook": Checkpoint(
                repo="facebook/dinov3-vitl16-pretrain-lvd1689m",
                backend="transformers",
                gated=True,
                licence=DINOV3_LICENCE,
                config_files=_HUGGING_FACE_FILES,
                weight_files=("model.safetensors",),
                tensor_shapes={"embeddings.cls_token": (1, 1, 1024), "norm.weight": (1024,)},
            ),
            "timm": Checkpoint(
                repo="timm/vit_large_patch16_dinov3.lvd1689m",
                backend="timm",
                gated=False,
                licence=DINOV3_LICENCE,
                config_files=("config.json",),
                weight_files=("model.safetensors",),
                tensor_shapes={"cls_token": (1, 1, 1024), "norm.weight": (1024,)},
            ),
        },
        semantic=CLIP_B32_256,
    ),
    "dinov3-convnext": EncoderParts(
        visual={
            "facebook": Checkpoint(
                repo="facebook/dinov3-convnext-base-pretrain-lvd1689m",
                backend="transformers",
                gated=True,
                licence=DINOV3_LICENCE,
                config_files=_HUGGING_FACE_FILES,
                weight_files=("model.safetensors",),
                tensor_shapes={"layer_norm.weight": (1024,)},
            ),
            "timm": Checkpoint(
                repo="timm/convnext_base.dinov3_lvd1689m",
                backend="timm",
                gated=False,
                licence=DINOV3_LICENCE,
                config_files=("config.json",),
                weight_files=("model.safetensors",),
                tensor_shapes={"head.norm.weight": (1024,), "stem.0.weight": (128, 3, 4, 4)},
            ),
        },
        semantic=CLIP_B32_256,
    ),
}


@dataclass(frozen=True)
class Located:
    """A checkpoint that is complete on this machine."""

    checkpoint: Checkpoint
    folder: Path
    weights: Path


def locate(checkpoint: Checkpoint, models_dir: Path | None) -> Located | None:
    """Find a complete copy: first ``models_dir/OWNER/NAME``, then the hub's own cache; never downloads."""
    if models_dir is not None:
        found = _complete(checkpoint, models_dir / checkpoint.repo)
        if found is not None:
            return found
    cached = _cached_folder(checkpoint)
    return None if cached is None else _complete(checkpoint, cached)


def locate_visual(parts: EncoderParts, models_dir: Path | None) -> Located | None:
    """Find a visual checkpoint, the original before the copy when both are there."""
    found = (locate(checkpoint, models_dir) for checkpoint in parts.visual.values())
    return next((each for each in found if each is not None), None)


def _complete(checkpoint: Checkpoint, folder: Path) -> Located | None:
    if not all((folder / name).is_file() for name in checkpoint.config_files):
        return None
    weights = next((folder / name for name in checkpoint.weight_files if (folder / name).is_file()), None)
    return None if weights is None else Located(checkpoint=checkpoint, folder=folder, weights=weights)


def _cached_folder(checkpoint: Checkpoint) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    hit = try_to_load_from_cache(checkpoint.repo, checkpoint.config_files[0])
    return Path(hit).parent if isinstance(hit, str) else None
