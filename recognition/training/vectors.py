"""Embeds for judging: squares with a network in training, photo files with a finished encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from recognition.training.photos import read_rgb
from recognition.training.precision import native_autocast
from recognition.vision.encoders.compact import INPUT_SIDE_PX, normalise
from recognition.vision.encoders.layout import unit_rows
from recognition.vision.encoders.protocol import Encoder
from recognition.vision.photos.item import photo_item
from recognition.vision.types import FloatArray

_SQUARES = 64
_PHOTOS = 16


@torch.no_grad()
def visual_vectors(
    network: nn.Module, pixels: NDArray[np.uint8], *, side_px: int = INPUT_SIDE_PX, device: str = "cpu"
) -> FloatArray:
    """Embed uint8 squares (n, side, side, 3): float32 (n, 1024) of unit length.

    Leaves the network in evaluation mode.
    """
    network.eval()
    rows = []
    for start in range(0, len(pixels), _SQUARES):
        chunk = [
            cv2.resize(image, (side_px, side_px), interpolation=cv2.INTER_AREA)
            for image in pixels[start : start + _SQUARES]
        ]
        view = torch.from_numpy(np.stack(chunk)).to(device).permute(0, 3, 1, 2).float() / 255.0
        with native_autocast(device):
            rows.append(network(normalise(view)).float().cpu().numpy())
    return unit_rows(np.concatenate(rows))


def photo_vectors(encoder: Encoder, paths: Sequence[Path], *, step: str, items: bool = False) -> FloatArray:
    """Embed photo files, some at a time: float32 (n, 1280), unweighted.

    Parameters
    ----------
    step : shown beside the progress
    items : take the item of each photo, as registering does; else the picture as it is shown

    Raises
    ------
    ValueError
        When a file is no picture.
    """
    rows = []
    for start in tqdm(range(0, len(paths), _PHOTOS), desc=step, mininterval=2.0):
        pictures = [read_rgb(path) for path in paths[start : start + _PHOTOS]]
        rows.append(encoder.encode([photo_item(each) for each in pictures] if items else pictures))
    return np.concatenate(rows)
