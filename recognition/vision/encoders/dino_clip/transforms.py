"""From RGB arrays to a network's input, by each checkpoint's own preprocessing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image as PillowImage

from recognition.vision.types import Image

MAX_ASPECT = 16


@dataclass(frozen=True)
class Preprocess:
    """One checkpoint's preprocessing.

    Attributes
    ----------
    apply : takes RGB uint8 arrays of any sizes to float32 (n, 3, height, width) on the CPU; row i depends on
        picture i alone
    description : everything that decides the result, for the encoder's fingerprint
    """

    apply: Callable[[Sequence[Image]], torch.Tensor]
    description: str


def as_pictures(images: Sequence[Image]) -> list[PillowImage.Image]:
    """Wrap arrays as Pillow pictures, in which height, width and channels cannot be mistaken.

    Image processors that are given an array guess which axis holds the channels, and guess wrong for a
    picture three pixels high.

    Raises
    ------
    ValueError
        When an image is not a non-empty uint8 array of shape (h, w, 3).
    """
    for position, image in enumerate(images):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
            raise ValueError(
                f"image {position} must be a non-empty RGB uint8 array of shape (height, width, 3), "
                f"got {image.dtype} {image.shape}"
            )
    return [PillowImage.fromarray(np.ascontiguousarray(image)) for image in images]


def limit_aspect(picture: PillowImage.Image, ratio: int = MAX_ASPECT) -> PillowImage.Image:
    """Cut a very long picture to its middle, at most ``ratio`` times as long as it is wide.

    Preprocessing that scales the short side to a fixed size and keeps the central square would blow a
    picture of 1 x 10,000 pixels up to 256 x 2,560,000 only to throw nearly all of it away.
    """
    width, height = picture.size
    new_width, new_height = min(width, ratio * height), min(height, ratio * width)
    if (new_width, new_height) == (width, height):
        return picture
    left, top = (width - new_width) // 2, (height - new_height) // 2
    return picture.crop((left, top, left + new_width, top + new_height))


def hugging_face_preprocess(folder: Path) -> Preprocess:
    """The image processor stored beside a transformers checkpoint (``preprocessor_config.json``)."""
    from transformers import AutoImageProcessor

    processor = AutoImageProcessor.from_pretrained(folder, local_files_only=True)
    settings = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))

    def apply(images: Sequence[Image]) -> torch.Tensor:
        return processor(images=as_pictures(images), return_tensors="pt")["pixel_values"]

    return Preprocess(apply=apply, description=_canonical("transformers", settings))


def timm_preprocess(model: Any) -> Preprocess:
    """The evaluation transform that timm derives from a model's own pretrained configuration."""
    from timm.data import create_transform, resolve_model_data_config

    settings = resolve_model_data_config(model)
    transform = create_transform(**settings, is_training=False)
    return Preprocess(apply=_one_by_one(transform), description=_canonical("timm", settings))


def open_clip_preprocess(visual: Any) -> Preprocess:
    """The evaluation transform of an open_clip image tower, from the configuration it was loaded with."""
    from open_clip.transform import PreprocessCfg, image_transform_v2

    settings = dict(visual.preprocess_cfg)
    transform = image_transform_v2(PreprocessCfg(**settings), is_train=False)
    return Preprocess(apply=_one_by_one(transform), description=_canonical("open_clip", settings))


def _one_by_one(
    transform: Callable[[PillowImage.Image], torch.Tensor],
) -> Callable[[Sequence[Image]], torch.Tensor]:
    def apply(images: Sequence[Image]) -> torch.Tensor:
        return torch.stack([transform(limit_aspect(picture)) for picture in as_pictures(images)])

    return apply


def _canonical(library: str, settings: dict[str, Any]) -> str:
    return json.dumps({"library": library, **settings}, sort_keys=True, default=str)
