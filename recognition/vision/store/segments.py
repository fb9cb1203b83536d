"""A run of consecutive rows of the index, searched exactly by FAISS; its tombstones hide withdrawn rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import faiss
import numpy as np
from numpy.typing import NDArray

from recognition.vision.encoders.layout import EMBEDDING_DIM
from recognition.vision.types import FloatArray, IntArray

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
"""The score that FAISS pads its answers with where it finds too few rows."""

# faiss-cpu 1.15 compares this with queries x columns; earlier versions compared queries alone
faiss.cvar.distance_compute_blas_threshold = QUERIES_FOR_MATRIX_PRODUCT * EMBEDDING_DIM


def flat_index_reserve(dimension: int, capacity: int) -> faiss.IndexFlatIP:
    """Make an empty index whose memory is there already: a later add only copies the new rows."""
    index = faiss.IndexFlatIP(dimension)
    index.codes.resize(capacity * index.code_size)
    index.codes.resize(0)
    return index


@dataclass(frozen=True)
class Segment:
    """A run of consecutive rows; a change of its tombstones makes a new segment around the same vectors."""

    first_row: int
    index: faiss.IndexFlatIP
    active_bits: NDArray[np.uint8]
    selector: faiss.IDSelectorBitmap
    withdrawn: int = 0

    @classmethod
    def reserve(cls, first_row: int, dimension: int, capacity: int) -> Segment:
        """Make an empty segment for so many rows."""
        index = flat_index_reserve(dimension, capacity)
        return cls(first_row, index, *_tombstones(np.full((capacity + 7) // 8, 0xFF, np.uint8)))

    @property
    def rows(self) -> int:
        """Rows added so far."""
        return self.index.ntotal

    def is_active(self, local_row: int) -> bool:
        """Tell whether a row can match, counted from the first of the segment."""
        return bool(self.active_bits[local_row >> 3] >> (local_row & 7) & 1)

    def with_active(self, local_rows: IntArray, active: bool) -> Segment:
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


def finalists(rough: FloatArray, rows: IntArray, k: int) -> IntArray:
    """Keep the rows that rounding may have kept from the k best: (q, most kept), padded with -1."""
    kth = -np.partition(-rough, k - 1, axis=1)[:, k - 1 : k] if rough.shape[1] > k else WORST
    kept = (rows >= 0) & (rough >= kth - ROUNDING)
    width = int(kept.sum(axis=1).max(initial=0))
    order = np.argsort(~kept, axis=1, kind="stable")[:, :width]
    return np.take_along_axis(np.where(kept, rows, -1), order, axis=1)
