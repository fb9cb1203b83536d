"""Judges vectors by retrieval: how often the nearest gallery photo shows the same product."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recognition.vision.types import FloatArray

SHOT_DRAWS = 5


@dataclass(frozen=True)
class LabelledVectors:
    """Labelled unit vectors: float32 (n, d) and one class name per row."""

    vectors: FloatArray
    labels: NDArray[np.str_]

    def keep(self, classes: Collection[str]) -> LabelledVectors:
        """Only the rows of these classes."""
        chosen = np.isin(self.labels, sorted(classes))
        return LabelledVectors(self.vectors[chosen], self.labels[chosen])


def recall_at_1(gallery: LabelledVectors, queries: LabelledVectors) -> float:
    """Share of the queries whose best row by inner product is of their own class."""
    best = (queries.vectors @ gallery.vectors.T).argmax(axis=1)
    return float((gallery.labels[best] == queries.labels).mean())


def few_shots(gallery: LabelledVectors, shots: int, seed: int) -> NDArray[np.intp]:
    """Row numbers of at most ``shots`` random photos of each class."""
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [
            rng.permutation(np.flatnonzero(gallery.labels == name))[:shots]
            for name in np.unique(gallery.labels)
        ]
    )


def few_shot_recall(gallery: LabelledVectors, queries: LabelledVectors, *, shots: int = 5) -> float:
    """Mean recall@1 over five fixed draws of a small gallery."""
    recalls = []
    for seed in range(SHOT_DRAWS):
        rows = few_shots(gallery, shots, seed)
        recalls.append(recall_at_1(LabelledVectors(gallery.vectors[rows], gallery.labels[rows]), queries))
    return float(np.mean(recalls))


def metrics(
    gallery: LabelledVectors,
    queries: LabelledVectors,
    *,
    cartons: Collection[str],
    unseen: Sequence[str] = (),
) -> dict[str, float]:
    """All metrics by which weights are chosen.

    ``all`` and ``cartons`` take the whole gallery against the queries, the ``_5`` ones five photos a class;
    ``cartons`` judges the carton queries against the carton classes only, ``unseen_5`` and
    ``unseen_cartons_5`` stay among the classes kept out of training.
    """
    carton_gallery, carton_queries = gallery.keep(cartons), queries.keep(cartons)
    result = {
        "all": recall_at_1(gallery, queries),
        "cartons": recall_at_1(carton_gallery, carton_queries),
        "all_5": few_shot_recall(gallery, queries),
        "cartons_5": few_shot_recall(carton_gallery, carton_queries),
    }
    for name, classes in (("unseen", set(unseen)), ("unseen_cartons", set(unseen) & set(cartons))):
        if classes:
            result[f"{name}_5"] = few_shot_recall(gallery.keep(classes), queries.keep(classes))
    return result
