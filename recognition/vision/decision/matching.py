"""What is made of one picture, from embedding to closer look: the till and every evaluation ask here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from recognition.vision.decision.decide import (
    ROWS_KEPT,
    SUSPECTS,
    Candidate,
    Decision,
    Thresholds,
    decide,
    fold_to_products,
)
from recognition.vision.decision.verification import PRODUCTS_MAX, Features, looked_at
from recognition.vision.store.vector_store import VectorStore
from recognition.vision.types import FloatArray

SEARCH_ROWS = 96
"""Rows fetched for each picture: more than an upload may bring photos, so that several products are seen."""

WIDER = 8
"""How many times more rows are fetched when all of them were of fewer products than are weighed."""

# Gives the features of photos by their rows, as far as they are there.
FeaturesOf = Callable[[Sequence[int]], Mapping[int, Features]]


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
        if len(candidates) < SUSPECTS and rows[position, -1] >= 0:
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


def photos_needed(candidates: Sequence[Candidate]) -> list[int]:
    """Return the rows whose photos a closer look at these candidates would compare."""
    return [row for candidate in candidates[:PRODUCTS_MAX] for row in candidate.rows[:ROWS_KEPT]]


def look_closely(
    item: Callable[[], Features],
    suspects: Sequence[Candidate],
    thresholds: Thresholds,
    features_of_rows: FeaturesOf,
) -> Decision | None:
    """Lay the stored photos of the few products in question on a picture, and decide anew.

    Parameters
    ----------
    item : gives the features of the picture; asked only where there is something to compare it with
    suspects : products with the scores of their embeddings, likeliest first
    features_of_rows : asked for the photos that matched best

    Returns
    -------
    Decision or None
        By embedding and print together; None where no photo could be looked at, which says nothing.
    """
    photos = features_of_rows(photos_needed(suspects)) if suspects else {}
    if not photos:
        return None
    found = sorted(looked_at(item(), suspects, photos), key=lambda each: -each.score)
    return decide(found, thresholds, looked_closely=True)


def decided_closely(decision: Decision, look: Callable[[Sequence[Candidate]], Decision | None]) -> Decision:
    """Look closely at a picture that was matched; return what is made of it then.

    Pictures the embedding accepts are looked at too: print may speak for another product.

    Parameters
    ----------
    look : compares the picture with the products given, likeliest first
    """
    return look(decision.candidates) or decision
