"""Matches embeddings with the index, and decides by the embedding alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recognition.vision.decision.decide import (
    Candidate,
    Decision,
    Thresholds,
    decide,
    fold_to_products,
)
from recognition.vision.decision.odds import CONTENDERS
from recognition.vision.store.vector_store import VectorStore
from recognition.vision.types import FloatArray

SEARCH_ROWS = 96
"""Rows fetched per picture: more than one upload may have photos, so that several products are found."""

WIDER = 8
"""Factor by which the search is widened when its rows belong to fewer products than are weighed."""


def match(
    store: VectorStore, product_of_row: Sequence[str | None], queries: FloatArray, thresholds: Thresholds
) -> list[Decision]:
    """Find the products nearest to each picture and decide by the embedding alone.

    Parameters
    ----------
    product_of_row : the product of each row, None where a row must not match
    queries : float32 (n, 1280), fused
    """
    scores, rows = store.search(queries, SEARCH_ROWS)
    decisions = []
    for position in range(len(queries)):
        candidates = candidates_of(product_of_row, scores[position], rows[position])
        if len(candidates) < CONTENDERS and rows[position, -1] >= 0:
            wide_scores, wide_rows = store.search(queries[position : position + 1], SEARCH_ROWS * WIDER)
            candidates = candidates_of(product_of_row, wide_scores[0], wide_rows[0])
        decisions.append(decide(candidates, thresholds))
    return decisions


def candidates_of(
    product_of_row: Sequence[str | None], scores: FloatArray, rows: np.ndarray
) -> tuple[Candidate, ...]:
    """Fold the rows of one query to products, leaving out rows that no longer belong to one."""
    named = {int(row): product_of_row[row] for row in rows if row >= 0}
    known = {row: product for row, product in named.items() if product is not None}
    return fold_to_products(scores, np.where(np.isin(rows, list(known)), rows, -1), known)
