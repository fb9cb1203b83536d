"""One network with its preprocessing: what fills one block of an embedding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from recognition.vision.encoders.dino_clip.transforms import Preprocess
from recognition.vision.types import FloatArray, Image


@dataclass(frozen=True)
class Block:
    """A network on its device, ready to embed.

    Attributes
    ----------
    preprocess : the checkpoint's own
    forward : takes (n, 3, h, w) on the device in the dtype to (n, width)
    pooling : which output is taken, for the fingerprint
    width : columns of the output
    """

    preprocess: Preprocess
    forward: Callable[[torch.Tensor], torch.Tensor]
    pooling: str
    width: int
    device: torch.device
    dtype: torch.dtype
    channels_last: bool

    def embed(self, images: Sequence[Image]) -> FloatArray:
        """Embed at least one picture in one batch: float32 (n, width), not normalised."""
        with torch.inference_mode():
            memory = torch.channels_last if self.channels_last else torch.contiguous_format
            pixels = self.preprocess.apply(images).to(
                device=self.device, dtype=self.dtype, memory_format=memory
            )
            rows: FloatArray = self.forward(pixels).to(device="cpu", dtype=torch.float32).numpy()
            return np.ascontiguousarray(rows)
