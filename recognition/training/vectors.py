"""Embeds squares with a network in training, for judging."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from recognition.vision.encoders.compact import INPUT_SIDE_PX, normalise
from recognition.vision.layout import FloatArray, unit_rows

_CHUNK = 64


@torch.no_grad()
def visual_vectors(
    network: nn.Module, pixels: NDArray[np.uint8], *, side_px: int = INPUT_SIDE_PX, device: str = "cpu"
) -> FloatArray:
    """Embed uint8 squares (n, side, side, 3): float32 (n, 1024) of unit length.

    Leaves the network in evaluation mode.
    """
    network.eval()
    rows = []
    for start in range(0, len(pixels), _CHUNK):
        chunk = [
            cv2.resize(image, (side_px, side_px), interpolation=cv2.INTER_AREA)
            for image in pixels[start : start + _CHUNK]
        ]
        view = torch.from_numpy(np.stack(chunk)).to(device).permute(0, 3, 1, 2).float() / 255.0
        with torch.autocast(device, dtype=torch.bfloat16):
            rows.append(network(normalise(view)).float().cpu().numpy())
    return unit_rows(np.concatenate(rows))
