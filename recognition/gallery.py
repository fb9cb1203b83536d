"""What pictures are compared with: the replica, the thresholds of its products, and the files behind it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recognition.calibrator import Calibrator
from recognition.hint_listener import HintListener
from recognition.index_files import IndexFiles
from recognition.photo_features import PhotoFeatures
from recognition.replica import POLL_S, IndexView, Replica
from recognition.snapshot_keeper import SnapshotKeeper
from recognition.vision.encoders.protocol import Image
from recognition.vision.layout import FloatArray
from recognition.vision.matching import SUSPECTS, Candidate, Decision, decide, fold_to_products
from recognition.vision.verification import features_of, reachable, settle, verify

SEARCH_ROWS = 48
"""Rows fetched for each picture: more than an upload may bring photos, so that a second product is seen."""

WIDER = 8
"""How many times more rows are fetched when all of them were of one product."""


class Gallery:
    """Finds the products nearest to a picture and decides whether one of them is what it shows.

    Parameters
    ----------
    files : where snapshots are kept; by default the shop's own
    poll_s : longest time between two looks at the log
    """

    def __init__(self, *, files: IndexFiles | None = None, poll_s: float = POLL_S) -> None:
        self.files = files or IndexFiles()
        self.calibrator = Calibrator()
        self.features = PhotoFeatures()
        self.snapshots = SnapshotKeeper(self.files)
        self.replica = Replica(
            visual_weight=self.files.visual_weight,
            load=self.files.load,
            changed=self._rows_changed,
            poll_s=poll_s,
        )
        self.hints = HintListener(self.replica.hint)

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
        if self.calibrator.failure:
            found.append(f"The thresholds cannot be measured: {self.calibrator.failure}.")
        return found

    def start(self) -> None:
        """Begin to follow the log and to save files."""
        self.replica.start()
        self.hints.start()
        self.snapshots.start()
        self.calibrator.start()
        self.features.start()

    def stop(self) -> None:
        """Stop every thread and close its database connection."""
        self.hints.stop()
        self.replica.stop()
        self.snapshots.stop()
        self.calibrator.stop()
        self.features.stop()

    def decide(self, view: IndexView, queries: FloatArray) -> list[Decision]:
        """Match fused vectors, float32 (n, 1280), and decide on each."""
        thresholds = self.calibrator.thresholds
        scores, rows = view.store.search(queries, SEARCH_ROWS)
        decisions = []
        for position in range(len(queries)):
            candidates = candidates_of(view, scores[position], rows[position])
            if len(candidates) < 2 and rows[position, -1] >= 0:
                query = queries[position : position + 1]
                wide_scores, wide_rows = view.store.search(query, SEARCH_ROWS * WIDER)
                candidates = candidates_of(view, wide_scores[0], wide_rows[0])
            decisions.append(decide(candidates, thresholds))
        undecided = [decision for decision in decisions if decision.state != "accepted"]
        suspects = [reachable(decision.candidates[:SUSPECTS], thresholds) for decision in undecided]
        self.features.want(dict.fromkeys(each.product_id for some in suspects for each in some))
        return decisions

    def verify(self, view: IndexView, image: Image, suspects: Sequence[Candidate]) -> Decision | None:
        """Look closely at one picture of an item the embedding did not settle.

        Returns
        -------
        Decision or None
            None where print and colours leave it open as well.
        """
        thresholds = self.calibrator.thresholds
        possible = reachable(suspects, thresholds)
        if not possible:
            return None
        photos = self.features.get(view, [suspect.product_id for suspect in possible])
        return settle(possible, verify(features_of(image), photos), thresholds)

    def _rows_changed(self, view: IndexView, rows: Sequence[int] | None) -> None:
        self.snapshots.changed()
        self.calibrator.changed(view, rows)
        self.features.rows_changed(view, rows)


def candidates_of(view: IndexView, scores: FloatArray, rows: np.ndarray) -> tuple[Candidate, ...]:
    """Fold the rows of one query to products, leaving out rows that no longer belong to one."""
    product_of_row = {int(row): view.product_ids[row] for row in rows if row >= 0}
    known = {row: product for row, product in product_of_row.items() if product is not None}
    return fold_to_products(scores, np.where(np.isin(rows, list(known)), rows, -1), known)
