"""The fixed orthonormal matrix that takes CLIP's 512 columns to the 256 of the semantic block."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache

import numpy as np

from recognition.vision.encoders.layout import SEMANTIC_DIM
from recognition.vision.types import FloatArray

CLIP_DIM = 512
SEED = b"ebrcs clip 512 to 256, 1"


@cache
def projection_matrix() -> FloatArray:
    """The subsampled randomised Hadamard transform, 512 to 256.

    Sylvester's Hadamard matrix, its rows given random signs, 256 of its columns kept, scaled by
    1/sqrt(512). Columns are orthonormal, so the map is the coordinates of an orthogonal projection, and
    the signs spread every direction evenly over the columns kept (Ailon and Chazelle 2009, *The fast
    Johnson-Lindenstrauss transform*; Tropp 2011, *Improved analysis of the subsampled randomized Hadamard
    transform*): cosines survive up to a random error of about 1/sqrt(256).

    Every entry is plus or minus one and the same float32, with signs and columns drawn from a SHA-256
    stream: the matrix is equal bit for bit on every machine, which a QR of Gaussian numbers is not.

    Returns
    -------
    float32 (512, 256), read-only
    """
    integers = _random_integers()
    signs = np.array([1 if next(integers) & 1 else -1 for _ in range(CLIP_DIM)], dtype=np.int8)
    columns = list(range(CLIP_DIM))
    for last in range(CLIP_DIM - 1, 0, -1):
        other = _below(last + 1, integers)
        columns[last], columns[other] = columns[other], columns[last]
    kept = sorted(columns[:SEMANTIC_DIM])
    hadamard = np.ones((1, 1), dtype=np.int8)
    while hadamard.shape[0] < CLIP_DIM:
        hadamard = np.block([[hadamard, hadamard], [hadamard, -hadamard]])
    unscaled = (signs[:, None] * hadamard)[:, kept]
    matrix = unscaled.astype(np.float32) * np.float32(1.0 / np.sqrt(np.float64(CLIP_DIM)))
    matrix.setflags(write=False)
    return matrix


@cache
def projection_digest() -> str:
    """SHA-256 of the matrix's little-endian bytes, row by row, as hexadecimal digits."""
    return hashlib.sha256(projection_matrix().astype("<f4").tobytes()).hexdigest()


def project(clip: FloatArray) -> FloatArray:
    """Take CLIP embeddings to the semantic columns.

    Parameters
    ----------
    clip : float32 (n, 512), of any length

    Returns
    -------
    float32 (n, 256), not normalised

    Raises
    ------
    ValueError
        When there are not 512 columns.
    """
    if clip.ndim != 2 or clip.shape[1] != CLIP_DIM:
        raise ValueError(f"expected CLIP embeddings of shape (n, {CLIP_DIM}), got {clip.shape}")
    return (clip @ projection_matrix()).astype(np.float32)


def _random_integers() -> Iterator[int]:
    """Unsigned 32-bit integers: SHA-256 of the seed and a counter, eight little-endian words each."""
    counter = 0
    while True:
        block = hashlib.sha256(SEED + counter.to_bytes(8, "little")).digest()
        for start in range(0, len(block), 4):
            yield int.from_bytes(block[start : start + 4], "little")
        counter += 1


def _below(bound: int, integers: Iterator[int]) -> int:
    """A whole number in [0, bound), each equally likely: the incomplete last cycle is passed over."""
    limit = (1 << 32) - (1 << 32) % bound
    return next(integer for integer in integers if integer < limit) % bound
