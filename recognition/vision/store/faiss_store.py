"""The vector index: append-only rows of fused embeddings, searched exactly while products come and go."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Protocol

import faiss
import numpy as np
from numpy.typing import ArrayLike, NDArray

from recognition.vision.encoders.layout import EMBEDDING_DIM
from recognition.vision.store.rwlock import RWLock
from recognition.vision.types import FloatArray, IntArray

SEGMENT_ROWS = 8192
"""Rows of a segment: 42 MB at 1280 columns. Only the tail is searched under the lock, so this also bounds how
long a search can keep an append waiting (1.5 ms for one query, 7 ms for sixteen). On 100,000 rows one query
took 21 ms over such segments and 20 ms over one flat index; 4,096 rows cost another 3%."""

ROWS_PER_WRITE = 256
"""Most rows copied under one hold of the write lock: 1.3 MB, well under a millisecond."""

QUERIES_FOR_MATRIX_PRODUCT = 4
"""From this many queries on a matrix product beats one pass per query: 10,000 rows took 1.8 ms instead of
5.7 ms for one query without it, 7.9 ms instead of 22.5 ms for sixteen with it."""

OVERFETCH_ROWS = 512
"""Up to this many withdrawn rows of a segment are fetched too and dropped, which keeps the matrix product;
a selector forces one pass per query (16 queries on 10,000 rows: 34 ms instead of 8 ms)."""

TIE_RESERVE = 8
"""Extra rows fetched beyond k, so that ties at the edge rarely need a second search."""

ROUNDING = 1e-5
"""Scores closer than this may have been ordered by rounding alone; float32 over 1280 columns of unit vectors
errs by about 1e-6."""

FETCH_GROWTH = 8

WORST = np.finfo(np.float32).min
"""The score FAISS gives to a place it found no row for."""

# faiss-cpu 1.15 compares this with queries x columns; earlier versions compared queries alone
faiss.cvar.distance_compute_blas_threshold = QUERIES_FOR_MATRIX_PRODUCT * EMBEDDING_DIM


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


def flat_index_reserve(dimension: int, capacity: int) -> faiss.IndexFlatIP:
    """Make an empty index whose memory is there already: a later add only copies the new rows."""
    index = faiss.IndexFlatIP(dimension)
    index.codes.resize(capacity * index.code_size)
    index.codes.resize(0)
    return index


@dataclass(frozen=True)
class _Segment:
    """A run of consecutive rows; a change of its tombstones makes a new segment around the same vectors."""

    first_row: int
    index: faiss.IndexFlatIP
    active_bits: NDArray[np.uint8]
    selector: faiss.IDSelectorBitmap
    withdrawn: int = 0

    @classmethod
    def reserve(cls, first_row: int, dimension: int, capacity: int) -> _Segment:
        """Make an empty segment for so many rows."""
        index = flat_index_reserve(dimension, capacity)
        return cls(first_row, index, *_tombstones(np.full((capacity + 7) // 8, 0xFF, np.uint8)))

    @property
    def rows(self) -> int:
        return self.index.ntotal

    def is_active(self, local_row: int) -> bool:
        return bool(self.active_bits[local_row >> 3] >> (local_row & 7) & 1)

    def with_active(self, local_rows: IntArray, active: bool) -> _Segment:
        """Return a segment around the same vectors in which the given rows are active or withdrawn."""
        flags = np.unpackbits(self.active_bits, bitorder="little")
        flags[local_rows] = active
        bits, selector = _tombstones(np.packbits(flags, bitorder="little"))
        return replace(self, active_bits=bits, selector=selector, withdrawn=int(np.count_nonzero(flags == 0)))

    def best(self, queries: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
        """Find at least the k best active rows of each query, and all that tie with the last of them.

        Returns rough scores, which FAISS rounds differently by where a row lies and how many queries come
        along, and rows, -1 for none.
        """
        fetch = min(k + TIE_RESERVE, self.rows)
        if fetch == 0 or len(queries) == 0:
            return np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
        while True:
            rough, local_rows = self._fetch(queries, fetch)
            if fetch == self.rows or not _edge_is_tied(rough, k):
                break
            fetch = min(fetch * FETCH_GROWTH, self.rows)
        return rough, np.where(local_rows >= 0, local_rows + self.first_row, -1)

    def score(self, queries: FloatArray, rows: IntArray) -> FloatArray:
        """Score pairs of queries and rows (q, n); -inf where the row does not lie in this segment."""
        local_rows = rows - self.first_row
        local_rows[(local_rows < 0) | (local_rows >= self.rows)] = -1
        scores = np.full(rows.shape, -np.inf, np.float32)
        faiss.fvec_inner_products_by_idx(  # type: ignore[attr-defined]  # missing from the stubs of FAISS
            faiss.swig_ptr(scores),
            faiss.swig_ptr(queries),
            self.index.get_xb(),
            faiss.swig_ptr(local_rows),
            self.index.d,
            *rows.shape,
        )
        return scores

    def _fetch(self, queries: FloatArray, fetch: int) -> tuple[FloatArray, IntArray]:
        if not self.withdrawn:
            return self.index.search(queries, fetch)
        if len(queries) < QUERIES_FOR_MATRIX_PRODUCT or self.withdrawn > OVERFETCH_ROWS:
            # the stubs of FAISS know no arguments of SearchParameters
            return self.index.search(queries, fetch, params=faiss.SearchParameters(sel=self.selector))  # type: ignore[call-arg]
        scores, local_rows = self.index.search(queries, min(fetch + self.withdrawn, self.rows))
        flags = np.unpackbits(self.active_bits, bitorder="little").astype(bool)
        hidden = ~flags[local_rows]
        scores[hidden], local_rows[hidden] = WORST, -1
        order = np.argsort(hidden, axis=1, kind="stable")[:, :fetch]
        return np.take_along_axis(scores, order, axis=1), np.take_along_axis(local_rows, order, axis=1)


def _tombstones(active_bits: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], faiss.IDSelectorBitmap]:
    """Pair the bits with a selector that points into them; the two must be kept together."""
    return active_bits, faiss.IDSelectorBitmap(len(active_bits), faiss.swig_ptr(active_bits))


def _edge_is_tied(rough: FloatArray, k: int) -> bool:
    """Tell whether a row left out could by rounding alone have missed the k best."""
    kth, last = rough[:, k - 1], rough[:, -1]
    return bool(np.any((last > WORST) & (kth - last < ROUNDING)))


def _finalists(rough: FloatArray, rows: IntArray, k: int) -> IntArray:
    """Keep the rows that can be among the k best whatever the rounding: (q, most kept), padded with -1."""
    kth = -np.partition(-rough, k - 1, axis=1)[:, k - 1 : k] if rough.shape[1] > k else WORST
    kept = (rows >= 0) & (rough >= kth - ROUNDING)
    width = int(kept.sum(axis=1).max(initial=0))
    order = np.argsort(~kept, axis=1, kind="stable")[:, :width]
    return np.take_along_axis(np.where(kept, rows, -1), order, axis=1)


@dataclass(frozen=True)
class _View:
    """What a search looks at: full segments, which no longer change, and the tail, which grows."""

    sealed: tuple[_Segment, ...]
    tail: _Segment

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
        self._view = _View((), _Segment.reserve(0, dimension, segment_rows))

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
            successor = _Segment.reserve(view.rows, self.dimension, self.segment_rows)
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
        rows = _finalists(np.hstack([part[0] for part in found]), np.hstack([part[1] for part in found]), k)
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

    def _copy_vectors(self, segment: _Segment, rows: IntArray, copies: FloatArray) -> None:
        """Write the vectors of those rows that lie in the segment to their places in ``copies``."""
        places = np.flatnonzero(rows // self.segment_rows == segment.first_row // self.segment_rows)
        if len(places):
            copies[places] = segment.index.reconstruct_batch(rows[places] - segment.first_row)

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
