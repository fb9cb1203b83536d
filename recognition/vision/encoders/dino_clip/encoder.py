"""The large encoders: DINOv3 for how a thing looks beside CLIP for what it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from recognition.vision.encoders.dino_clip.block import Block
from recognition.vision.encoders.dino_clip.projection import CLIP_DIM, project
from recognition.vision.encoders.errors import EncoderError
from recognition.vision.encoders.layout import EMBEDDING_DIM, VISUAL_DIM, join_blocks
from recognition.vision.types import FloatArray, Image

# Batching on a CPU was measured to gain 1.3x (ViT-L, batches of 4) to 2.8x (B/32, 8) and no more beyond; 16
# bounds the memory of a long import.
BATCH_SIZE = 16


class DinoClipEncoder:
    """Embeds pictures with two networks; safe to call from several threads.

    Parameters
    ----------
    name, fingerprint : as every encoder has them
    visual : a block 1024 wide
    semantic : a block 512 wide, projected to 256
    threads : CPU threads each call uses
    batch_size : pictures that pass through the networks at once, at most
    """

    def __init__(
        self,
        *,
        name: str,
        fingerprint: str,
        visual: Block,
        semantic: Block,
        threads: int,
        batch_size: int = BATCH_SIZE,
    ) -> None:
        if (visual.width, semantic.width) != (VISUAL_DIM, CLIP_DIM):
            raise ValueError(
                f"expected networks {VISUAL_DIM} and {CLIP_DIM} wide, got {visual.width} and {semantic.width}"
            )
        self.name = name
        self.fingerprint = fingerprint
        self.threads = threads
        self._visual = visual
        self._semantic = semantic
        self._batch_size = batch_size

    def encode(self, images: Sequence[Image]) -> FloatArray:
        """Embed a batch, as `Encoder.encode` promises.

        Raises
        ------
        ValueError
            When an image is not a non-empty RGB uint8 array.
        EncoderError
            When a network answers with something that is not a number; such a row would match nothing or
            everything.
        """
        if torch.get_num_threads() != self.threads:
            torch.set_num_threads(self.threads)
        embeddings = np.zeros((len(images), EMBEDDING_DIM), np.float32)
        for start in range(0, len(images), self._batch_size):
            batch = images[start : start + self._batch_size]
            rows = join_blocks(self._visual.embed(batch), project(self._semantic.embed(batch)))
            embeddings[start : start + len(batch)] = rows
        if not np.isfinite(embeddings).all():
            raise EncoderError(f"encoder {self.name!r} produced numbers that are not finite")
        return embeddings
