"""The interface of a vector index, wherever its vectors are kept."""

from __future__ import annotations

from typing import Protocol

from numpy.typing import ArrayLike

from recognition.vision.types import FloatArray, IntArray


class VectorStore(Protocol):
    """What recognition needs of a vector index, whether it lives in this process or on many machines.

    Rows are numbered densely from 0 in the order of arrival and keep their number for ever. Every method may
    be called from any thread at any time.
    """

    @property
    def row_count(self) -> int:
        """Rows ever added, withdrawn ones included."""
        ...

    @property
    def active_count(self) -> int:
        """Rows that can match."""
        ...

    def is_active(self, row: int) -> bool:
        """Tell whether a row can match; IndexError for a row never added."""
        ...

    def add(self, vectors: FloatArray) -> range:
        """Append float32 (n, 1280) fused vectors and return the rows they became."""
        ...

    def withdraw(self, rows: ArrayLike) -> None:
        """Keep rows from matching; withdrawing twice is harmless, IndexError for a row never added."""
        ...

    def restore(self, rows: ArrayLike) -> None:
        """Let withdrawn rows match again; harmless for active rows, IndexError for a row never added."""
        ...

    def search(self, queries: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
        """Return scores float32 (q, k), falling, and rows int64 (q, k), padded with -inf and -1.

        Equal scores come in the order of their rows. The score of a pair depends on nothing but the two
        vectors.
        """
        ...

    def vectors(self, rows: ArrayLike) -> FloatArray:
        """Return the vectors of rows, withdrawn ones too: float32 (n, 1280), copies."""
        ...
