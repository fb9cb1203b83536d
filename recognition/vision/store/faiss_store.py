"""The vector index: append-only rows of fused embeddings, searched exactly while products come and go."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import ArrayLike

from recognition.vision.encoders.layout import EMBEDDING_DIM
from recognition.vision.store.rwlock import RWLock
from recognition.vision.store.segments import Segment, finalists
from recognition.vision.types import FloatArray, IntArray

SEGMENT_ROWS = 8192
"""Rows of a segment: 42 MB at 1280 columns. Only the tail is searched under the lock, so this also bounds how
long a search can keep an append waiting (1.5 ms for one query, 7 ms for sixteen). On 100,000 rows one query
took 21 ms over such segments and 20 ms over one flat index; 4,096 rows cost another 3%."""

ROWS_PER_WRITE = 256
"""Most rows copied under one hold of the write lock: 1.3 MB, well under a millisecond."""


@dataclass(frozen=True)
class _View:
    """What a search looks at: full segments, which no longer change, and the tail, which grows."""

    sealed: tuple[Segment, ...]
    tail: Segment

    @property
    def rows(self) -> int:
        return self.tail.first_row + self.tail.rows


class FaissStore:
    """Exact search over flat segments in this process's memory.

    An append copies only the new rows into memory reserved in the tail segment. Growing one flat array
    would copy every row ever added. The tail is read under a shared lock and written under an exclusive
    one: FAISS crashes when an index is searched while it grows. Full segments never change and are searched
    without the lock, and a withdrawal replaces the tombstones of a segment by a new bitmap; so a search sees
    the rows as they stood at one moment, and neither an append nor a search waits longer for the other when
    the index is large.

    Parameters
    ----------
    dimension : columns of a vector
    segment_rows : rows of a segment
    """

    def __init__(self, *, dimension: int = EMBEDDING_DIM, segment_rows: int = SEGMENT_ROWS) -> None:
        self.dimension = dimension
        self.segment_rows = segment_rows
        self._lock = RWLock()
        self._one_writer = threading.Lock()
        self._view = _View((), Segment.reserve(0, dimension, segment_rows))

    @property
    def row_count(self) -> int:
        """Rows ever added, withdrawn ones included."""
        with self._lock.read():
            return self._view.rows

    @property
    def active_count(self) -> int:
        """Rows that can match."""
        with self._lock.read():
            view = self._view
            return view.rows - sum(segment.withdrawn for segment in (*view.sealed, view.tail))

    def is_active(self, row: int) -> bool:
        """Tell whether a row can match.

        Raises
        ------
        IndexError
            When the row was never added.
        """
        with self._lock.read():
            number, local_row = divmod(int(self._checked_rows(row)[0]), self.segment_rows)
            return (*self._view.sealed, self._view.tail)[number].is_active(local_row)

    def add(self, vectors: FloatArray) -> range:
        """Append vectors in O(new rows), however many there are already.

        Up to 256 rows become visible to searches together; a longer batch in runs of that length, in order,
        so that no search waits for all of it. Memory for the next segment is made before the lock is taken.

        Parameters
        ----------
        vectors : float32 (n, dimension), unit rows; copied

        Returns
        -------
        The rows the vectors became.

        Raises
        ------
        ValueError
            When the shape is wrong or a value is not finite; nothing is added then.
        """
        vectors = self._checked_vectors(vectors)
        with self._one_writer:
            # only a writer changes the view, and this thread is the only one
            first_row = row = self._view.rows
            for start in range(0, len(vectors), ROWS_PER_WRITE):
                for piece in self._pieces_up_to_seal(vectors[start : start + ROWS_PER_WRITE], row):
                    self._append(piece)
                    row += len(piece)
        return range(first_row, row)

    def _pieces_up_to_seal(self, vectors: FloatArray, row: int) -> list[FloatArray]:
        room = self.segment_rows - row % self.segment_rows
        return [
            piece for piece in np.split(vectors, range(room, len(vectors), self.segment_rows)) if len(piece)
        ]

    def _append(self, vectors: FloatArray) -> None:
        view = self._view
        if view.tail.rows + len(vectors) > self.segment_rows:
            successor = Segment.reserve(view.rows, self.dimension, self.segment_rows)
            successor.index.add(vectors)
            with self._lock.write():
                self._view = _View((*view.sealed, view.tail), successor)
        else:
            with self._lock.write():
                view.tail.index.add(vectors)

    def withdraw(self, rows: ArrayLike) -> None:
        """Keep rows from matching, from the next search on; they keep their numbers and vectors.

        Raises
        ------
        IndexError
            When a row was never added; nothing is withdrawn then.
        """
        self._set_active(rows, active=False)

    def restore(self, rows: ArrayLike) -> None:
        """Let withdrawn rows match again.

        Raises
        ------
        IndexError
            When a row was never added; nothing is restored then.
        """
        self._set_active(rows, active=True)

    def _set_active(self, rows: ArrayLike, *, active: bool) -> None:
        with self._one_writer:
            checked = self._checked_rows(rows)
            segments = [*self._view.sealed, self._view.tail]
            numbers = checked // self.segment_rows
            for number in np.unique(numbers):
                local_rows = checked[numbers == number] - segments[number].first_row
                segments[number] = segments[number].with_active(local_rows, active)
            with self._lock.write():
                self._view = _View(tuple(segments[:-1]), segments[-1])

    def search(self, queries: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
        """Find the k active rows of largest inner product with each query.

        Parameters
        ----------
        queries : float32 (q, dimension), unit rows; q may be 0
        k : rows to return, at least 1

        Returns
        -------
        scores : float32 (q, k), falling, -inf where there are fewer than k active rows
        rows : int64 (q, k), -1 there. Equal scores come in the order of their rows.

        Raises
        ------
        ValueError
            When the shape is wrong, a value is not finite or k is less than 1.
        """
        queries = self._checked_vectors(queries)
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        # OpenMP keeps this number per thread; a second thread per query only gets in the way of the first
        faiss.omp_set_num_threads(1)
        with self._lock.read():
            view = self._view
            found = [view.tail.best(queries, k)]
        found += [segment.best(queries, k) for segment in view.sealed]
        rows = finalists(np.hstack([part[0] for part in found]), np.hstack([part[1] for part in found]), k)
        scores = self._scores(view, queries, rows)
        order = np.lexsort((rows, -scores), axis=1)[:, :k]
        best_scores = np.full((len(queries), k), -np.inf, np.float32)
        best_rows = np.full((len(queries), k), -1, np.int64)
        best_scores[:, : order.shape[1]] = np.take_along_axis(scores, order, axis=1)
        best_rows[:, : order.shape[1]] = np.take_along_axis(rows, order, axis=1)
        return best_scores, best_rows

    def _scores(self, view: _View, queries: FloatArray, rows: IntArray) -> FloatArray:
        """Score the finalists again, one by one, so that a score does not depend on its surroundings."""
        scores = np.full(rows.shape, -np.inf, np.float32)
        segments = (*view.sealed, view.tail)
        with self._lock.read():
            for number in np.unique(rows[rows >= 0] // self.segment_rows):
                np.maximum(scores, segments[number].score(queries, rows), out=scores)
        return scores

    def vectors(self, rows: ArrayLike) -> FloatArray:
        """Return the vectors of rows, withdrawn ones too: float32 (n, dimension), copies.

        Raises
        ------
        IndexError
            When a row was never added.
        """
        with self._lock.read():
            view = self._view
            checked = self._checked_rows(rows)
            copies = np.empty((len(checked), self.dimension), np.float32)
            self._copy_vectors(view.tail, checked, copies)
        for segment in view.sealed:
            self._copy_vectors(segment, checked, copies)
        return copies

    def _copy_vectors(self, segment: Segment, rows: IntArray, copies: FloatArray) -> None:
        """Write the vectors of those rows that lie in the segment to their positions in ``copies``."""
        positions = np.flatnonzero(rows // self.segment_rows == segment.first_row // self.segment_rows)
        if len(positions):
            copies[positions] = segment.index.reconstruct_batch(rows[positions] - segment.first_row)

    def _checked_rows(self, rows: ArrayLike) -> IntArray:
        checked = np.asarray(rows, np.int64).reshape(-1)
        wrong = checked[(checked < 0) | (checked >= self._view.rows)]
        if len(wrong):
            raise IndexError(f"row {wrong[0]} was never added; there are {self._view.rows} rows")
        return checked

    def _checked_vectors(self, vectors: FloatArray) -> FloatArray:
        checked = np.ascontiguousarray(vectors, np.float32)
        if checked.ndim != 2 or checked.shape[1] != self.dimension:
            raise ValueError(f"expected vectors of shape (n, {self.dimension}), got {checked.shape}")
        if not np.isfinite(checked).all():
            raise ValueError("expected finite vectors, got NaN or infinity")
        return checked
