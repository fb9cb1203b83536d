"""Deterministic stand-ins for tests in which the network is not the subject."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image as PillowImage

from recognition.vision.encoders.layout import SEMANTIC_DIM, VISUAL_DIM, join_blocks
from recognition.vision.types import FloatArray, Image


class ThumbnailEncoder:
    """Embeds a picture as its own thumbnail: equal pictures match with 1, different ones clearly less."""

    name = "thumbnail"

    def __init__(self, fingerprint: str = "f" * 64) -> None:
        self.fingerprint = fingerprint

    def encode(self, images: Sequence[Image]) -> FloatArray:
        """Embed a batch: float32 (n, 1280)."""
        visual = np.zeros((len(images), VISUAL_DIM), np.float32)
        semantic = np.zeros((len(images), SEMANTIC_DIM), np.float32)
        for row, image in enumerate(images):
            picture = PillowImage.fromarray(image)
            visual[row] = _centred(picture.convert("RGB").resize((18, 19)), VISUAL_DIM)
            semantic[row] = _centred(picture.convert("RGB").resize((9, 10)), SEMANTIC_DIM)
        return join_blocks(visual, semantic)


def _centred(picture: PillowImage.Image, length: int) -> FloatArray:
    flat = np.asarray(picture, np.float32).ravel()[:length] - 127.5 + 0.01
    return np.asarray(flat, np.float32)
