"""What pictures are compared with: the replica, the thresholds of its products, and the files behind it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recognition.index_files import IndexFiles
from recognition.replica import POLL_S, IndexView, Replica
from recognition.snapshot_keeper import SnapshotKeeper
from recognition.vision.layout import FloatArray
from recognition.vision.matching import Candidate, Decision, Thresholds, decide, fold_to_products

SEARCH_ROWS = 48
"""Rows fetched for each picture: more than an upload may bring photos, so that a second product is seen."""

WIDER = 8
"""How many times more rows are fetched when all of them were of one product."""

UNCALIBRATED = Thresholds(default=0.6, margin=0.05)
"""Used until the first calibration, a moment after the index was loaded."""


class Gallery:
    """Finds the products nearest to a picture and decides whether one of them is what it shows.

    Parameters
    ----------
    files : where snapshots are kept; by default the shop's own
    poll_s : longest time between two looks at the log
    """

    def __init__(self, *, files: IndexFiles | None = None, poll_s: float = POLL_S) -> None:
        self.files = files or IndexFiles()
        self.thresholds = UNCALIBRATED
        self.snapshots = SnapshotKeeper(self.files)
        self.replica = Replica(
            visual_weight=self.files.visual_weight,
            load=self.files.load,
            changed=self._rows_changed,
            poll_s=poll_s,
        )

    @property
    def generation(self) -> int:
        """The live generation of files on this machine."""
        return self.files.generation()

    @property
    def warnings(self) -> list[str]:
        """What is wrong with the files although recognition works without them."""
        found = []
        if self.files.rebuilt_because:
            found.append(f"The index files could not be used: {self.files.rebuilt_because}.")
        if self.snapshots.failure:
            found.append(f"The index files cannot be written: {self.snapshots.failure}.")
        return found

    def start(self) -> None:
        """Begin to follow the log and to save files."""
        self.replica.start()
        self.snapshots.start()

    def stop(self) -> None:
        """Stop every thread and close its database connection."""
        self.replica.stop()
        self.snapshots.stop()

    def decide(self, view: IndexView, queries: FloatArray) -> list[Decision]:
        """Match fused vectors, float32 (n, 1280), and decide on each."""
        thresholds = self.thresholds
        scores, rows = view.store.search(queries, SEARCH_ROWS)
        decisions = []
        for position in range(len(queries)):
            candidates = candidates_of(view, scores[position], rows[position])
            if len(candidates) < 2 and rows[position, -1] >= 0:
                query = queries[position : position + 1]
                wide_scores, wide_rows = view.store.search(query, SEARCH_ROWS * WIDER)
                candidates = candidates_of(view, wide_scores[0], wide_rows[0])
            decisions.append(decide(candidates, thresholds))
        return decisions

    def _rows_changed(self, view: IndexView, product_ids: Sequence[str]) -> None:
        self.snapshots.changed()


def candidates_of(view: IndexView, scores: FloatArray, rows: np.ndarray) -> tuple[Candidate, ...]:
    """Fold the rows of one query to products, leaving out rows that no longer belong to one."""
    product_of_row = {int(row): view.product_ids[row] for row in rows if row >= 0}
    known = {row: product for row, product in product_of_row.items() if product is not None}
    return fold_to_products(scores, np.where(np.isin(rows, list(known)), rows, -1), known)
