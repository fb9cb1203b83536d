"""Keeping the thresholds of the products in step with the index, in a thread that yields to all others."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

import numpy as np
from django.conf import settings

from recognition.engine.priority import thread_yield
from recognition.index.replica import IndexView
from recognition.vision.decision.calibration import Calibration, GalleryScores
from recognition.vision.types import FloatArray, IntArray

logger = logging.getLogger(__name__)

COMPARED_ROWS = 10_000
"""Photos compared with each other when an index is loaded, which takes n x n work. Of a larger index an even
sample is taken; photos registered later are always added."""

NICENESS = 10


def _nothing(rows: IntArray) -> FloatArray:
    raise LookupError(f"no index to read rows {rows} from")


UNCALIBRATED = Calibration(_nothing).thresholds()
"""What decides until the first calibration, which takes seconds for some thousand photos."""


class Calibrator:
    """Measures the gallery whenever rows come or go, and publishes `thresholds` and `scores` when done."""

    def __init__(self) -> None:
        self.thresholds = UNCALIBRATED
        self.scores: GalleryScores | None = None
        self.failure = ""
        self._view: IndexView | None = None
        self._calibration = Calibration(_nothing)
        self._calibrated: set[int] = set()
        self._queue: list[tuple[IndexView, Sequence[int] | None]] = []
        self._changed = threading.Condition()
        self._busy = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="index-calibration", daemon=True)

    def start(self) -> None:
        """Begin to wait for changes."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the measurement in progress, without waiting for it."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def changed(self, view: IndexView, rows: Sequence[int] | None) -> None:
        """Note that rows came or went, or (None) that the view is a new one."""
        with self._changed:
            self._queue.append((view, rows))
            self._changed.notify_all()

    def wait(self, *, timeout_s: float) -> bool:
        """Wait until nothing is left to be measured; False when the time was too short."""
        with self._changed:
            return self._changed.wait_for(lambda: not (self._queue or self._busy), timeout_s)

    def _run(self) -> None:
        thread_yield(NICENESS)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._stopping)
                if self._stopping:
                    return
                work, self._queue = self._queue, []
                self._busy = True
            try:
                self._measure(work)
                self.failure = ""
            except Exception as error:
                logger.exception("the thresholds could not be measured; the last ones go on being used")
                self.failure = str(error) or type(error).__name__
                self._view = None
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()

    def _measure(self, work: Sequence[tuple[IndexView, Sequence[int] | None]]) -> None:
        """Bring the calibration in step with the present view, looking only at the rows that changed."""
        view = work[-1][0]
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
            touched = sorted({row for _, rows in work for row in rows or ()})
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
