"""The one layout every encoder shares: where the blocks of an embedding lie and how they are fused."""

from __future__ import annotations

import numpy as np

from recognition.vision.types import FloatArray

VISUAL_DIM = 1024
SEMANTIC_DIM = 256
EMBEDDING_DIM = VISUAL_DIM + SEMANTIC_DIM
VISUAL_WEIGHT = 0.7


def unit_rows(block: FloatArray) -> FloatArray:
    """Scale each row to unit length; a row of zeros stays zero.

    Parameters
    ----------
    block : float32 (n, d)

    Returns
    -------
    float32 (n, d), a new array
    """
    length = np.linalg.norm(block, axis=1, keepdims=True)
    return (block / np.maximum(length, np.finfo(np.float32).tiny)).astype(np.float32)


def join_blocks(visual: FloatArray, semantic: FloatArray) -> FloatArray:
    """Put the two blocks, each scaled to unit length, side by side: float32 (n, 1280), unweighted.

    Raises
    ------
    ValueError
        When a block does not have 1024 (visual) or 256 (semantic) columns.
    """
    if visual.shape[1:] != (VISUAL_DIM,) or semantic.shape[1:] != (SEMANTIC_DIM,):
        raise ValueError(
            f"expected blocks of {VISUAL_DIM} and {SEMANTIC_DIM} columns, "
            f"got shapes {visual.shape} and {semantic.shape}"
        )
    return np.hstack([unit_rows(visual), unit_rows(semantic)])


def fuse(embeddings: FloatArray, *, visual_weight: float = VISUAL_WEIGHT) -> FloatArray:
    """Weight the blocks so that an inner product is a weighted mean of the two cosines.

    Each block is multiplied by the square root of its weight: the inner product of two fused vectors is
    then exactly ``a * cos_visual + (1 - a) * cos_semantic``. Multiplying by the weights themselves would
    square them and leave 0.84 to 0.16 of an intended 0.7 to 0.3.

    Parameters
    ----------
    embeddings : float32 (n, 1280), both blocks of unit length
    visual_weight : a in [0, 1]

    Returns
    -------
    float32 (n, 1280), a new array of unit rows

    Raises
    ------
    ValueError
        When the shape is not (n, 1280) or the weight lies outside [0, 1].
    """
    if embeddings.ndim != 2 or embeddings.shape[1] != EMBEDDING_DIM:
        raise ValueError(f"expected embeddings of shape (n, {EMBEDDING_DIM}), got {embeddings.shape}")
    if not 0.0 <= visual_weight <= 1.0:
        raise ValueError(f"visual_weight must lie in [0, 1], got {visual_weight}")
    scale = np.empty(EMBEDDING_DIM, np.float32)
    scale[:VISUAL_DIM] = np.sqrt(visual_weight)
    scale[VISUAL_DIM:] = np.sqrt(1.0 - visual_weight)
    return (embeddings * scale).astype(np.float32)
