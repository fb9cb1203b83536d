"""Measures the thresholds of the products as the index changes, in a thread that yields to all others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from django.conf import settings

from ebrcs.background import Worker
from recognition.index.view import IndexView
from recognition.vision.decision.calibration import Calibration, GalleryScores
from recognition.vision.types import FloatArray, IntArray

COMPARED_ROWS = 10_000
"""Photos compared with each other when an index is loaded, which takes n x n work. Of a larger index an even
sample is taken; photos registered later are always added."""


def _nothing(rows: IntArray) -> FloatArray:
    raise LookupError(f"no index to read rows {rows} from")


UNCALIBRATED = Calibration(_nothing).thresholds()
"""What decides until the first calibration, which takes seconds for some thousand photos."""


class Calibrator(Worker):
    """Measures the gallery whenever rows come or go, and publishes `thresholds` and `scores` when done."""

    name = "index-calibration"
    fails_message = "the thresholds cannot be measured; the last ones stay in use"
    niceness = 10
    waits_for_work = False

    def __init__(self) -> None:
        super().__init__()
        self.thresholds = UNCALIBRATED
        self.scores: GalleryScores | None = None
        self._view: IndexView | None = None
        self._calibration = Calibration(_nothing)
        self._calibrated: set[int] = set()
        self._queue: list[tuple[IndexView, Sequence[int] | None]] = []

    def changed(self, view: IndexView, rows: Sequence[int] | None) -> None:
        """Note that rows came or went, or (None) that the view is a new one."""
        with self._changed:
            self._queue.append((view, rows))
            self._changed.notify_all()

    def wait(self, *, timeout_s: float) -> bool:
        """Wait until nothing is left to be measured; False when the time was too short."""
        with self._changed:
            return self._changed.wait_for(lambda: not (self._queue or self._is_busy), timeout_s)

    def is_due(self) -> bool:
        """Whether rows have come or gone."""
        return bool(self._queue)

    def work(self) -> None:
        """Measure what has changed; after a failure the next change measures everything."""
        with self._changed:
            changes, self._queue = self._queue, []
        try:
            self._measure(changes)
        except Exception:
            self._view = None
            raise

    def _measure(self, changes: Sequence[tuple[IndexView, Sequence[int] | None]]) -> None:
        """Update the calibration to the present view, looking only at the rows that changed."""
        view = changes[-1][0]
        if view is not self._view:
            if self._view is None or self._view.fingerprint != view.fingerprint:
                self.thresholds = UNCALIBRATED  # scores of another encoder say nothing about this one
                self.scores = None
            self._view = view
            self._calibration = Calibration(
                view.store.vectors, false_accept_target=settings.FALSE_ACCEPT_RATE
            )
            self._calibrated = set()
            touched = sample_of(view.store.row_count)
        else:
            touched = sorted({row for _, rows in changes for row in rows or ()})
        matching = {row for row in touched if view.store.is_active(row) and view.product_ids[row] is not None}
        gone = sorted((self._calibrated & set(touched)) - matching)
        come = sorted(matching - self._calibrated)
        self._calibration.withdraw(gone)
        self._calibration.add(come, [view.product_ids[row] or "" for row in come])
        self._calibrated = self._calibrated - set(gone) | set(come)
        self.thresholds = self._calibration.thresholds()
        self.scores = self._calibration.scores()


def sample_of(rows: int) -> list[int]:
    """Return the rows to compare: all of them, or an even sample of a large index."""
    return np.unique(np.linspace(0, rows - 1, min(rows, COMPARED_ROWS)).astype(int)).tolist() if rows else []
