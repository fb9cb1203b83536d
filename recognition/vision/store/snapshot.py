"""The index as of one moment of the log, as it is written to files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recognition.vision.encoders.layout import EMBEDDING_DIM
from recognition.vision.types import FloatArray


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The index as of one moment of the log.

    Attributes
    ----------
    embeddings : float32 (n, 1280), unweighted, one per row, withdrawn rows included
    labels : unicode (n,), the product of each row
    withdrawn : rows that do not match, rising
    applied_seq : the last event of the log that is part of this
    fingerprint : the encoder the embeddings come from
    visual_weight : weight of the visual block in the fused vectors
    origin : identifies the log this was made from; two logs may have reached the same number
    """

    embeddings: FloatArray
    labels: NDArray[np.str_]
    withdrawn: tuple[int, ...]
    applied_seq: int
    fingerprint: str
    visual_weight: float
    origin: str = ""

    def __post_init__(self) -> None:
        rows = len(self.embeddings)
        if self.embeddings.shape != (rows, EMBEDDING_DIM) or self.embeddings.dtype != np.float32:
            raise ValueError(
                f"expected embeddings float32 (n, {EMBEDDING_DIM}),"
                f" got {self.embeddings.dtype} {self.embeddings.shape}"
            )
        if self.labels.shape != (rows,) or self.labels.dtype.kind != "U":
            raise ValueError(f"expected {rows} labels of text, got {self.labels.dtype} {self.labels.shape}")
        if list(self.withdrawn) != sorted({row for row in self.withdrawn if 0 <= row < rows}):
            raise ValueError(f"expected withdrawn rows rising within 0..{rows - 1}")
